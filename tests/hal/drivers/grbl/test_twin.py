"""The simulated machine, by what its manual says of the real one."""

import itertools
import math

import pytest

from hal.drivers.grbl.bench import ACCEL_MM_S2, Bench
from hal.drivers.grbl.twin import GrblTwin
from hal.drivers.grbl.world import Path
from hal.twin import UnknownQuantity


class Terminal:
    """Somebody who types."""

    def __init__(self, bench: Bench) -> None:
        self.twin = GrblTwin(bench)
        self.now = 0.0
        self.greeting = self.twin.power_on(0.0) + self.wait(0.1)

    def type(self, text: str | bytes) -> list[str]:
        data = text.encode() + b"\n" if isinstance(text, str) else text
        return self._lines(self.twin.receive(data, self.now))

    def wait(self, duration_s: float) -> bytes:
        self.now += duration_s
        return self.twin.advance(self.now)

    def _lines(self, said: bytes) -> list[str]:
        return [line for line in said.decode().split("\r\n") if line]

    def state(self) -> str:
        (report,) = self.type(b"?")
        return report[1:].partition("|")[0]


@pytest.fixture
def homing() -> Terminal:
    return Terminal(Bench(inputs={"gripped": ("P", True)}, output="vacuum"))


@pytest.fixture
def free() -> Terminal:
    """Without limit switches: it works at once."""
    return Terminal(Bench(homes=False))


def test_it_wakes_up_locked_and_takes_no_block_until_it_is_homed(homing: Terminal) -> None:
    assert homing.greeting == b"\r\nGrbl 1.1h ['$' for help]\r\n[MSG:'$H'|'$X' to unlock]\r\n"
    assert homing.state() == "Alarm"
    assert homing.type("G0X-10") == ["error:9"]
    assert homing.type("$J=G91X-1F100") == ["error:9"]
    assert homing.type("$H") == []
    assert homing.type(b"?") == []  # it says nothing while it homes
    assert homing.wait(10).endswith(b"ok\r\n")
    assert homing.state() == "Idle"
    assert homing.twin.world()["x"] == pytest.approx(-0.001)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        *(("", "ok"), ("G21", "ok"), ("(a comment)", "ok"), ("M7", "error:20"), ("G5", "error:20")),
        *(("X", "error:2"), ("1", "error:1"), ("G1X-1", "error:22"), ("$H", "error:5"), ("$foo", "error:3")),
        *(
            ("G0" + "X" * 90, "error:11"),
            ("$J=G91X-1", "error:22"),
            ("$J=M8", "error:16"),
            ("G4", "error:28"),
        ),
    ],
)
def test_a_line_is_answered_by_the_number_of_its_error(free: Terminal, line: str, answer: str) -> None:
    assert free.type(line) == [answer]


def test_a_sender_of_somebody_else_is_told_what_it_asks_for(free: Terminal) -> None:
    free.type("G20G91G1F10X-0.1")
    free.type("M8")
    free.wait(10)

    assert free.type("$G") == ["[GC:G1 G54 G17 G20 G91 G94 M5 M8 T0 F254 S0]", "ok"]
    assert free.type("$#")[:2] == ["[G54:0.000,0.000,0.000]", "[G55:0.000,0.000,0.000]"]
    assert free.type("$#")[-3:] == ["[TLO:0.000]", "[PRB:0.000,0.000,0.000:0]", "ok"]
    assert free.type("$N") == ["$N0=", "$N1=", "ok"]
    assert free.type("$")[-1] == "ok"


def test_a_jog_beyond_the_travel_is_an_error_and_a_block_beyond_it_an_alarm_that_wants_a_reset(
    homing: Terminal,
) -> None:
    homing.type("$H")
    homing.wait(10)

    assert homing.type("$J=G53X-301F100") == ["error:15"]
    assert homing.type("G0X-301") == ["ALARM:2", "[MSG:Reset to continue]"]
    assert homing.type(b"?") == []
    assert homing.type(b"\x18") == ["Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"]


def test_a_held_motion_goes_on_at_a_cycle_start_and_is_forgotten_by_a_reset(free: Terminal) -> None:
    free.type("G1X-50F3000")
    free.wait(0.5)
    free.type(b"!")
    assert free.state() == "Hold:1"
    free.wait(0.2)
    assert free.state() == "Hold:0"
    free.type(b"~")
    free.wait(0.2)
    assert free.state() == "Run"
    free.type(b"!")
    free.wait(0.2)

    assert free.type(b"\x18") == ["Grbl 1.1h ['$' for help]"]
    free.wait(0.2)
    assert (free.state(), free.twin.world()["planned"]) == ("Idle", 0.0)


def test_a_reset_in_motion_loses_the_position(free: Terminal) -> None:
    free.type("G1X-50F3000")
    free.wait(0.5)

    assert free.type(b"\x18")[0] == "ALARM:3"
    assert free.state() == "Alarm"


def test_what_its_receive_buffer_has_no_room_for_is_lost_and_counted(free: Terminal) -> None:
    free.type("G4P5")
    for _ in range(20):
        free.type("G1X-10F100")

    assert free.twin.world()["overruns"] == 20 * 11 - 128


def test_the_vacuum_picks_a_part_that_is_near_and_the_switch_feels_it(homing: Terminal) -> None:
    homing.type("$H")
    homing.wait(10)
    for line in ("G53G0X-200Y-150", "G53G0Z-60", "M8", "G53G0Z-10"):
        homing.type(line)
    homing.wait(10)

    world = homing.twin.world()
    assert (world["part_held"], world["gripped"], world["vacuum"]) == (True, True, True)
    assert world["part_z"] == pytest.approx(-0.01)
    assert "|Pn:P" in homing.type(b"?")[0]


def test_what_it_has_not_cannot_be_set(homing: Terminal) -> None:
    with pytest.raises(UnknownQuantity):
        homing.twin.set_world("battery", 12.0)
    with pytest.raises(UnknownQuantity):
        homing.twin.run_away("arm", on=True)


def test_the_path_accelerates_no_faster_than_it_can_and_stands_at_its_end() -> None:
    path = Path(ACCEL_MM_S2)
    for x, y in ((20.0, 0.0), (20.0, 20.0), (0.0, 20.0)):
        path.add((x, y, 0.0), 100.0)
    speeds = [0.0]
    while path.blocks:
        path.advance(0.005, braking=False)
        speeds.append(path.speed_mm_s)

    steps = [after - before for before, after in itertools.pairwise(speeds)]
    assert max(steps) <= ACCEL_MM_S2 * 0.005 + 1e-9
    assert max(speeds) > 90
    assert path.position == (0.0, 20.0, 0.0)
    assert path.speed_mm_s == 0.0


@pytest.mark.parametrize("clockwise", [True, False])
def test_an_arc_keeps_its_radius(clockwise: bool) -> None:
    free = Terminal(Bench(homes=False, low=(-300.0, -300.0, -80.0), high=(300.0, 300.0, 0.0)))
    free.type(f"G{2 if clockwise else 3}X20Y0I10J0F3000")
    away = 0.0
    for _ in range(200):
        free.wait(0.01)
        x, y, _z = free.twin.firmware.path.position
        away = max(away, abs(math.dist((x, y), (10.0, 0.0)) - 10.0))

    assert free.twin.firmware.path.position == (20.0, 0.0, 0.0)
    assert away < 0.02
