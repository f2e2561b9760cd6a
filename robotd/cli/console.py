"""What a person sees on a terminal: tables and coloured words. The only file that imports rich.

Everything a robot says is shown as text: no markup of its own, no control characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from robotd.cli.exits import printable

_STAGE_STYLES = {
    "done": "green",
    "started": "green",
    "accepted": "green",
    "received": "green",
    "preempted": "yellow",
    "cancelled": "yellow",
    "expired": "yellow",
}
"""Every other stage is red."""
PIPE_COLUMNS = 200
"""Where nobody's terminal says how wide it is, a row should stay on its line."""
GAP = "   "
"""Between two columns."""
_CALM_STATES = frozenset({"online", "active", "inactive"})


def status(answer: Mapping[str, Any]) -> None:
    """The whole of a `status` answer."""
    kind = "simulated" if answer["simulated"] else "real"
    about = f"  {kind}, robotd {answer['version']}, up {_age(answer['uptime_s'])}"
    _line(Text.assemble((answer["robot"], "bold"), about))
    for name, region in answer["regions"].items():
        style = "bold red" if region["state"] == "estopped" else "bold cyan"
        why = f", by {region['why']['trigger']} from {region['why']['source']}" if region["why"] else ""
        since = f"  since {_age(region['since_s'])}{why}"
        _line(Text.assemble(f"{name}: ", (region["state"], style), since))
    latch = answer["latch"]
    if latch is not None:
        when = f"{_age(latch['age_s'])} ago{', before it started' if latch.get('kept') else ''}"
        said = f"latched {latch['latch_id']}: {latch['reason']}, by {latch['by']}, {when}"
        _line(Text(said, "bold red"))
    lease(answer.get("lease"))
    table(
        ("board", "state", "", "since"),
        (
            (
                name,
                _state(board["state"]),
                ", ".join(filter(None, ("simulated" if board["simulated"] else "", board["detail"]))),
                _age(board["since_s"]),
            )
            for name, board in answer["boards"].items()
        ),
    )
    table(
        ("device", "kind", "state", "readings"),
        (
            (name, device["kind"], _state(device["state"], device["fault"]), readings(device["readings"]))
            for name, device in answer["devices"].items()
        ),
    )
    waiting = {lane: depth for lane, depth in answer["queue"].items() if depth}
    _line(Text(f"queue: {_pairs(waiting) or 'empty'}"))
    if trouble := answer.get("access", {}).get("trouble"):
        _line(Text(f"nobody comes in by a token: {trouble}", "bold red"))
    _guard(answer["guard"])
    _journal(answer["journal"])


def lease(said: Mapping[str, Any] | str | None) -> None:
    """Who moves the robot."""
    if isinstance(said, str):
        _line(Text("lease: off; whoever may send commands moves it", "yellow"))
    elif said is not None and (holder := said["holder"]) is not None:
        who = f"{holder['source']} ({holder['principal']}, {holder['role']})"
        if "lost_ms" in said:
            _line(Text(f"lease: lost by {who}, not heard for {_age(said['age_ms'] / 1000)}", "bold red"))
        else:
            _line(Text(f"lease: {who}, heard {said['age_ms']:.0f} ms ago"))
    elif said is not None:
        _line(Text("lease: free" + (", and unattended" if said["unattended"] else "")))


def _guard(said: Mapping[str, Any]) -> None:
    """What would stop the robot if the daemon could not."""
    lacks = [word for word in ("real_time", "memory_locked") if said.get(word) is False]
    without = (
        f" (without {' and '.join(lacks)})".replace("_", " ") if said["state"] == "ready" and lacks else ""
    )
    style = "" if said["state"] == "ready" else "bold red" if said["state"] == "tripped" else "yellow"
    _line(Text(f"guard: {said['detail']}{without}", style))


