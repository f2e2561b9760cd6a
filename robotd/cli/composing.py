"""A whole robot's file of what a scan found: sound, and commented for who goes on from there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hal import KINDS, verbs
from robotd.cli.drafting import Draft
from robotd.cli.exits import printable
from robotd.config import ConfigErrors, load
from robotd.sim.scenario.writing import flow

if TYPE_CHECKING:
    from hal import Driver

SCHEMA = "robotd.schema.json"
"""What an editor completes and checks a robot's file by. It lies beside it."""
NAMELESS = "robot"
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_SAID = frozenset({"kind", "board"})


def robot_text(drawn: Draft, driver: Driver, file: Path) -> str:
    """The text of `file`. A device of which more must be known stands there as a comment that says what.

    Raises `ConfigErrors` where the fault is not a device's.
    """
    lacking: dict[str, str] = {}
    while True:
        lines = list(_lines(drawn, driver, file, lacking))
        text = "\n".join(lines) + "\n"
        try:
            _load(text)
        except ConfigErrors as errors:
            before = len(lacking)
            for error in errors.errors:
                name = lines[error.where.line - 1].partition(":")[0].strip()
                if name in drawn.devices:
                    lacking.setdefault(name, error.sentence)
            if len(lacking) == before:
                raise
        else:
            return text


def _load(text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "robot.yaml"
        file.write_text(text, encoding="utf-8")
        load(file)


def _lines(drawn: Draft, driver: Driver, file: Path, lacking: Mapping[str, str]) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "#"
    yield f"# What `robotd scan` found with {driver.name} on {drawn.board_says['port']}."
    yield "#"
    named = shlex.quote(printable(str(file)))
    yield f"#   robotd run {named} --sim    drive it without any hardware"
    yield f"#   robotd check {named}        after every change"
    yield "#"
    yield "# Quantities carry their unit (0.8 m/s, 80 deg, 200 ms). Inside `when` and `clear` values are SI."
    for remark in drawn.remarks:
        yield "#"
        yield f"# Look into this: {remark}."
    yield ""
    name = re.sub(r"\W", "_", file.stem)
    yield f"robot: {name if _NAME.fullmatch(name) else NAMELESS}"
    yield ""
    yield "boards:"
    yield "  # `deadman`: after how long without a word its firmware stops by itself (300 ms); or none."
    yield from (f"  # {what}" for what in drawn.about[drawn.board])
    yield f"  {drawn.board}: {flow(drawn.board_says)}"
    yield ""
    yield "devices:"
    ready = [name for name in drawn.devices if name not in lacking]
    for name, says in drawn.devices.items():
        yield from (f"  # {what}" for what in drawn.about[name])
        if name in lacking:
            yield f"  # Complete it: {lacking[name]}."
        yield f"  {'# ' if name in lacking else ''}{name}: {flow(says)}"
    yield "  # What else such a board can carry; `...` is yours to write:"
    for kind, spec in driver.device_specs.items():
        due = [
            field for field, info in spec.model_fields.items() if info.is_required() and field not in _SAID
        ]
        more = "".join(f", {field}: ..." for field in due)
        yield f"  # my_{kind}: {{kind: {kind}, board: {drawn.board}{more}}}"
    yield ""
    yield from _machine({name: str(drawn.devices[name]["kind"]) for name in ready})


def _machine(kinds: Mapping[str, str]) -> Iterator[str]:
    """Off, and on: then each device does what it is told. `kinds`: of each device that there is."""
    yield "# Besides these states there are two that every robot has: `estopped`, entered by a stop from"
    yield "# anywhere and left by `reset`, and `down`."
    yield "machine:"
    yield "  version: 1"
    yield "  initial: disarmed"
    yield "  states:"
    yield "    disarmed: {}"
    yield "    # Entering activates these devices, leaving halts and deactivates them."
    yield f"    armed: {{active: {flow(list(kinds)) if kinds else 'all'}}}"
    yield "  transitions:"
    yield "    - {trigger: arm, source: disarmed, dest: armed}"
    yield "    - {trigger: disarm, source: armed, dest: disarmed}"
    can = {name: verbs(KINDS[kind]) for name, kind in kinds.items() if kind in KINDS}
    told = [(name, verb) for name, its_verbs in can.items() for verb in its_verbs if verb != "halt"]
    if told:
        yield "    # One command for each verb of each device; no `dest`: stays where it is."
    for name, verb in told:
        yield f"    - {{trigger: {name}_{verb}, source: armed, do: {name}.{verb}}}"
    yield ""
    yield "listen:"
    yield "  websocket: 127.0.0.1:8080"
    yield "  unix: robotd.sock                        # in the run-time folder"
