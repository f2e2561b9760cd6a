"""The rover that comes along: it loads, fast, and no damage to its file makes it another robot unnoticed."""

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from robotd.config import ConfigErrors, RobotConfig, load
from robotd.config.document import Document, Node, Steps, parse
from robotd.core.action import Signature
from robotd.core.chart import Where
from robotd.core.expression import Expression
from tests.counts import cases

FOLDER = Path(__file__).parents[2] / "config"
TEXT = (FOLDER / "rover.yaml").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "patrol.py").write_bytes((FOLDER / "patrol.py").read_bytes())
    return tmp_path


def load_text(folder: Path, text: str) -> RobotConfig:
    path = folder / "rover.yaml"
    path.write_text(text, newline="")
    return load(path)


# --- as it is


def test_the_rover_loads():
    config = load(FOLDER / "rover.yaml")

    assert config.robot == "rover"
    assert {"left", "right", "base", "bumper", "battery", "range", "mast", "lamp"} <= set(config.devices)
    assert config.commands["drive"].streamed
    assert not config.commands["patrol"].streamed


def test_the_rover_loads_in_150_ms():
    begun = time.process_time()

    load(FOLDER / "rover.yaml")

    assert time.process_time() - begun < 0.15


DESIGNED = (Path(__file__).parent / "design.yaml").read_text()
"""The example of the design, comments and all."""


def test_a_driver_that_is_not_there_is_said_with_those_that_are(folder: Path):
    with pytest.raises(ConfigErrors) as caught:
        load_text(folder, DESIGNED.replace("driver: nmea", "driver: nema"))

    (fault,) = caught.value.errors
    assert fault.sentence == "there is no driver 'nema'"
    assert fault.hint == "did you mean 'nmea'?"
    assert fault.source_line[fault.where.column - 1 :].startswith("nema,")


def test_the_designs_example_is_sound(folder: Path):
    config = load_text(folder, DESIGNED)

    assert [region.name for region in config.chart.regions] == ["main"]
    assert set(config.commands) == {"arm", "drive", "patrol", "disarm"}


# --- damaged


def plain(value: Any) -> Any:
    """A configuration as data that can be compared: without places and without the identity of functions."""
    if isinstance(value, Expression):
        return " ".join(value.text.split())
    if isinstance(value, Signature):
        return value.parameters
    if isinstance(value, Where | Path):
        return None
    if isinstance(value, BaseModel):
        return (type(value), value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), [plain(getattr(value, field.name)) for field in fields(value) if field.repr])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.__name__ if callable(value) and not isinstance(value, type) else value


def walk(node: Node, steps: Steps = ()) -> Iterator[tuple[Steps, Node]]:
    for step, child in node.children.items():
        yield (*steps, step), child
        yield from walk(child, (*steps, step))


DOCUMENT: Document = parse(TEXT, "rover.yaml")
VALUES = list(walk(DOCUMENT.root))
SCALARS = [
    (steps, node) for steps, node in VALUES if not node.children and not isinstance(node.value, dict | list)
]
NAMERS = {
    "board",
    "kind",
    "driver",
    "left",
    "right",
    "source",
    "dest",
    "initial",
    "active",
    "do",
    "handlers",
    "lane",
}
"""Keys whose values name something: a slip in one names nothing."""
QUANTITIES = {
    "track",
    "max_speed",
    "max_turn",
    "max_accel",
    "sample",
    "stale",
    "min",
    "max",
    "after",
    "angle",
}
KEYWORDS = {
    *NAMERS, *QUANTITIES, "robot", "boards", "devices", "events", "machine", "states", "transitions",
    "listen", "port", "baud", "deadman", "pwm_pin", "direction_pin", "pin", "pull", "scale", "simulate",
    "when", "clear", "version", "trigger", "timeout", "unattended", "websocket", "tcp", "unix",
}  # fmt: skip
Mutate = Callable[[random.Random], str]


def replaced(start: int, end: int, new: str) -> str:
    return TEXT[:start] + new + TEXT[end:]


