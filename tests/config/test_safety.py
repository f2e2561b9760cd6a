"""The sections `guard`, `lease` and `access`."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import ConfigErrors, RobotConfig, load
from robotd.config.safety import AccessSettings, GuardInput, GuardSettings, LeaseSettings
from robotd.core.role import Role

SMALLEST = "robot: r\nmachine: {initial: idle, states: {idle: {}}}\n"


def loaded(folder: Path, text: str) -> RobotConfig:
    file = folder / "robot.yaml"
    file.write_text(text)
    return load(file)


def test_a_robot_that_says_nothing_has_a_guard_a_lease_and_no_tokens(tmp_path: Path):
    config = loaded(tmp_path, SMALLEST)

    assert config.guard == GuardSettings(on=True, input=None)
    assert config.lease == LeaseSettings(on=True, window_s=2.0, teleop_window_s=0.5)
    assert config.access == AccessSettings()


def test_guard_and_lease_can_be_switched_off_in_so_many_words(tmp_path: Path):
    config = loaded(tmp_path, SMALLEST + "guard: off\nlease: off\n")

    assert not config.guard.on
    assert not config.lease.on


def test_windows_carry_their_unit(tmp_path: Path):
    config = loaded(tmp_path, SMALLEST + "lease: {window: 3 s, teleop_window: 300 ms}\n")

    assert config.lease == LeaseSettings(on=True, window_s=3.0, teleop_window_s=0.3)


@pytest.mark.parametrize("said", ["window: 199 ms", "window: 10.1 s", "teleop_window: 1 min"])
def test_windows_have_bounds(tmp_path: Path, said: str):
    with pytest.raises(ConfigErrors) as caught:
        loaded(tmp_path, f"{SMALLEST}lease: {{{said}}}\n")

    assert [error.sentence for error in caught.value.errors] == ["a lease lasts 0.2 to 10 s unheard"]


LOST = """
robot: r
boards: {uno: {driver: firmata, port: /dev/null}}
devices: {bumper: {kind: digital_input, board: uno, pin: 2}}
machine:
  initial: idle
  states: {idle: {}, alone: {}}
  transitions: [{trigger: operator_lost, source: idle, dest: alone}]
"""


def test_that_the_operator_is_lost_is_an_event_and_no_command(tmp_path: Path):
    assert loaded(tmp_path, LOST).commands == {}


def test_an_event_of_ones_own_cannot_have_its_name(tmp_path: Path):
    with pytest.raises(ConfigErrors) as caught:
        loaded(tmp_path, LOST + "events: {operator_lost: {when: bumper.active}}\n")

    (error,) = caught.value.errors
    assert error.sentence == "'operator_lost' comes by itself when the lease is lost"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{port: /dev/ttyUSB1, line: cts}", GuardInput("/dev/ttyUSB1", "cts", active_low=True)),
        (
            "{chip: /dev/gpiochip0, line: 17, active: high}",
            GuardInput("/dev/gpiochip0", 17, active_low=False),
        ),
    ],
)
def test_the_guard_may_look_at_a_line(tmp_path: Path, said: str, expected: GuardInput):
    config = loaded(tmp_path, SMALLEST + f"guard: {{input: {said}}}\n")

    assert config.guard == GuardSettings(input=expected)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("guard: maybe", "guard"),
        ("guard: {input: {line: cts}}", "one of 'port' and 'chip' is due here"),
        ("guard: {input: {port: a, chip: b, line: cts}}", "one of 'port' and 'chip' is due here"),
        ("guard: {input: {port: a, line: 17}}", "a control line of a serial port is due here"),
        ("guard: {input: {chip: a, line: cts}}", "the number of a line of the chip is due here"),
        ("guard: {input: {chip: a, line: true}}", "the number of a line of the chip is due here"),
        ("lease: {window: 2}", "window"),
        ("access: {certificate: a.crt}", "'certificate' and 'key' go together"),
        ("access: {users: {alice: king}}", "king"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, said: str, sentence: str):
    with pytest.raises(ConfigErrors) as caught:
        loaded(tmp_path, SMALLEST + said + "\n")

    assert len(caught.value.exceptions) == 1
    assert sentence in str(caught.value.exceptions[0])


def test_the_files_of_access_are_looked_for_beside_the_robots(tmp_path: Path):
    config = loaded(
        tmp_path,
        SMALLEST
        + "access: {tokens: t.json, certificate: c.pem, key: /etc/k.pem, users: {alice: operator}}\n",
    )

    assert config.access.tokens == tmp_path / "t.json"
    assert config.access.certificate == tmp_path / "c.pem"
    assert config.access.key == Path("/etc/k.pem")
    assert config.access.users == {"alice": Role.OPERATOR}
