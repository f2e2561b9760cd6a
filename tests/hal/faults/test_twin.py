"""Faults of a simulated far end, byte for byte. No loop runs here: such a twin is as pure as any."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal import FAULTS, FaultError, FaultyTwin, Unplugged
from hal.drivers.firmata import codec, words
from hal.drivers.firmata.codec import Decoder
from hal.drivers.firmata.twin import BOOT_MS, REFUSAL, SAMPLING_MS, FirmataTwin
from hal.drivers.firmata.words import PinMode
from hal.faults.wire import BYTE_S, INBOX_LIMIT_BYTES
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.twin import SHORTEST_STEP_S, Twin
from tests.counts import cases
from tests.hal.links.peers import ParrotTwin
from tests.hal.rover import simulated_rover

Said = list[tuple[float, bytes]]


def parrot(*faults: str, seed: int = 1) -> tuple[FaultyTwin, ParrotTwin]:
    inner = ParrotTwin()
    return FaultyTwin("parrot", inner, random.Random(seed), faults), inner


def arduino(*faults: str) -> tuple[FaultyTwin, FirmataTwin]:
    """The rover's board, powered on, its battery and bumper reported."""
    twin = simulated_rover(faults=faults).twins["arduino"]
    inner = twin.twin
    assert isinstance(inner, FirmataTwin)
    twin.power_on(0.0)
    run(twin, 0.2, [(0.1, codec.pin_mode(2, PinMode.PULLUP)), (0.1, codec.report_digital(0, on=True))])
    run(twin, 0.3, [(0.2, codec.report_analog(1, on=True))])
    return twin, inner


def run(twin: Twin, until: float, writes: Sequence[tuple[float, bytes]] = ()) -> Said:
    """Wake the twin when it wants to be, as `TwinDriver` does, and write to it; what it says, and when."""
    said: Said = []
    pending, now = list(writes), 0.0
    while True:
        due = twin.wakes_at()
        if due is not None and said:
            due = max(due, now + SHORTEST_STEP_S)
        if pending and (due is None or pending[0][0] <= due):
            now, data = pending.pop(0)
            heard = twin.advance(now) + twin.receive(data, now)
        elif due is not None and due <= until:
            now, heard = due, twin.advance(due)
        else:
            said.append((until, twin.advance(until)))
            return [(at, data) for at, data in said if data]
        said.append((now, heard))


def words_of(said: Said) -> bytes:
    return b"".join(data for _, data in said)


def volts(said: Said) -> list[int]:
    """The counts of the battery that were reported."""
    frames = Decoder.of_reports().feed(words_of(said))
    return [frame.value for frame in frames if isinstance(frame, words.Analog)]


def levels(said: Said) -> list[int]:
    frames = Decoder.of_reports().feed(words_of(said))
    return [frame.levels for frame in frames if isinstance(frame, words.Digital)]


# ---------------------------------------------------------------------------------------- without faults


@given(st.lists(st.tuples(st.floats(0.001, 3), st.binary(max_size=5)), max_size=8))
def test_without_a_fault_it_is_the_twin_itself(pieces: list[tuple[float, bytes]]):
    writes = sorted(pieces)
    twin, plain = parrot()[0], ParrotTwin()

    assert twin.power_on(0.0) == plain.power_on(0.0)
    assert run(twin, 4.0, writes) == run(plain, 4.0, writes)


def test_when_a_fault_is_over_it_is_the_twin_itself_again():
    twin, plain = parrot("corrupt 50% for 1 s", "stall 100 ms")[0], ParrotTwin()
    twin.power_on(0.0)
    plain.power_on(0.0)
    run(twin, 2.5)
    run(plain, 2.5)

    writes = [(2.5 + n / 10, b"abc") for n in range(30)]
    assert run(twin, 6.0, writes) == run(plain, 6.0, writes)


# ---------------------------------------------------------------------------------------- the wire


def test_lost_bytes_are_lost_both_ways():
    twin, _ = parrot("drop 100% for 1500 ms")
    assert twin.power_on(0.0) == b""

    assert run(twin, 3.0, [(0.5, b"lost"), (2.5, b"kept")]) == [
        (2.0, b"tick"),
        (2.5, b"kept"),
        (3.0, b"tick"),
    ]


