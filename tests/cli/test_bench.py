"""What can be said to a simulated board while it is served."""

from __future__ import annotations

import pytest

from hal import FAULTS, FaultyTwin
from robotd.cli.bench import HELP, list_faults, obey
from tests.hal.rover import simulated_rover


@pytest.fixture
def twin() -> FaultyTwin:
    return simulated_rover().twins["arduino"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("battery: 10.2 V", "battery: 10.2"),
        ("battery = 10200 mV", "battery: 10.2"),
        ("battery:10.2", "battery: 10.2"),
        ("bumper: pressed", "bumper: true"),
        ("bumper: TRUE", "bumper: true"),
        ("bumper: released", "bumper: false"),
        ("bumper: free", "bumper: false"),
        ("help", HELP),
        ("mend", "mended"),
        ("unplug 5 s", "done"),
        ("freeze battery for 3 s after 1 s", "done"),
        ("battery: 10 kilos", "error: unknown unit 'kilos'"),
        ("battery: nan", "error: 'nan' is not a number"),
        ("battery: pressed", "error: 'pressed' is not a number"),
        ("bumper: 3", "error: '3' is nothing for a switch; write pressed, released or free"),
        ("x: 3", "error: the simulated world has no 'x'; it has battery, bumper, range"),
        ("batery: 3", "error: the simulated world has no 'batery'; it has battery, bumper, range"),
        ("freeze x", "error: 'freeze x' cannot happen to simulated arduino: the simulated world has no 'x'"),
        ("gremlins", "error: 'gremlins' is no fault: there is no such kind"),
        ("battery:", "error: '' is not a number"),
        (":", "error: ':' is no fault"),
    ],
)
def test_every_line_is_answered(twin: FaultyTwin, line: str, answer: str) -> None:
    assert obey(line, twin, 0.0).startswith(answer)
    assert "\n" not in obey(line, twin, 0.0)


def test_what_is_set_is_so_until_it_is_given_back(twin: FaultyTwin) -> None:
    charged = twin.world()["battery"]
    obey("battery: 10.2 V", twin, 0.0)
    assert "battery: 10.2" in obey("world", twin, 0.0)

    obey("battery: free", twin, 0.0)

    assert twin.world()["battery"] == charged


def test_a_fault_is_in_force_at_once_until_it_is_mended(twin: FaultyTwin) -> None:
    obey("deaf", twin, 0.0)
    assert [str(fault) for fault in twin.faults] == ["deaf"]

    obey("mend", twin, 0.0)

    assert twin.faults == []


def test_every_kind_of_fault_is_explained() -> None:
    lines = list_faults().splitlines()

    assert [line.startswith(info.example) for line, info in zip(lines, FAULTS.values(), strict=False)] == [
        True
    ] * len(FAULTS)
