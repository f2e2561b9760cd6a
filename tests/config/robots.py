"""A small robot to spoil, and what a person sees then."""

from pathlib import Path

import pytest

from robotd.config import ConfigError, ConfigErrors, RobotConfig, load

ROBOT = """\
robot: rover
boards:
  arduino: {driver: firmata, port: /dev/ttyACM0, baud: 57600}
devices:
  left: {kind: motor, board: arduino, pwm_pin: 5, direction_pin: 4}
  right: {kind: motor, board: arduino, pwm_pin: 6, direction_pin: 7}
  base: {kind: drive_base, left: left, right: right, track: 0.30 m, max_speed: 0.8 m/s, max_turn: 2 rad/s}
  bumper: {kind: digital_input, board: arduino, pin: 2, pull: up, active: low}
  battery: {kind: analog_input, board: arduino, pin: A1, scale: 0.0157 V, sample: 50 ms, stale: 200 ms}
  mast: {kind: servo, board: arduino, pin: 9, min: -80 deg, max: 80 deg}
events:
  bump: {when: bumper.active, lane: safety}
  battery_low: {when: battery.value < 10.8, clear: battery.value > 11.4}
handlers: [patrol.py]
machine:
  initial: disarmed
  states:
    disarmed: {}
    armed:
      active: all
      initial: teleop
      states:
        teleop: {}
        auto: {do: patrol, timeout: {after: 10 min, trigger: too_long}}
    docked: {active: [mast], do: {mast.move_to: {angle: 0 deg}}}
  transitions:
    - {trigger: arm, source: disarmed, dest: armed, when: battery.value > 10.8 and not bumper.active}
    - {trigger: drive, source: armed.teleop, do: base.drive, when: not bumper.active or payload.linear <= 0}
    - {trigger: patrol, source: armed.teleop, dest: armed.auto}
    - {trigger: [bump, too_long, patrol.done, arduino.lost], source: armed.auto, dest: armed.teleop}
    - {trigger: battery_low, source: armed, dest: docked}
    - {trigger: disarm, source: [armed, docked], dest: disarmed}
"""

PATROL = """\
from robotd import Robot, handler


@handler
async def patrol(robot: Robot, speed_m_s: float = 0.2, rounds: int = 3) -> None:
    await robot.sleep(0.1)
"""


class Bench:
    """A folder with the small robot, to be changed and loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = ROBOT
        (folder / "patrol.py").write_text(PATROL)

    def change(self, old: str, new: str) -> "Bench":
        """Replace one piece of the text, which must be there once."""
        assert self.text.count(old) == 1, old
        self.text = self.text.replace(old, new)
        return self

    def load(self) -> RobotConfig:
        path = self.folder / "rover.yaml"
        path.write_text(self.text)
        return load(path)

    def faults(self) -> list[ConfigError]:
        with pytest.raises(ConfigErrors) as caught:
            self.load()
        return caught.value.errors

    def fault(self) -> ConfigError:
        """The only one."""
        faults = self.faults()

        assert [fault.sentence for fault in faults] == [faults[0].sentence]
        return faults[0]

    def shown(self) -> list[str]:
        """The only fault, as a person sees it, without the folder."""
        return str(self.fault()).replace(f"{self.folder}/", "").splitlines()

    def pointed(self) -> tuple[str, str, str | None]:
        """The only fault: its sentence, the text that its caret points at, its hint."""
        fault = self.fault()
        return fault.sentence, fault.source_line[fault.where.column - 1 :], fault.hint
