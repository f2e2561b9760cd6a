"""What the guard decides: the pure part, told what happens and when."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.safety.guard import (
    LATE_S,
    PARTS,
    ROUND_S,
    ROUNDS,
    SILENT_S,
    STUCK_S,
    TICKS_A_TOCK,
    State,
    Words,
    step,
)
from tests.counts import cases

TICK_S = 0.02
DIED = {"latch_id": "guard-1", "reason": "the daemon died", "by": "guard:daemon_died"}


class Story:
    """A guard that is told what happens, and everything that it does, with the time."""

    def __init__(self) -> None:
        self.state = State("guard")
        self.now = 100.0
        self.done: list[tuple[float, Words]] = []

    def tell(self, *event: str) -> list[Words]:
        """Something happens now; returns what it does about that."""
        self.state, actions = step(self.state, self.now, event)
        self.done += [(self.now, action) for action in actions]
        return list(actions)

    def wait(self, duration_s: float) -> None:
        """Time passes, and it is woken whenever it wants to."""
        end = self.now + duration_s
        while self.state.due <= end:
            self.now = self.state.due
            self.tell("time")
        self.now = end

    def tick(self, duration_s: float, *counters: str) -> None:
        """The daemon ticks, with these counters, or with a dispatcher that moves on."""
        for number in range(round(duration_s / TICK_S)):
            self.tell("tick", str(self.now), *(counters or (str(number), "-", "-")))
            self.wait(TICK_S)

    def times(self, verb: str) -> list[float]:
        """When it did something, after the start of the story."""
        return [round(when - 100.0, 6) for when, (done, *_) in self.done if done == verb]

    def told(self) -> list[str]:
        """What it said to the daemon."""
        return [action[1] for _, action in self.done if action[0] == "tell"]


@pytest.fixture
def story() -> Story:
    """A guard that keeps one board."""
    story = Story()
    story.tell("keep", "arduino", "0", "f7c000")
    story.done.clear()
    return story


# Ports.


def test_a_port_is_kept_with_its_frames_and_may_be_kept_anew():
    story = Story()

    assert story.tell("keep", "arduino", "0", "f7c000") == [("tell", "kept arduino")]
    assert story.tell("keep", "bus", "1500", "-") == [("tell", "kept bus")]
    assert story.state.ports == {"arduino": (0.0, [b"\xf7\xc0\x00"]), "bus": (0.0015, [b""])}
    assert story.tell("keep", "arduino", "0", "f7c001,f7") == [("tell", "kept arduino")]
    assert story.state.ports["arduino"] == (0.0, [b"\xf7\xc0\x01", b"\xf7"])


def test_no_gap_is_waited_for_longer_than_10_ms(story: Story):
    story.tell("keep", "bus", "9" * 400, "00")
    story.tell("keep", "strange", "-5", "00")

    assert story.state.ports["bus"] == (0.01, [b"\x00"])
    assert story.state.ports["strange"] == (0.0, [b"\x00"])


def test_a_port_is_given_back_when_the_daemon_asks(story: Story):
    assert story.tell("back", "arduino") == [("close", "arduino"), ("tell", "gave arduino")]
    assert story.state.ports == {}
    assert story.tell("back", "nobody") == [("close", "nobody"), ("tell", "gave nobody")]


@pytest.mark.parametrize(
    "words",
    [
        ("keep", "arduino", "0", "f7c"),
        ("keep", "arduino", "0", "stop"),
        ("keep", "arduino", "0", "f7,c"),
        ("keep", "arduino", "soon", "f7"),
        ("keep", "arduino", "1e3", "f7"),
        ("keep", "arduino", "9" * 5000, "f7"),
        ("keep", "arduino", "0"),
        ("keep",),
        ("back",),
        ("tick",),
        ("tick", "100", "1", "2"),
        ("tick", "100", "1", "2", "3", "4"),
        ("tick", "soon", "1", "2", "3"),
        ("bye", "now"),
        ("stop",),
        ("input",),
        ("", ""),
        (),
        ("dance",),
    ],
)
def test_what_is_malformed_means_nothing(story: Story, words: Words):
    before = story.state

    assert story.tell(*words) == []
    assert story.state == before


# Trips.


def test_the_end_of_the_daemon_is_three_rounds_then_the_latch_then_the_end(story: Story):
    story.tick(0.1)
    story.done.clear()
    start = story.now - 100.0
    story.tell("gone")
    story.wait(10)

    assert story.times("write") == [round(start + n * ROUND_S, 6) for n in range(3)]
    assert [action[0] for _, action in story.done] == [
        *("write", "tell", "write", "write", "save", "sync", "exit")
    ]
    assert story.state.latch == DIED
    assert story.state.over


def test_with_several_stops_for_a_board_the_end_is_three_times_as_many_rounds(story: Story):
    story.tell("keep", "line", "4000", "01,02,03")
    story.tell("gone")
    story.wait(10.0)

    assert story.times("write") == [round(ROUND_S * n, 6) for n in range(3 * ROUNDS)]
    assert story.times("save") == [round(ROUND_S * (ROUNDS - 1), 6)]
    assert [action[0] for _, action in story.done[-3:]] == ["write", "sync", "exit"]


def test_a_silent_daemon_is_killed_first_and_the_frames_go_on_until_it_is_gone(story: Story):
    story.tick(0.1)
    story.done.clear()
    story.wait(1.0)
    silent = round(0.1 - TICK_S + SILENT_S, 6)

    assert story.times("kill") == [silent]
    assert [action[0] for _, action in story.done[:3]] == ["kill", "write", "tell"]
    assert story.told() == ["tripped guard-1 daemon_silent the daemon was silent for 150 ms"]
    assert story.times("save") == [pytest.approx(silent + 2 * ROUND_S)]
    assert story.times("write")[:4] == pytest.approx([silent + n * ROUND_S for n in range(4)])
    assert len(story.times("write")) == 1 + int((1.1 - silent) / ROUND_S)

    story.done.clear()
    story.tell("gone")
    story.wait(10)

    assert [action[0] for _, action in story.done] == ["write", "sync", "exit"]


def test_before_the_first_tick_nothing_is_silent(story: Story):
    story.wait(60)

    assert story.done == []
    assert story.state.due == inf


def test_ticks_that_come_late_and_together_are_no_silence(story: Story):
    story.tick(0.1)
    story.now += 5  # the guard was stopped itself: it reads before it looks at the clock
    for late_s in (5, 4.98, 4.96):
        story.tell("tick", str(story.now - late_s), "77", "-", "-")
        story.tell("time")

    assert not story.state.latch
    assert story.state.due == pytest.approx(story.now + LATE_S)


@pytest.mark.parametrize("unread_s", [0.0, 0.04, 0.1])
def test_silence_counts_from_when_the_daemon_ticked_however_long_that_was_unread(
    story: Story, unread_s: float
):
    ticked_at = story.now
    story.now += unread_s
    story.tell("tick", str(ticked_at), "77", "-", "-")

    assert story.state.due == pytest.approx(ticked_at + SILENT_S)


@pytest.mark.parametrize("at", ["nan", "inf", "1e300"])
def test_no_daemon_can_tick_from_the_future(story: Story, at: str):
    story.tell("tick", at, "77", "-", "-")

    assert story.state.due == pytest.approx(story.now + SILENT_S)


@pytest.mark.parametrize("part", range(len(PARTS)))
def test_a_part_that_stays_where_it_is_for_a_second_and_a_half_is_a_stuck_daemon(story: Story, part: int):
    counters = ["-"] * len(PARTS)
    counters[part] = "7"
    story.tick(STUCK_S, *counters)
    assert not story.state.latch
    story.tick(2 * TICK_S, *counters)

    assert story.times("kill") == pytest.approx([STUCK_S], abs=1.5 * TICK_S)
    assert story.told()[-1] == (
        f"tripped guard-1 daemon_stuck the daemon's {PARTS[part]} did not move on for 1.5 s"
    )
    assert story.state.latch["by"] == "guard:daemon_stuck"


def test_a_part_that_moves_now_and_then_or_has_nothing_to_do_is_not_stuck(story: Story):
    for number in range(5):
        story.tick(STUCK_S - TICK_S, str(number), "-", "-")
        story.tick(TICK_S, "-", "-", str(number))
    story.tick(10 * STUCK_S, "-", "-", "-")
    story.tick(STUCK_S - TICK_S, "4", "-", "-")

    assert not story.state.latch


def test_a_datagram_stops_and_the_daemon_is_told_and_lives(story: Story):
    story.tick(0.1)
    story.done.clear()

    assert story.tell("stop", "somebody cried") == [
        ("write",),
        ("tell", "tripped guard-1 stop somebody cried"),
    ]
    story.tick(1.0)
    assert story.times("kill") == []
    assert story.times("save") == [pytest.approx(0.1 + 2 * ROUND_S)]
    assert len(story.times("write")) == pytest.approx(1.0 / ROUND_S, abs=1)
    assert story.state.latch == {"latch_id": "guard-1", "reason": "somebody cried", "by": "guard:stop"}


def test_a_datagram_without_a_word_is_a_stop():
    assert Story().tell("stop", "")[-1] == ("tell", "tripped guard-1 stop no reason given")


def test_a_stop_while_stopped_is_a_new_stop_that_an_earlier_reset_does_not_clear(story: Story):
    story.tell("stop", "one")
    assert story.tell("stop", "two") == [("tell", "tripped guard-2 stop two")]
    story.wait(1.0)

    assert story.state.latch["reason"] == "two"
    assert story.tell("stop", "three") == [("tell", "tripped guard-3 stop three"), ("save",)]
    assert story.state.latch == {"latch_id": "guard-3", "reason": "three", "by": "guard:stop"}


def test_a_flood_of_stops_puts_off_neither_the_rounds_nor_the_latch(story: Story):
    for _ in range(100):
        story.tell("stop", "again")
        story.wait(0.001)

    assert story.times("write") == pytest.approx([n * ROUND_S for n in range(6)])
    assert story.times("save")[0] == pytest.approx(2 * ROUND_S)


def test_the_input_line_stops_once(story: Story):
    assert story.tell("input", "the input line cts is low") == [
        ("write",),
        ("tell", "tripped guard-1 input the input line cts is low"),
    ]
    assert story.tell("input", "the input line cts is low") == []


def test_a_daemon_that_hangs_after_a_stop_is_killed_and_the_first_reason_stays(story: Story):
    story.tick(0.1)
    story.tell("stop", "somebody cried")
    story.wait(1.0)

    assert story.times("kill") == [pytest.approx(0.1 - TICK_S + SILENT_S)]
    assert story.state.latch["reason"] == "somebody cried"


def test_a_port_that_comes_while_stopped_is_written_to_from_the_next_round_on(story: Story):
    story.tell("stop", "")
    story.tell("keep", "late", "0", "ff")
    writes = len(story.times("write"))
    story.wait(ROUND_S)

    assert len(story.times("write")) == writes + 1
    assert story.state.ports["late"] == (0.0, [b"\xff"])


def test_every_tenth_tick_is_answered(story: Story):
    story.tick(TICKS_A_TOCK * TICK_S * 3)

    assert story.told() == ["tock"] * 3


# Ends.


def test_bye_is_one_round_and_no_latch(story: Story):
    story.tick(0.1)

    assert story.tell("bye") == [("write",), ("exit",)]
    assert story.tell("gone") == story.tell("stop", "late") == []
    assert not story.state.latch


def test_bye_after_a_stop_keeps_the_latch(story: Story):
    story.tell("stop", "")
    story.wait(1.0)

    assert story.tell("bye") == [("write",), ("sync",), ("exit",)]


@pytest.mark.parametrize("rounds", [1, 2])
def test_bye_in_the_midst_of_a_stop_saves_the_latch_at_once(story: Story, rounds: int):
    story.tell("stop", "")
    story.wait((rounds - 1) * ROUND_S)

    assert story.tell("bye") == [("write",), ("save",), ("sync",), ("exit",)]


@pytest.mark.parametrize("rounds", [1, 2])
def test_an_end_in_the_midst_of_a_stop_is_the_end_after_three_rounds(story: Story, rounds: int):
    story.tell("stop", "the reason")
    story.wait((rounds - 1) * ROUND_S)
    story.tell("gone")
    story.wait(1.0)

    assert len(story.times("write")) == ROUNDS
    assert [action[0] for _, action in story.done[-4:]] == ["write", "save", "sync", "exit"]
    assert story.state.latch["reason"] == "the reason"


# Anything, in any order, at any time.

PAUSES_S = (0.0, 0.0, 0.001, TICK_S, TICK_S, ROUND_S, 0.149, SILENT_S, 0.4, STUCK_S)
EVENTS: tuple[Words, ...] = (
    *[("time",)] * 3,
    *[("tick", at, first, "-", "1") for at in ("now", "0.05", "9") for first in ("-", "1", "2")],
    *[("tick", "now", first, "-", "-") for first in ("-", "1", "2")],
    *[("keep", board, "0", frames) for board in ("a", "b") for frames in ("f7", "f0,f1", "odd")],
    *[("back", "a"), ("back", "b"), ("input", "low"), ("stop", "so"), ("stop", ""), ("gone",), ("bye",)],
    *[("tick", "now", "x"), (), ("keep",)],
)
RARE = {"gone", "bye", "stop", "input"}
STEPS = 250


class Expectation:
    """What must hold of a guard, written anew: it keeps what happened, and decides from that alone."""

    def __init__(self) -> None:
        self.stops: dict[str, list[bytes]] = {}
        self.silent_at = inf
        self.moved_at: dict[str, tuple[str, float]] = {}
        self.tripped = self.gone = self.over = self.saved = False
        self.written_at = -inf
        self.rounds = 0

    def hangs(self, now: float, event: Words) -> bool:
        """Whether the daemon has to be killed now."""
        if event[:1] == ("tick",) and len(event) == 2 + len(PARTS):
            self.silent_at = max(min(now, float(event[1])) + SILENT_S, now + LATE_S)
            for part, counter in zip(PARTS, event[2:], strict=True):
                if counter == "-" or self.moved_at.get(part, ("", 0.0))[0] != counter:
                    self.moved_at[part] = (counter, now)
            stuck = any(now - since >= STUCK_S for _, since in self.moved_at.values())
        else:
            stuck = False
        silent = event == ("time",) and now >= self.silent_at
        if stuck or silent:
            self.silent_at = inf
            self.moved_at.clear()
        return stuck or silent

    def check(
        self, now: float, event: Words, before: State, after: State, actions: tuple[Words, ...]
    ) -> None:
        """Judge one step."""
        verbs = [verb for verb, *_ in actions]
        if self.over:
            assert (actions, after) == ((), before)
            return
        hangs = self.hangs(now, event)
        trips = hangs or event[:1] in (("gone",), ("input",)) or (event[:1] == ("stop",) and len(event) == 2)
        if event == ("gone",):
            self.gone, self.silent_at = True, inf
        match event:
            case ("keep", board, _, frames) if frames != "odd":
                self.stops[board] = list(map(bytes.fromhex, frames.split(",")))
            case ("back", board):
                self.stops.pop(board, None)
        # Nothing is written before a trip but the farewell, and nothing ever but the present stop frames.
        assert {board: stops for board, (_, stops) in after.ports.items()} == self.stops
        assert verbs.count("kill") == hangs
        if trips and not self.tripped:
            assert "write" in verbs
            assert verbs.index("write") <= 1  # behind the kill at most
        if "write" in verbs:
            assert self.tripped or trips or event == ("bye",)
            assert verbs.count("write") == 1
            self.written_at, self.rounds = now, self.rounds + 1
        self.tripped |= trips
        # There is no way back.
        assert bool(after.latch) == self.tripped
        assert after.stops >= before.stops
        if self.tripped and event == ("time",) and not hangs:
            assert now < self.written_at + ROUND_S
        # The latch is saved behind three rounds or the farewell, and before the end.
        if "save" in verbs:
            assert self.tripped
            assert self.rounds >= ROUNDS or event == ("bye",)
            self.saved = True
        if "exit" in verbs:
            assert verbs[-1] == "exit"
            assert self.saved == self.tripped == ("sync" in verbs)
            longest = max(map(len, self.stops.values()), default=1)
            assert event == ("bye",) or (self.gone and self.rounds >= ROUNDS * longest)
            self.over = True
        if self.tripped and self.rounds >= ROUNDS:
            assert self.saved
        told = [words[0].split()[0] for verb, *words in actions if verb == "tell"]
        assert set(told) <= {"kept", "gave", "tock", "tripped"}
        assert ("tripped" in told) == (after.stops > before.stops)


@given(st.binary(min_size=2 * STEPS, max_size=2 * STEPS))
@settings(max_examples=cases(4_000), deadline=None)
def test_no_history_brings_anything_but_a_stop_or_a_way_back(history: bytes):
    """A million random steps in the campaign; in about every second history it trips late."""
    state, now, expectation = State("guard"), 0.0, Expectation()
    for pause, choice in zip(history[::2], history[1::2], strict=True):
        now += PAUSES_S[pause % len(PAUSES_S)]
        event = EVENTS[choice % len(EVENTS)]
        if event[:1] and event[0] in RARE and pause % 16:
            event = ("tick", "now", str(pause), "-", "-")
        match event:  # said so long ago
            case ("tick", ago, *counters):
                event = ("tick", str(now if ago == "now" else now - float(ago)), *counters)
        after, actions = step(state, now, event)
        expectation.check(now, event, state, after, actions)
        state = after
        if state.over:
            state, expectation = State("next"), Expectation()  # a restart
