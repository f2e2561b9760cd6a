"""`robotd tls`: the certificate that the robot proves itself with, and the fingerprint that clients pin."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail
from robotd.cli.files import robot_here

if TYPE_CHECKING:
    from robotd.access.certificate import Certificate

CERTIFICATE, KEY = "certificate.pem", "key.pem"
DAYS = 730
"""Apple's systems refuse more than 825."""
MOST_DAYS = 3650

app = typer.Typer(
    help="Make the robot's TLS certificate, and show the fingerprint of one.\n\n"
    "Example: robotd tls self-signed --host robot.local --host 192.0.2.7",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("self-signed")
def self_signed(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[FOLDER|FILE]",
            help="The robot's file, or a folder. Left out: the only one in this folder or in its config/.",
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|ADDRESS",
            help="Under what clients reach the robot. May be repeated. Default: this machine's own names.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How long it is valid.")] = DAYS,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a certificate and a key that are there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a key and a certificate that it signs itself, beside the robot's file.

    Clients trust it by its fingerprint: --fingerprint, or $ROBOTD_FINGERPRINT. A robot that runs takes a new
    one at SIGHUP; connections that are open go on.

    Example: robotd tls self-signed --host robot.local --host 192.0.2.7

    Example: robotd tls self-signed rover.yaml --host robot.local --force
    """
    from robotd.access.certificate import look_at, make

    path = Path(robot_here(place))
    folder = path if path.is_dir() else path.parent
    certificate, key = folder / CERTIFICATE, folder / KEY
    there = [str(file) for file in (certificate, key) if file.exists()]
    if there and not force:
        fail(Exit.USAGE, f"{' and '.join(there)}: already there; --force replaces what is there")
    try:
        pem = make(host or _own_names(), datetime.now(UTC), days)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        _write(key, pem.key, 0o600)
        _write(certificate, pem.certificate, 0o644)
    except OSError as error:
        fail(Exit.FAILED, f"{error.filename}: {error.strerror}")
    made = look_at(certificate)
    if as_json:
        typer.echo(json.dumps({"certificate": str(certificate), "key": str(key), **_as_data(made)}, indent=2))
        return
    typer.echo(f"{certificate} and {key}, for {', '.join(made.hosts)}, until {made.ends:%Y-%m-%d}")
    typer.echo(f"\nIn the robot's file:\n\naccess:\n  certificate: {CERTIFICATE}\n  key: {KEY}")
    typer.echo(f"\nFor its clients:\n\nexport ROBOTD_FINGERPRINT={made.fingerprint}")


@app.command("fingerprint")
def fingerprint(
    file: Annotated[Path, typer.Argument(help="A certificate in PEM form, such as certificate.pem.")],
    as_json: Json = False,
) -> None:
    """Print the fingerprint by which clients know a certificate: the SHA-256 of its DER form.

    Example: robotd tls fingerprint certificate.pem
    """
    from robotd.access.certificate import BadCertificate, look_at

    try:
        certificate = look_at(file)
    except BadCertificate as error:
        fail(Exit.FAILED, str(error))
    typer.echo(json.dumps(_as_data(certificate), indent=2) if as_json else certificate.fingerprint)


def _own_names() -> list[str]:
    name = socket.gethostname().partition(".")[0].lower()
    return [f"{name}.local", name, "localhost", "127.0.0.1", "::1"]


def _write(file: Path, data: bytes, mode: int) -> None:
    """Put `data` in place of what is there, at once. Its owner stays: the robot must be able to read it."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written:
        written.write(data)
        with suppress(FileNotFoundError, PermissionError):
            old = file.stat()
            os.fchown(written.fileno(), old.st_uid, old.st_gid)
    new.replace(file)


def _as_data(certificate: Certificate) -> dict[str, object]:
    return {
        "fingerprint": certificate.fingerprint,
        "hosts": list(certificate.hosts),
        "begins": certificate.begins.isoformat(),
        "ends": certificate.ends.isoformat(),
    }