def test_a_changed_byte_differs_in_one_bit():
    twin, _ = parrot("corrupt 100%")
    came = twin.power_on(0.0) + words_of(run(twin, 1.0))

    assert len(came) == 9
    assert all((a ^ b).bit_count() == 1 for a, b in zip(came, b"hellotick", strict=True))


def test_a_late_wire_is_late_both_ways_and_keeps_the_order():
    twin, _ = parrot("delay 100..200 ms")
    assert twin.power_on(0.0) == b""

    came = run(twin, 0.9, [(0.3, b"a"), (0.31, b"b")])

    assert words_of(came) == b"helloab"
    assert 0.1 <= came[0][0] <= 0.2
    assert all(0.5 <= at <= 0.71 for at, _ in came[1:])


def test_on_a_split_wire_every_byte_comes_alone():
    twin, _ = parrot("split")
    first = twin.power_on(0.0)
    came = [(0.0, first), *run(twin, 0.5, [(0.1, b"abc")])]

    assert [data for _, data in came] == [bytes([byte]) for byte in b"helloabc"]
    assert came[5][0] == pytest.approx(0.1, abs=BYTE_S)
    assert came[-1][0] - came[5][0] == pytest.approx(2 * BYTE_S)


def test_a_stalled_wire_brings_everything_when_it_is_over():
    twin, _ = parrot("stall 1500 ms after 500 ms")
    twin.power_on(0.0)

    assert run(twin, 3.5, [(0.1, b"a"), (0.7, b"b"), (0.8, b"c")]) == [
        (0.1, b"a"),
        (2.0, b"ticktickbc"),
        (3.0, b"tick"),
    ]


def test_a_full_wire_loses_what_is_written_and_a_late_one_takes_so_much():
    twin, inner = parrot("full 500 ms")
    twin.power_on(0.0)
    assert run(twin, 0.9, [(0.1, b"lost"), (0.6, b"kept")]) == [(0.6, b"kept")]

    twin.inject("stall 50 s", 0.9)
    run(twin, 1.0, [(0.9, bytes(IN_FLIGHT_LIMIT_BYTES)), (0.95, b"too much")])
    inner.loud = 2 * INBOX_LIMIT_BYTES
    twin.inject("reboot", 1.0)

    assert words_of(run(twin, 60.0)).count(0) == IN_FLIGHT_LIMIT_BYTES


def test_garbage_comes_as_if_the_twin_had_said_it():
    twin, _ = parrot("garbage 64 B after 300 ms")
    twin.power_on(0.0)

    assert [(at, len(data)) for at, data in run(twin, 0.9)] == [(0.3, 64)]


def test_an_unplugged_twin_says_so_and_is_powered_on_again_when_it_is_back():
    twin, inner = parrot("unplug 5 s after 3 s", "delay 1..2 ms")
    twin.power_on(0.0)
    with pytest.raises(Unplugged, match=r"parrot is unplugged, for another 5\.0 s"):
        run(twin, 10.0)
    with pytest.raises(Unplugged, match=r"another 1\.0 s"):
        twin.power_on(7.0)
    assert (inner.power_ons, twin.unplugged_s(7.0), twin.unplugged_s(8.0)) == (1, 1.0, 0.0)

    twin.power_on(8.0)
    assert words_of(run(twin, 8.9)) == b"hello"
    assert inner.power_ons == 2


def test_it_may_be_unplugged_while_nobody_has_the_port_open():
    twin, _ = parrot()
    twin.power_on(0.0)
    twin.inject("unplug 5 s after 1 s", 0.0)

    assert (twin.unplugged_s(0.5), twin.unplugged_s(2.0)) == (0.0, 4.0)
    with pytest.raises(Unplugged):
        twin.power_on(2.0)
    assert twin.power_on(6.0) == b"hello"


def test_what_was_on_its_way_when_the_port_was_closed_is_lost():
    twin, _ = parrot("stall 100 ms after 100 ms")
    twin.power_on(0.0)
    run(twin, 0.15, [(0.12, b"late")])

    twin.power_on(0.18)
    assert words_of(run(twin, 0.9)) == b"hello"


# ---------------------------------------------------------------------------------------- the board


