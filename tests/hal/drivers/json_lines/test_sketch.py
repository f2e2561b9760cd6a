"""The sketch that comes with the driver says what the driver, its twin and the robot's file for it say."""

import math
import re
import struct
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from hal.drivers.json_lines import codec, plain, twin
from hal.drivers.json_lines.codec import Lines
from robotd.config import load

SKETCH = (files("hal.drivers.json_lines") / "json_rover.ino").read_text()
CONFIG = load(Path(__file__).parents[4] / "config" / "json-rover.yaml")


def constant(name: str) -> int:
    found = re.search(rf"\b{name} = (\d+);", SKETCH)
    assert found is not None
    return int(found[1])


def names(struct: str) -> list[str]:
    found = re.search(rf"^{struct} \w+\[\] = \{{(.*)\}};", SKETCH, re.MULTILINE)
    assert found is not None
    return re.findall(r'\{"(\w+)"', found[1])


def test_its_constants_are_those_of_the_driver_and_of_the_twin() -> None:
    assert constant("VERSION") == plain.VERSION
    assert constant("LONGEST_LINE") == codec.LONGEST_LINE_BYTES
    assert constant("deadman_ms") == twin.DEADMAN_MS
    assert constant("report_ms") == twin.REPORT_MS
    assert twin.NAME in SKETCH


def test_the_robots_file_for_it_names_its_channels_and_its_speed() -> None:
    kinds = {
        "Motor": "motor",
        "Lamp": "digital_output",
        "Switch": "digital_input",
        "Gauge": "analog_input",
        "Sonar": "range",
    }
    channels = {kind: names(struct) for struct, kind in kinds.items()}
    written = {
        kind: [name for name, spec in CONFIG.devices.items() if spec.kind == kind] for kind in channels
    }

    assert written == channels
    assert CONFIG.boards["arduino"].baud == constant("BAUD")


def single(value: float) -> float:
    """As the floats of an AVR have it, of 32 bits."""
    (found,) = struct.unpack("f", struct.pack("f", value))
    return float(found)


def as_the_sketch_counts(values: Mapping[str, float]) -> int:
    """As its `put_out`; `lround` rounds a half away from zero."""
    thousandths = (single(single(value) * 1000) for value in values.values())
    return sum(round(math.copysign(math.floor(abs(one) + 0.5), one)) for one in thousandths)


def test_it_finds_the_sum_of_every_duty_right() -> None:
    for duty in (step / 2000 for step in range(-2000, 2001)):
        (said,) = Lines().feed(plain.Plain().set({"left": duty, "right": 1 - abs(duty), "lamp": 1.0}))

        assert as_the_sketch_counts(said["set"]) == said["sum"]


def test_it_knows_every_word_of_the_dialect() -> None:
    said = set(re.findall(r'"(\w+)":', plain.__doc__ or ""))

    assert {word for word in said if f'"{word}"' not in SKETCH.replace('\\"', '"')} == set()