def _journal(said: Mapping[str, Any]) -> None:
    """How the journal is, and what a person should know of it."""
    where = said["path"] or "in memory: it ends with the robot"
    _line(Text(f"journal: row {said['seq']}, {where}"))
    if said["trouble"] is not None:
        _line(Text(f"nothing moves: {said['trouble']}", "bold red"))
    recovered = said["recovered"]
    if open_commands := recovered.get("commands"):
        ends = _pairs(open_commands)
        _line(Text(f"open when the last daemon ended, and not run again: {ends}", "yellow"))
    if fall := recovered.get("fall"):
        _line(Text(f"the daemon before fell: {fall['what']} ({fall['error']}) at {fall['where']}", "red"))
    if said["quarantined"]:
        why = f" ({recovered['broken']})" if "broken" in recovered else ""
        kept = ", ".join(said["quarantined"])
        _line(
            Text(f"found broken{why}, kept in {kept}; when you know why: robotd journal acknowledge", "red")
        )


def evidence(answer: Mapping[str, Any]) -> None:
    """What a stop answered: each actuator confirmed or not, and the latch."""
    _line(Text.assemble(("stopped", "bold red"), f"  latch {answer['latch_id']}"))
    rows = []
    for name, fact in answer["evidence"].items():
        confirmed = fact.get("confirmed")
        if confirmed is None:
            rows.append((name, Text("unconfirmed", "yellow"), fact["unconfirmed"]["why"] or ""))
            continue
        value = "" if confirmed["value"] is None else f"at {confirmed['value']:g}"
        age = "" if confirmed["age_ms"] is None else f"{confirmed['age_ms']:.0f} ms ago"
        rows.append((name, Text("confirmed", "green"), ", ".join(filter(None, (value, age)))))
    table(("actuator", "stopped", ""), rows)


def stage(
    command_type: str,
    name: str,
    state: str,
    reason: str | None,
    result: Any,
    error: Mapping[str, Any] | None,
) -> None:
    """One stage of a command on one line."""
    parts = [Text(command_type, "bold"), Text(name, _STAGE_STYLES.get(name, "red"))]
    if state:  # of a command that ended before the daemon started, it is not known any more
        parts.append(Text(f"in {state}"))
    if reason:
        parts.append(Text(f"({reason})"))
    if result is not None:
        parts.append(Text(f"result {_plain(result)}"))
    if error is not None:
        parts.append(Text(str(error.get("message", "")), "red"))
    _line(Text("  ").join(parts))


def update(topic: str, data: Mapping[str, Any], gap: int) -> None:
    """One piece of news on one line."""
    kind, _, name = topic.partition(".")
    match kind:
        case "state":
            states = ", ".join(_region_states(data["regions"]))
            latch = data["latch"]
            more = f"  latched {latch['latch_id']}: {latch['reason']}" if latch else ""
            text = Text.assemble((f"{topic:<18}", "bold"), (states, "cyan"), (more, "bold red"))
        case "stage":
            reason = f"  ({data['reason']})" if data.get("reason") else ""
            style = _STAGE_STYLES.get(data["stage"], "red")
            text = Text.assemble((f"{topic:<18}", "bold"), f"{data['id']}  ", (data["stage"], style), reason)
        case "reading":
            text = Text.assemble((f"{name:<18}", "bold"), readings(data["readings"]))
        case _:
            text = Text.assemble((f"{topic:<18}", "bold"), _plain(data))
    if gap:
        text.append(f"  ({gap} left out)", "dim")
    _line(text)


def readings(values: Mapping[str, Mapping[str, Any] | None]) -> Text:
    """`linear 0.2 m/s  moving yes`; what was never heard is a dash."""
    return Text("  ").join(
        Text.assemble(
            (f"{name} ", "dim"), "-" if reading is None else _quantity(reading["value"], reading["unit"])
        )
        for name, reading in values.items()
    )


def scenarios(rows: Iterable[tuple[bool, str, str, str]]) -> None:
    """Which scenarios hold; each row also has its title, its seeds and its virtual time."""
    table(
        ("", "scenario", "", "robot's time"),
        [
            (Text("ok", "green") if holds else Text("failed", "bold red"), title, seeds, time)
            for holds, title, seeds, time in rows
        ],
    )