def slip(rng: random.Random, word: str) -> str:
    """`word` with a letter left out, doubled, changed, or two of them exchanged: another word, surely."""
    place = rng.randrange(len(word))
    slips = [
        word[:place] + word[place + 1 :] or "q",
        word[:place] + word[place] + word[place:],
        word[:place] + "q" + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    ]
    return rng.choice([wrong for wrong in slips if wrong not in {word, "up", "left", "right"}] or ["qq"])


def pick(rng: random.Random, wanted: Callable[[Steps, Node], bool]) -> tuple[Steps, Node]:
    return rng.choice([(steps, node) for steps, node in SCALARS if wanted(steps, node)])


def key_of(steps: Steps) -> str:
    return str(next(step for step in reversed(steps) if isinstance(step, str)))


def misspell_a_key(rng: random.Random) -> str:
    steps = rng.choice(
        [steps for steps, _ in VALUES if steps[-1] in KEYWORDS and steps[-2:-1] != ("devices",)]
    )
    start = DOCUMENT.text.index(str(steps[-1]), index_of(DOCUMENT.where(steps, key=True)))
    return replaced(start, start + len(str(steps[-1])), slip(rng, str(steps[-1])))


def index_of(where: Where) -> int:
    return sum(len(line) for line in TEXT.splitlines(keepends=True)[: where.line - 1]) + where.column - 1


def misspell_a_name(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: key_of(steps) in NAMERS)
    return replaced(node.start, node.end, slip(rng, str(node.value)))


def misspell_in_an_expression(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: key_of(steps) in {"when", "clear"})
    word = rng.choice(list(re.finditer(r"[a-z_]{3,}", TEXT[node.start : node.end])))
    return replaced(node.start + word.start(), node.start + word.end(), slip(rng, word[0]))


def misspell_an_outcome(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: "trigger" in steps and "." in str(node.value))
    action, _, outcome = str(node.value).partition(".")
    wrong = rng.choice([f"{slip(rng, action)}.{outcome}", f"{action}.{slip(rng, outcome)}"])
    return replaced(node.start, node.end, wrong)


def take_another_unit(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: key_of(steps) in QUANTITIES)
    number, unit = str(node.value).split()
    others = [
        f"{number} A",
        f"{number} kg",
        number,
        f"{number} {unit}x",
        f"{number} {unit.upper()}x",
        unit,
        "1e999 m",
    ]
    return replaced(node.start, node.end, rng.choice(others))


def break_a_number(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: isinstance(node.value, int) and not isinstance(node.value, bool))
    return replaced(
        node.start,
        node.end,
        rng.choice(["nine", "-9", "9.5", "'9'", "on", "12:30:45", ".nan", "[9]", "~", "{}"]),
    )


def say_yes(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: isinstance(node.value, bool))
    return replaced(node.start, node.end, rng.choice(["on", "yes", "Y", "1", "'true'", "TRUE", "True"]))


def play_a_trick(rng: random.Random) -> str:
    _, node = rng.choice(VALUES)
    return replaced(
        node.start, node.start, rng.choice(["&a ", "*a ", "!!str ", "!x ", "%", "@", "`", "\0", "\x1b", "- "])
    )


def open_a_quote(rng: random.Random) -> str:
    _, node = pick(rng, lambda steps, node: not node.style)
    return replaced(node.start, node.start, rng.choice("'\"[{"))


def lose_a_bracket(rng: random.Random) -> str:
    code = [
        match.start() for match in re.finditer(r"[{}\[\]]", TEXT) if "#" not in line_before(match.start())
    ]
    place = rng.choice(code)
    return replaced(place, place + 1, "")


def line_before(place: int) -> str:
    return TEXT[TEXT.rfind("\n", 0, place) + 1 : place]


def lose_a_colon(rng: random.Random) -> str:
    steps = rng.choice([steps for steps, _ in VALUES if isinstance(steps[-1], str)])
    place = TEXT.index(":", index_of(DOCUMENT.where(steps, key=True)))
    return replaced(place, place + 1, "")


def indent_with_a_tab(rng: random.Random) -> str:
    lines = TEXT.splitlines(keepends=True)
    number = rng.choice(
        [number for number, line in enumerate(lines) if line.startswith("  ") and line.strip()]
    )
    lines[number] = "\t" + lines[number].lstrip()
    return "".join(lines)


