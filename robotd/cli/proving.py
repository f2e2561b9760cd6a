"""How a command and the robot prove to one another who they are, for every command that has a `--url`."""

from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypedDict

from typer.core import TyperGroup, TyperOption

TOKEN = "ROBOTD_TOKEN"
FINGERPRINT = "ROBOTD_FINGERPRINT"


class Proof(TypedDict):
    """What `robotd.client.connect` takes of it."""

    fingerprint: str | None
    token: str | None
    token_file: Path | None


_options: ContextVar[dict[str, str | None]] = ContextVar("options")


def proof() -> Proof:
    """What the options and the environment say. No token stands on a command line: `ps` would show it."""
    options = _options.get({})
    file = options.get("token_file")
    return Proof(
        fingerprint=options.get("fingerprint") or os.environ.get(FINGERPRINT) or None,
        token=os.environ.get(TOKEN) or None,
        token_file=None if file is None else Path(file),
    )


class Commands(TyperGroup):
    """Commands, of which each with a `--url` has `--fingerprint` and `--token-file` as well."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in self.commands.values():
            names = [parameter.name for parameter in command.params]
            if "url" in names:
                after = names.index("url") + 1
                command.params[after:after] = _make_options()


def _make_options() -> list[TyperOption]:
    def remember(_context: Any, option: Any, value: str | None) -> None:
        _options.set({**_options.get({}), option.name: value})

    def make(name: str, metavar: str, help_text: str) -> TyperOption:
        return TyperOption(
            param_decls=[name], metavar=metavar, help=help_text, expose_value=False, callback=remember
        )

    return [
        make(
            "--fingerprint",
            "SHA256",
            "The only certificate to trust, as `robotd tls fingerprint` prints it. "
            f"Default: ${FINGERPRINT}, or one that an authority of this system vouches for.",
        ),
        make(
            "--token-file",
            "PATH",
            "A file that holds the token which says who you are, and that no other user may read. "
            f"Default: the token that ${TOKEN} holds.",
        ),
    ]
