"""`robotd token`: who may come in, by the file that the daemon watches. No daemon is needed for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.arguments import seconds
from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail
from robotd.cli.files import robot_file, robot_here

if TYPE_CHECKING:
    from robotd.access.tokens import Token, TokenFile

DEFAULT_FILE = "tokens.json"
LONGEST_S = 10 * 365 * 86_400.0

app = typer.Typer(
    help="Make, list and revoke tokens: what clients prove with who they are and what they may do.\n\n"
    "A robot that runs notices within half a second.\n\n"
    "Example: robotd token add alice --role operator --expires 30d",
    no_args_is_help=True,
    rich_markup_mode=None,
)

RobotPath = Annotated[
    str | None,
    typer.Argument(
        metavar="[ROBOT]",
        help="The robot's file. Left out: the only one in this folder or in its config/.",
        show_default=False,
    ),
]
TokensPath = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="PATH",
        help="The file of tokens itself. Default: the one that the robot's file names, or tokens.json "
        "beside it.",
        show_default=False,
    ),
]


class RoleName(StrEnum):
    """What people type for `robotd.core.role.Role`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MAINTAINER = "maintainer"
    ADMIN = "admin"


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who will hold it: a person, a program, a dashboard.")
    ],
    robot: RobotPath = None,
    role: Annotated[
        RoleName,
        typer.Option(help="viewer looks; operator also drives; maintainer also tends the journal."),
    ] = RoleName.VIEWER,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="From now on, as in 30d or 12h. Default: never.", show_default=False
        ),
    ] = None,
    file: TokensPath = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once: the file keeps only a hash of it.

    Example: robotd token add alice --role operator --expires 30d

    Example: ROBOTD_TOKEN=$(robotd token add dashboard --role viewer) robotd watch
    """
    from robotd.access.tokens import ID_LENGTH, ID_LETTERS, NAME, SECRET_BYTES, make
    from robotd.core.role import Role

    if NAME.fullmatch(name) is None:
        raise typer.BadParameter(f"{name!r}: a name has up to 64 letters, digits and _ . @ -")
    now = datetime.now(UTC)
    end = None if expires is None else _end(expires, now)
    tokens_file, is_named = _tokens_file(robot, file)
    with _changing(tokens_file, may_begin=True) as tokens:
        if any(token.name == name for token in tokens):
            fail(Exit.USAGE, f"{name} has a token already; revoke it, or choose another name")
        taken = {token.id for token in tokens}
        token_id = next(found for found in _ids(ID_LETTERS, ID_LENGTH) if found not in taken)
        token, said = make(
            token_id,
            secrets.token_urlsafe(SECRET_BYTES),
            name=name,
            role=Role.named(role.value),
            now=now,
            expires=end,
        )
        tokens.append(token)
    if as_json:
        typer.echo(json.dumps({"token": said, **_as_data(token), "file": str(tokens_file.path)}, indent=2))
    else:
        typer.echo(said)
    typer.echo(f"{tokens_file.path}: {token.id} for {name}, {role.value}{_until(token)}", err=True)
    if not is_named:
        typer.echo(f"In the robot's file: access: {{tokens: {tokens_file.path.name}}}", err=True)


@app.command("list")
def list_tokens(robot: RobotPath = None, file: TokensPath = None, as_json: Json = False) -> None:
    """List the tokens: who holds them and what they may do. Nobody can list the tokens themselves.

    Example: robotd token list
    """
    from robotd.access.tokens import TokensUnreadable, time_text
    from robotd.cli import console

    tokens_file, _ = _tokens_file(robot, file)
    try:
        tokens = list(tokens_file.read())
    except TokensUnreadable as error:
        fail(Exit.FAILED, str(error))
    if as_json:
        typer.echo(json.dumps([_as_data(token) for token in tokens], indent=2))
    elif not tokens:
        typer.echo("there are no tokens")
    else:
        now = datetime.now(UTC)

        def ends(token: Token) -> str:
            if token.expires is None:
                return "never"
            return f"{time_text(token.expires)}{' (expired)' if token.expired(now) else ''}"

        rows = [
            (token.id, token.name, str(token.role), time_text(token.created), ends(token)) for token in tokens
        ]
        console.table(("id", "name", "role", "created", "expires"), rows)


@app.command()
def revoke(
    which: Annotated[str, typer.Argument(metavar="ID|NAME", help="As `robotd token list` shows it.")],
    robot: RobotPath = None,
    file: TokensPath = None,
    as_json: Json = False,
) -> None:
    """Take a token out of the file. A robot that runs ends its connections within a second.

    What it had set in motion halts with its lease, or when its setpoints are no longer fresh.

    Example: robotd token revoke alice
    """
    tokens_file, _ = _tokens_file(robot, file)
    with _changing(tokens_file) as tokens:
        found = [token for token in tokens if which in (token.id, token.name)]
        if not found:
            fail(Exit.USAGE, f"{tokens_file.path} has no token {which!r}; `robotd token list` shows them")
        if len(found) > 1:
            fail(Exit.USAGE, f"{which!r} is the name of one token and the id of another; say the other word")
        tokens.remove(found[0])
    if as_json:
        typer.echo(json.dumps({"revoked": _as_data(found[0])}))
    else:
        typer.echo(f"revoked {found[0].id}, which {found[0].name} held as {found[0].role}")


def _tokens_file(robot: str | None, file: Path | None) -> tuple[TokenFile, bool]:
    """The file of tokens, and whether the robot's file names it. Other faults of that file do not matter:
    a token must be revocable at once.
    """
    from robotd.access.tokens import TokenFile

    if file is not None:
        if robot is not None:
            raise typer.BadParameter("either the robot's file or --file")
        return TokenFile(file), True

    from robotd.config import ConfigErrors
    from robotd.config.document import read
    from robotd.config.place import Place
    from robotd.config.safety import read_access

    path = robot_file(robot_here(robot))
    try:
        document = read(path)
        access = read_access(Place(document) / "access", path.parent)
        if document.errors:
            raise ConfigErrors.of(document.errors)
    except ConfigErrors as errors:
        typer.echo(errors.report(), err=True)
        raise typer.Exit(Exit.FILE_INVALID) from None
    if access.tokens is not None:
        return TokenFile(access.tokens), True
    return TokenFile(path.parent / DEFAULT_FILE), False


@contextmanager
def _changing(file: TokenFile, *, may_begin: bool = False) -> Iterator[list[Token]]:
    """The tokens of a file that nobody else changes meanwhile; they are written back. What fails is said."""
    from robotd.access.tokens import TokensUnreadable

    try:
        with file.alone():
            tokens = [] if may_begin and not file.path.exists() else list(file.read())
            yield tokens
            file.write(tokens)
    except TokensUnreadable as error:
        fail(Exit.FAILED, str(error))
    except OSError as error:
        fail(Exit.FAILED, f"{error.filename or file.path}: {error.strerror}")


def _ids(letters: str, length: int) -> Iterator[str]:
    while True:
        yield "".join(secrets.choice(letters) for _ in range(length))


def _end(duration: str, now: datetime) -> datetime:
    duration_s = seconds(duration)
    if not 1.0 <= duration_s <= LONGEST_S:
        raise typer.BadParameter(f"{duration!r} is not between a second and ten years")
    return now.replace(microsecond=0) + timedelta(seconds=round(duration_s))


def _until(token: Token) -> str:
    return "" if token.expires is None else f", until {token.expires:%Y-%m-%d %H:%M} UTC"


def _as_data(token: Token) -> dict[str, str | None]:
    from robotd.access.tokens import time_text

    return {
        "id": token.id,
        "name": token.name,
        "role": str(token.role),
        "created": time_text(token.created),
        "expires": None if token.expires is None else time_text(token.expires),
    }
