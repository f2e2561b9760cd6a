"""Where a robot stood at a row of its journal, and questions about what would have happened there."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from robotd.cli import arguments
from robotd.cli.exits import complain, printable
from robotd.cli.played import about, place, playing, told

if TYPE_CHECKING:
    from robotd.journal.replay import Standing
    from robotd.journal.store import Rows

PROMPT = "? "
HELP = """\
drive linear=0.2         what a command would do here; its payload may also be JSON: drive {"linear": 0.2}
bump                     what an event would do here
set battery.value=10.2   suppose that a reading were so, or `stale`; `set` alone: as it was
state                    where the robot stands
quit                     or Ctrl-D"""


def ask(rows: Rows, seq: int, *, as_json: bool) -> None:
    """Show where the robot stood, then answer what is typed or comes on stdin, a line at a time."""
    from robotd.journal.replay import stand

    with playing(seq, quiet=as_json) as progress:
        standing = stand(rows, seq, progress)
    questions = _Questions(standing, as_json=as_json)
    questions.show_state()
    if as_json and sys.stdin.isatty():
        return
    for line in filter(None, _lines()):
        if line in ("quit", "exit"):
            break
        try:
            questions.take(line)
        except typer.BadParameter as error:
            complain(error.message)


def _lines() -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin)
        return
    import readline  # noqa: F401  # imported, it lets people edit a line and find earlier ones

    typer.echo("\nAsk what would happen here: the name of a command or an event; `help` says more.")
    while True:
        try:
            yield input(PROMPT).strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo("")
            return


class _Questions:
    """What somebody asks about one row, and supposes."""

    def __init__(self, standing: Standing, *, as_json: bool) -> None:
        self._standing = standing
        self._as_json = as_json
        self._assumed: dict[str, float | bool | None] = {}

    def take(self, line: str) -> None:
        """Answer one. Raises `typer.BadParameter` for what cannot be understood."""
        word, _, rest = line.partition(" ")
        if word == "help":
            typer.echo(HELP)
        elif word == "state":
            self.show_state()
        elif word == "set":
            self._suppose(rest)
        elif word in self._standing.messages:
            self._would(word, _payload(rest))
        else:
            known = ", ".join(self._standing.messages)
            raise typer.BadParameter(f"nothing is called {printable(word)!r}; there are {known}")

    def show_state(self) -> None:
        """Where the robot stands."""
        if self._as_json:
            typer.echo(json.dumps(_as_json(self._standing)))
        else:
            _show(self._standing)

    def _suppose(self, pairs: str) -> None:
        readings = _units(self._standing)
        if not pairs.strip():
            self._assumed.clear()
        for name, value in arguments.payload(_words(pairs)).items():
            if name not in readings:
                raise typer.BadParameter(f"there is no reading {name!r}; there are {', '.join(readings)}")
            self._assumed[name] = None if value == "stale" else _si(name, value)

    def _would(self, kind: str, payload: dict[str, Any]) -> None:
        values = {
            name: _si(name, value) if isinstance(value, str) else value for name, value in payload.items()
        }
        decided = self._standing.would(kind, values, self._assumed)
        typer.echo(json.dumps(decided) if self._as_json else told(self._standing.row, decided))


def _payload(text: str) -> dict[str, Any]:
    """`linear=0.2 angle="30 deg"`, or JSON."""
    if not text.lstrip().startswith("{"):
        return arguments.nested(arguments.payload(_words(text)))
    try:
        payload: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"that is no JSON: {error}") from None
    return payload


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: {error}") from None


def _si(name: str, value: Any) -> float | bool:
    """A number as it is, a text as the quantity that it says."""
    from hal import UnitError, to_si

    if isinstance(value, bool | int | float):
        return value
    try:
        return to_si(str(value))[0]
    except UnitError as error:
        raise typer.BadParameter(f"{name}: {error}") from None


def _units(standing: Standing) -> dict[str, str]:
    """Every reading that the robot had, with its unit where the journal says it."""
    units: dict[str, str] = dict(standing.boot.data.get("units", {}))
    return units | {name: "" for name in standing.readings.known if name not in units}


def _show(standing: Standing) -> None:
    from robotd.cli import console

    boot, row, machine = standing.boot.data, standing.row, standing.machine
    typer.echo(f"{boot.get('robot', 'the robot')} after {place(row)}  {told(row)}")
    for region, leaf in standing.regions.items():
        began = standing.since.get(machine.entries[leaf].number) if leaf else None
        since = "" if began is None else f"  since row {began.seq}, {row.at - began.at:.1f} s before"
        typer.echo(f"{region}: {leaf or 'not started'}{since}")
    if (latch := standing.latch) is not None:
        typer.echo(f"latched {latch['latch_id']}: {printable(latch['reason'])}, by {printable(latch['by'])}")
    typer.echo(f"possible: {', '.join(machine.possible()) or 'no command'}")
    for command, begun in standing.open.items():
        typer.echo(f"under way: {printable(begun.data['type'])} ({printable(command)}), row {begun.seq}")
    lives: dict[str, list[str]] = {}
    for name, body in standing.devices.items():
        fault = body.get("fault")
        lives.setdefault(body["state"], []).append(f"{name} ({printable(fault)})" if fault else name)
    for state, names in lives.items():
        typer.echo(f"{state}: {', '.join(names)}")
    units = _units(standing)
    console.table(
        ("reading", "", "age"),
        [
            (name, _value(known.value, units[name]), f"{row.at - known.at:.1f} s")
            for name, known in sorted(standing.readings.known.items())
        ],
    )


def _value(value: float | bool | None, unit: str) -> str:
    if value is None:
        return "stale"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g} {unit}".rstrip()


def _as_json(standing: Standing) -> dict[str, Any]:
    row, machine = standing.row, standing.machine
    return {
        **about(row),
        "robot": standing.boot.data.get("robot"),
        "regions": standing.regions,
        "stays": [
            {
                "state": path,
                "number": entry.number,
                "since": began.seq if (began := standing.since.get(entry.number)) else None,
            }
            for path, entry in machine.entries.items()
        ],
        "digest": machine.digest(),
        "possible": list(machine.possible()),
        "latch": standing.latch,
        "under_way": {command: begun.data["type"] for command, begun in standing.open.items()},
        "devices": {name: body["state"] for name, body in standing.devices.items()},
        "readings": {
            name: {"value": known.value, "age_s": round(row.at - known.at, 6)}
            for name, known in sorted(standing.readings.known.items())
        },
    }