def test_a_reboot_forgets_the_pins_and_greets_again_after_its_garbage():
    twin, _ = arduino()
    assert len(volts(run(twin, 1.0))) > 30
    twin.inject("reboot garbage 400 B", 1.0)
    said = run(twin, 2.0)

    assert said[0][0] == 1.0
    assert 400 <= len(said[0][1]) <= 408  # and the noise that this board makes at every start
    greeting = codec.version(2, 5) + codec.firmware(2, 5, "StandardFirmata.ino")
    assert [data for _, data in said[1:]] == [greeting]
    assert said[1][0] == pytest.approx(1.0 + BOOT_MS / 1000, abs=0.006)


def test_what_goes_wrong_between_two_wakes_goes_wrong_at_its_own_moment():
    """As after a loop that was busy for a while."""
    twin, inner = parrot()
    twin.power_on(0.0)
    for fault in ("reboot after 2500 ms", "deaf for 1 s after 3 s", "slow clock for 2 s after 4 s"):
        twin.inject(fault, 0.0)
    twin.advance(10.0)

    assert inner.started_at == 2.5
    assert inner.ticks == 6  # 10 s less the second that the clock lost, from 2.5 s on
    assert twin.receive(b"polly", 10.0) == b"polly"


def test_a_reboot_while_nobody_has_the_port_open_is_not_noticed():
    twin, inner = parrot()
    twin.power_on(0.0)
    twin.inject("reboot garbage 64 B after 1 s", 0.0)

    assert twin.power_on(2.0) == b"hello"
    assert run(twin, 2.9) == []
    assert inner.power_ons == 2


def test_a_frozen_reading_stays_what_it_is_whatever_the_world_does():
    twin, inner = arduino()
    twin.inject("freeze battery for 1 s", 0.3)
    before = volts(run(twin, 0.5))
    twin.set_world("battery", 10.0)
    frozen = volts(run(twin, 1.29))
    thawed = volts(run(twin, 1.5))

    assert len(set(before + frozen)) == 1
    assert set(thawed) == {round(10.0 / 0.0157)}
    twin.set_world("battery", None)
    assert inner.world()["battery"] > 12


def test_a_stuck_switch_is_pressed_and_a_stuck_number_is_at_its_lowest():
    twin, _ = arduino()
    twin.inject("stuck bumper for 1 s", 0.3)
    twin.inject("stuck battery for 1 s", 0.3)
    stuck = run(twin, 1.29)
    free = run(twin, 1.5)

    assert levels(stuck) == [0]  # active low
    assert set(volts(stuck)) == {0}
    assert levels(free) == [1 << 2]
    assert min(volts(free)) > 600


@pytest.mark.parametrize(
    ("name", "mode", "pin", "told", "does"),
    [
        ("left", PinMode.PWM, 5, 40, 255),
        ("mast", PinMode.SERVO, 9, 1500, 2400),
        ("lamp", PinMode.OUTPUT, 13, 0, 1),
    ],
)
def test_a_runaway_does_all_it_can_whatever_it_is_told_and_obeys_again_when_that_is_over(
    name: str, mode: PinMode, pin: int, told: int, does: int
):
    twin, _ = arduino()
    telling = codec.pin_value(pin, high=bool(told)) if name == "lamp" else codec.analog(pin, told)
    prepared = codec.pin_mode(pin, mode) + telling

    def asked(at: float) -> int:
        said = words_of(run(twin, at, [(at - 0.01, telling + codec.pin_state_query(pin))]))
        answers = [frame for frame in Decoder.of_reports().feed(said) if isinstance(frame, words.Sysex)]
        state = codec.parse_pin_state(answers[-1].data)
        assert state is not None
        return state.state

    run(twin, 0.4, [(0.35, prepared)])
    assert asked(0.5) == told
    twin.inject(f"runaway {name} for 1 s", 0.5)
    assert asked(0.6) == does
    run(twin, 1.4, [(1.3, prepared)])
    assert asked(1.45) == does
    run(twin, 1.6)
    assert asked(1.7) == told


