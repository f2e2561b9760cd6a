"""The command line, as a test speaks to it."""

from __future__ import annotations

from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit


def said(*words: object, code: Exit = Exit.DONE) -> str:
    """What `robotd WORDS` says: on stdout where it is done, else on stderr. It must end with `code`."""
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout if code is Exit.DONE else done.stderr
