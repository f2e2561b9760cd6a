"""Each example's boards, found by a scan of their twins and made into a robot. In virtual time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hal import Rig, TwinLink, find_driver
from robotd.check import Severity, Subject, prove
from robotd.cli.composing import robot_text
from robotd.cli.drafting import Answer, Draft, board_name
from robotd.cli.files import examples
from robotd.config import ConfigErrors, RobotConfig, load
from tests import virtual


def scanned(config: RobotConfig, board: str) -> list[Answer]:
    """What the board's driver finds of its twin, at the first speed at which it finds anything."""
    rig = Rig.build(config.boards, config.devices, simulated=config.boards, rng=random.Random(0))

    async def scan() -> list[Answer]:
        for probe in find_driver(config.boards[board].driver).probes:
            link = TwinLink(board, rig.twins[board])
            if found := [Answer(probe, one) async for one in probe.find(link)]:
                return found
        return []

    return virtual.run(scan())


@pytest.mark.parametrize("example", examples())
def test_what_a_scan_finds_of_an_examples_boards_is_a_sound_robot(example: str, tmp_path: Path) -> None:
    config = load(examples()[example])
    for board, spec in config.boards.items():
        driver = find_driver(spec.driver)
        found = scanned(config, board)
        file = tmp_path / f"{board}.yaml"
        file.write_text(robot_text(Draft.of(driver, "/dev/ttyUSB0", found), driver, file))
        report = prove(Subject.of(load(file)))

        assert report.count(Severity.ERROR) == report.count(Severity.WARNING) == 0
        assert "# Complete it" not in file.read_text()


def test_a_board_that_cannot_be_so_is_no_robot(tmp_path: Path) -> None:
    drawn = Draft("bus", {"driver": "firmata", "port": ""}, {}, [], {"bus": []})

    with pytest.raises(ConfigErrors) as errors:
        robot_text(drawn, find_driver("firmata"), tmp_path / "robot.yaml")

    assert "the name of a port is due here" in errors.value.report()


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("firmata", "firmata"),
        ("my_package.laser:DRIVER", "laser"),
        ("laser:DRIVER", "laser"),
        ("my-bus", "my_bus"),
    ],
)
def test_a_board_is_called_as_its_driver(driver: str, name: str) -> None:
    assert board_name(driver) == name
