"""What people type, taken apart: `linear=0.2`, `2s`, `BOARD=PORT`, `--sim` with or without a board."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

ALL_BOARDS = "*"
"""What `--sim` without a name stands for."""

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>ms|s|min|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_NAME = re.compile(r"[A-Za-z_]\w*")


class RunCommand(TyperCommand):
    """`robotd run`, where `--sim` may stand alone or before the name of a board."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a lone `--sim` its value before the usual parsing."""
        return super().parse_args(ctx, spell_out_sim(args))


def spell_out_sim(args: Sequence[str]) -> list[str]:
    """Replace each `--sim` that no board's name follows by `--sim=*`.

    A board's name is an identifier and a file's is not, so `--sim rover.yaml` and `rover.yaml --sim` mean
    the same and `--sim base` names a board.
    """
    spelled = []
    for position, word in enumerate(args):
        following = args[position + 1] if position + 1 < len(args) else ""
        alone = word == "--sim" and not _NAME.fullmatch(following)
        spelled.append(f"--sim={ALL_BOARDS}" if alone else word)
    return spelled


def simulated_boards(boards: Collection[str], sim: Sequence[str], real: Sequence[str]) -> frozenset[str]:
    """Which boards get a twin. Raises `typer.BadParameter` for what is no board, or is in both."""
    for name in (*sim, *real):
        if name != ALL_BOARDS:
            known_board(boards, name)
    twice = set(sim) & set(real)
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))} cannot be both --sim and --real")
    chosen = boards if ALL_BOARDS in sim else sim
    return frozenset(chosen) - frozenset(real)


def known_board(boards: Collection[str], name: str) -> str:
    """`name`, if there is such a board; else raises `typer.BadParameter` with the names that there are."""
    if name not in boards:
        raise typer.BadParameter(f"no board is called {name!r}; the boards are {', '.join(boards)}")
    return name


def board_ports(boards: Collection[str], pairs: Iterable[str]) -> dict[str, str]:
    """`["arduino=/dev/ttyACM0"]` -> `{"arduino": "/dev/ttyACM0"}`. Raises `typer.BadParameter`."""
    ports = {}
    for pair in pairs:
        board, equals, port = pair.partition("=")
        if not equals or not port:
            raise typer.BadParameter(f"{pair!r} is not BOARD=PORT, as in arduino=/dev/ttyACM0")
        ports[known_board(boards, board)] = port
    return ports


def board_faults(
    boards: Collection[str], simulated: Collection[str], texts: Iterable[str]
) -> dict[str, list[str]]:
    """`["arduino=drop 1%", "unplug 5 s after 10 s"]` -> the faults of each board, as texts.

    A fault without a board is one of the only simulated board, or of the only board. Raises
    `typer.BadParameter`, also where several boards could be meant.
    """
    from hal import FaultError, parse_fault

    faults: dict[str, list[str]] = {}
    for text in texts:
        board, equals, fault = (part.strip() for part in text.rpartition("="))
        if not equals:
            candidates = simulated or boards
            if len(candidates) != 1:
                raise typer.BadParameter(f"write whose fault it is, as in BOARD={fault}")
            board = next(iter(candidates))
        try:
            parse_fault(fault)
        except FaultError as error:
            raise typer.BadParameter(str(error)) from None
        faults.setdefault(known_board(boards, board), []).append(fault)
    return faults


def payload(pairs: Iterable[str]) -> dict[str, Any]:
    """`["linear=0.2", "angle=30 deg"]` -> `{"linear": 0.2, "angle": "30 deg"}`.

    A value that reads as a JSON number, `true`, `false` or `null` is that; everything else is a text, which
    the robot may take as a quantity with a unit. Raises `typer.BadParameter`.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE, as in linear=0.2")
        if key in values:
            raise typer.BadParameter(f"{key!r} is given twice")
        values[key] = _value(text)
    return values


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"joints.elbow": 0.2, "speed": 50}` -> `{"joints": {"elbow": 0.2}, "speed": 50}`.

    Raises `typer.BadParameter` where a name stands for a value and for a mapping.
    """
    whole: dict[str, Any] = {}
    for path, value in values.items():
        name, dot, entry = path.partition(".")
        inside: Any = whole.setdefault(name, {}) if dot else whole
        key = entry if dot else name
        if not isinstance(inside, dict) or key in inside:
            raise typer.BadParameter(f"{name!r} is one value in one place and several in another")
        inside[key] = value
    return whole


def _value(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text
    return text if isinstance(value, (str, list, dict)) else value


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def seconds(text: str) -> float:
    """`2s`, `500 ms`, `1.5 min` -> seconds. Raises `typer.BadParameter`; a bare number is an error."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a time; it needs a number and a unit, as in 2s or 500ms")
    return float(found["number"]) * _UNIT_S[found["unit"]]


def host_and_port(text: str) -> tuple[str, int]:
    """`127.0.0.1:5000` or `[::1]:5000`, taken apart. Raises `typer.BadParameter`."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, as in 127.0.0.1:5000")
    return host, int(port)