def test_a_runaway_is_of_an_actuator_and_waits_for_its_pin_to_be_one():
    twin, _ = arduino()
    with pytest.raises(FaultError, match="it has lamp, left, mast, right"):
        twin.inject("runaway battery", 0.3)

    twin.inject("runaway left", 0.3)
    assert twin.world()["left_duty"] == 0.0
    run(twin, 0.5, [(0.4, codec.pin_mode(5, PinMode.PWM))])
    assert twin.world()["left_duty"] == 1.0
    twin.mend(0.5)
    assert twin.world()["left_duty"] == 0.0


def test_of_two_faults_of_one_quantity_the_newer_one_holds():
    twin, _ = arduino()
    twin.inject("stuck battery for 1 s", 0.3)
    twin.inject("freeze battery for 5 s", 0.5)
    run(twin, 2.0)
    assert twin.world()["battery"] == 0.0

    run(twin, 6.0)
    assert twin.world()["battery"] > 12
    assert twin.faults == []


def test_a_deaf_board_hears_nothing_and_goes_on_reporting():
    twin, _ = arduino()
    twin.inject("deaf for 1 s", 0.3)
    deaf = run(twin, 1.29, [(0.5, codec.VERSION_QUERY), (0.6, codec.report_analog(1, on=False))])
    assert len(volts(deaf)) > 40
    assert codec.version(2, 5) not in words_of(deaf)

    assert codec.version(2, 5) in words_of(run(twin, 2.0, [(1.5, codec.VERSION_QUERY)]))


def test_a_refusing_board_does_nothing_that_it_is_told_and_answers_what_it_is_asked():
    twin, _ = arduino()
    twin.inject("nak for 1 s", 0.3)
    told = [
        codec.pin_mode(5, PinMode.PWM),
        codec.analog(5, 200),
        codec.analog(17, 200),
        codec.digital(0, 1 << 4),
        codec.pin_value(13, high=True),
        codec.servo_config(9, 544, 2400),
        bytes([words.RESET]),
    ]
    refused = run(twin, 0.9, [(0.4, message) for message in told] + [(0.5, codec.pin_state_query(5))])

    assert words_of(refused).count(REFUSAL) == len(told)
    state = codec.sysex(words.PIN_STATE_ANSWER, bytes([5, PinMode.OUTPUT, 0]))
    assert state in words_of(refused)
    assert twin.world()["left_duty"] == 0
    obeyed = run(twin, 2.0, [(1.5, codec.pin_mode(5, PinMode.PWM)), (1.6, codec.analog(5, 255))])
    assert REFUSAL not in words_of(obeyed)
    assert twin.world()["left_duty"] == 1.0


def test_it_may_be_told_to_refuse_as_any_twin():
    twin, inner = arduino()
    twin.refusing = True

    assert inner.refusing
    assert twin.receive(codec.analog(5, 200), 0.4) == REFUSAL
    assert twin.refusing


@pytest.mark.parametrize(("fault", "rate"), [("slow clock", 0.5), ("slow clock 20%", 0.8)])
def test_a_slow_clock_reports_seldom_then_as_before_and_never_goes_back(fault: str, rate: float):
    twin, _ = arduino()
    usual = len(volts(run(twin, 3.3)))
    twin.inject(f"{fault} for 3 s", 3.3)
    slow = len(volts(run(twin, 6.3)))
    again = len(volts(run(twin, 9.3)))

    assert usual == pytest.approx(3000 / SAMPLING_MS, abs=2)
    assert slow == pytest.approx(rate * usual, abs=2)
    assert again == pytest.approx(usual, abs=2)


@settings(max_examples=cases(500), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from([1, 20, 50, 99])), max_size=6))
def test_a_clock_never_goes_back_and_wakes_in_time(changes: list[tuple[float, int]]):
    class Witness(ParrotTwin):
        times: tuple[float, ...] = ()

        def advance(self, now: float) -> bytes:
            self.times = (*self.times, now)
            return super().advance(now)

    inner = Witness()
    twin = FaultyTwin("parrot", inner, random.Random(1))
    twin.power_on(0.0)
    for at, percent in changes:
        twin.inject(f"slow clock {percent}% for 700 ms after {at} s", 0.0)
    run(twin, 10.0)

    assert list(inner.times) == sorted(inner.times)
    assert inner.times[-1] <= 10.0 + 1e-9
    assert inner.ticks == int(inner.times[-1] + 1e-9)