def indent_otherwise(rng: random.Random) -> str:
    lines = TEXT.splitlines(keepends=True)
    begins = [number for number, line in enumerate(lines) if re.match(r" +[a-z]\w*: [\[{]", line)]
    number = rng.choice(begins)
    lines[number] = rng.choice([" ", "   "]) + lines[number]
    return "".join(lines)


def say_it_twice(rng: random.Random) -> str:
    lines = TEXT.splitlines(keepends=True)
    number = rng.choice([number for number, line in enumerate(lines) if not line.lstrip().startswith("-")])
    return "".join([*lines[: number + 1], *lines[number:]])


def exchange_two_lines(rng: random.Random) -> str:
    lines = TEXT.splitlines(keepends=True)
    alike = [
        number
        for number in range(len(lines) - 1)
        # The order of transitions and of events means something.
        if not any(re.match(r" *- |.*\{when:", line) for line in lines[number : number + 2])
    ]
    number = rng.choice(alike)
    lines[number], lines[number + 1] = lines[number + 1], lines[number]
    return "".join(lines)


def lose_what_is_needed(rng: random.Random) -> str:
    needed = {
        "robot",
        "kind",
        "board",
        "pwm_pin",
        "pin",
        "track",
        "max_speed",
        "left",
        "right",
        "initial",
        "port",
    }
    _, node = pick(rng, lambda steps, node: steps[-1] in needed)
    return replaced(node.start, node.end, rng.choice(["", "~", "null", "''"]))


def take_a_taken_pin(rng: random.Random) -> str:
    pins = {"pin", "pwm_pin", "direction_pin"}
    _, node = pick(rng, lambda steps, node: steps[-1] in pins and isinstance(node.value, int))
    _, other = pick(rng, lambda steps, at: steps[-1] in pins and isinstance(at.value, int) and at is not node)
    return replaced(node.start, node.end, str(other.value))


def change_nothing(rng: random.Random) -> str:
    lines = TEXT.splitlines(keepends=True)
    number = rng.choice([number for number, line in enumerate(lines) if not line.lstrip().startswith("#")])
    plain_line = lines[number].rstrip("\n")
    lines[number] = plain_line + rng.choice(["  \n", " # a comment\n", "\t\n", "\n\n", "\r\n", "\n# more\n"])
    return "".join(lines)


MUTATIONS: list[Mutate] = [
    misspell_a_key, misspell_a_name, misspell_in_an_expression, misspell_an_outcome, take_another_unit,
    break_a_number, say_yes, play_a_trick, open_a_quote, lose_a_bracket, lose_a_colon, indent_with_a_tab,
    indent_otherwise, say_it_twice, exchange_two_lines, lose_what_is_needed, take_a_taken_pin, change_nothing,
]  # fmt: skip


@pytest.mark.parametrize("number", range(cases(2_000, 100)))
def test_a_damaged_rover_is_refused_with_a_place_or_is_provably_the_same(number: int, folder: Path):
    rng = random.Random(number)
    mutant = MUTATIONS[number % len(MUTATIONS)](rng)
    begun = time.process_time()

    try:
        config = load_text(folder, mutant)
    except ConfigErrors as group:
        lines = mutant.splitlines()
        for error in group.errors:
            assert 1 <= error.where.line <= len(lines) + 1
            assert str(error).startswith(
                f"{folder}/rover.yaml:{error.where.line}:{error.where.column}: error"
            )
            assert "Traceback" not in str(error)
    else:
        assert plain(config) == ROVER
    assert time.process_time() - begun < 5


ROVER = plain(load(FOLDER / "rover.yaml"))


def test_the_comparison_sees_a_difference(folder: Path):
    assert plain(load_text(folder, TEXT)) == ROVER
    assert plain(load_text(folder, TEXT.replace("battery.value > 10.8", "battery.value > 10.9"))) != ROVER
    assert plain(load_text(folder, TEXT.replace("0.8 m/s,", "0.9 m/s,"))) != ROVER
    assert plain(load_text(folder, TEXT.replace("active: [mast, position]", "active: all"))) != ROVER