def coverage(
    states: Mapping[str, int], events: Mapping[str, int], transitions: Iterable[tuple[str, str, int, str]]
) -> None:
    """What a campaign has seen: where, what and how often, what was never seen in red."""
    table(("state", "entered"), [(name, _times(count)) for name, count in states.items()])
    if events:
        table(("event", "happened"), [(name, _times(count)) for name, count in events.items()])
    rows = [(where, what, _times(count), said) for where, what, count, said in transitions]
    table(("rarest transitions", "", "taken", "its condition"), rows)


def _times(count: int) -> Text:
    return Text(str(count)) if count else Text("never", "bold red")


_KIND_STYLES = {
    "stop": "bold red",
    "bug": "bold red",
    "dead": "red",
    "journal": "yellow",
    "halt": "yellow",
    "limit": "yellow",
    "clock": "yellow",
    "boot": "bold",
    "shutdown": "bold",
    "decision": "cyan",
    "command": "green",
    "started": "green",
    "ended": "green",
    "readings": "dim",
}


def journal_rows(rows: Iterable[tuple[str, int, str, str]]) -> None:
    """Rows of the journal, each on a line: when, its number, its kind, and what it says."""
    console = _console()
    for when, seq, kind, said in rows:
        text = Text.assemble(
            f"{when}  ", (f"#{seq:<7}", "dim"), (f" {kind:<9} ", _KIND_STYLES.get(kind, "")), said
        )
        console.print(_harmless(text), soft_wrap=True)


class Progress:
    """How far something is, on a terminal's last line; nothing on a pipe, or where `quiet`."""

    def __init__(self, due: int, *, quiet: bool) -> None:
        self._quiet = quiet
        console = _console()
        self._bar = Bar(
            TextColumn("{task.completed}/{task.total}"),
            BarColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=due, doing="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, doing: str) -> None:
        """One more is done."""
        self._bar.update(self._task, advance=1, doing=printable(doing))

    def reached(self, done: int, doing: str) -> None:
        """So much is done by now."""
        self._bar.update(self._task, completed=done, doing=printable(doing))

    def failed(self, title: str, report: str) -> None:
        """Say at once what failed, above the line, and why where that was not said before."""
        if not self._quiet:
            text = Text.assemble(("failed", "bold red"), f"  {title}")
            if report:
                text.append(f"\n{report}\n")
            self._bar.console.print(_harmless(text), soft_wrap=True)


def _region_states(regions: Mapping[str, Any]) -> Iterable[str]:
    for name, region in regions.items():
        yield f"{name}: {region['state']}" if len(regions) > 1 else region["state"]


def _quantity(value: float | bool, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g} {unit}".rstrip()


def _state(state: str, fault: str | None = None) -> Text:
    calm = state in _CALM_STATES
    return Text(f"{state}: {fault}" if fault else state, "green" if calm and not fault else "yellow")


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table of words, an empty line before it."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, len(GAP), 0, 0))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(_harmless(cell if isinstance(cell, Text) else Text(cell)) for cell in row))
    console = _console()
    console.print()
    console.print(grid)


def names(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose first column is there to be copied: where a row does not fit, its rest stands below."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    if sum(widths) + len(GAP) * len(widths) <= _console().width:
        table(columns, rows)
        return
    for name, *rest in rows:
        _line(Text(f"\n{name}"))
        _line(Text(GAP + GAP.join(filter(None, rest))))


def _line(text: Text) -> None:
    """One line, however wide: somebody may be reading it through grep."""
    _console().print(_harmless(text), soft_wrap=True)


def _harmless(text: Text) -> Text:
    """Without control characters; each is replaced by one that shows, so that colours stay in place."""
    text.plain = printable(text.plain)
    return text


def _console() -> Console:
    # Made anew for each use, so that it writes to the stdout of that moment.
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console