# ---------------------------------------------------------------------------------------- all of them


def test_mending_ends_all_of_them_and_forgets_those_to_come():
    lasting = [kind for kind, info in FAULTS.items() if info.lasts]
    twin, inner = arduino()
    for fault in [FAULTS[kind].example for kind in lasting]:
        twin.inject(fault, 0.3)
    for fault in ("unplug 1 s after 1 s", "full 100 s", "garbage 5 B after 1 s"):
        twin.inject(fault, 0.3)
    run(twin, 0.5)
    assert [fault.kind for fault in twin.faults] == lasting

    twin.mend(0.5)
    run(twin, 0.7)  # what was late

    assert twin.faults == []
    assert not inner.refusing
    assert len(volts(run(twin, 3.7))) == pytest.approx(3000 / SAMPLING_MS, abs=2)
    assert codec.version(2, 5) in words_of(run(twin, 4.0, [(3.8, codec.VERSION_QUERY)]))


def test_a_fault_that_cannot_happen_is_refused_before_it_does_anything():
    twin, _ = arduino()

    with pytest.raises(
        FaultError, match="cannot happen to simulated arduino: the simulated world has no 'x'"
    ):
        twin.inject("stuck x", 0.3)
    with pytest.raises(FaultError, match="did you mean"):
        twin.inject("deaff", 0.3)
    with pytest.raises(FaultError, match="no 'batery'"):
        simulated_rover(faults=["freeze batery after 5 s"])
    assert twin.faults == []


FAULT_TEXTS = st.sampled_from(
    [
        *(
            "corrupt 20% for 1 s",
            "drop 20% for 1 s",
            "delay 0..30 ms for 2 s",
            "split for 1 s",
            "stall 300 ms",
        ),
        *("full 200 ms", "garbage 9 B", "unplug 400 ms", "reboot garbage 40 B", "freeze battery for 1 s"),
        *(
            "stuck bumper for 1 s",
            "runaway left for 1 s",
            "nak for 500 ms",
            "deaf for 500 ms",
            "slow clock for 1 s",
        ),
    ]
)
PLANS = st.lists(st.tuples(st.floats(0, 3), FAULT_TEXTS), max_size=8)


def history(plan: list[tuple[float, str]], seed: int) -> list[object]:
    """What a board says over five seconds of questions, opened again whenever it is unplugged."""
    inner = simulated_rover().twins["arduino"].twin
    twin = FaultyTwin("arduino", inner, random.Random(seed), [f"{fault} after {at} s" for at, fault in plan])
    told: list[object] = []
    questions = [codec.VERSION_QUERY, codec.report_analog(1, on=True), codec.report_digital(0, on=True)]
    now = 0.0
    while now < 5.0:
        try:
            told.append(twin.power_on(now))
            while now < 5.0:
                now += 0.05
                told += run(twin, now, [(now, question) for question in questions])
        except Unplugged as error:
            told.append(str(error))
            now += 0.05
    told.append(twin.world())
    return told


@settings(max_examples=cases(200), deadline=None)
@given(PLANS, st.integers(0, 2**32))
def test_a_seed_tells_everything_and_every_fault_ends(plan: list[tuple[float, str]], seed: int):
    assert history(plan, seed) == history(plan, seed)


MOMENTS = st.integers(0, 5000).map(lambda at_ms: at_ms / 1000)
EXACT = (
    "corrupt 20% for 1 s",
    "drop 20% for 1 s",
    "stall 300 ms",
    "full 200 ms",
    "garbage 9 B",
    "reboot",
    "deaf for 1 s",
)


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(st.tuples(MOMENTS, st.sampled_from(EXACT)), max_size=8), st.lists(MOMENTS, max_size=10))
def test_how_often_it_is_woken_changes_nothing(plan: list[tuple[float, str]], more: list[float]):
    faults = [f"{fault} after {at} s" for at, fault in plan]
    few, many = (parrot(*faults)[0] for _ in range(2))
    few.power_on(0.0)
    many.power_on(0.0)
    writes = [(n / 10, b"polly") for n in range(1, 45)]
    woken = sorted([*writes, *((at, b"") for at in more)])

    assert words_of(run(few, 6.0, writes)) == words_of(run(many, 6.0, woken))
