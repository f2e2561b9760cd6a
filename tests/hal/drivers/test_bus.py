"""One line for many: its schedule by itself, and on a loop in virtual time."""

import asyncio
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.bus import Bus, Line, Outcome, Priority, Transaction, Trouble
from hal.drivers.line import LATE_S, LONGEST_PATIENCE_S, SHORTEST_PATIENCE_S, WAITING_LIMIT
from hal.errors import DeviceGone, LinkFull
from tests import virtual

BYTE_S = 0.001
GAP_S = 0.004


class Word(NamedTuple):
    """A frame of two bytes: a letter, and whatever is said."""

    key: str
    value: int


class Words:
    """Cuts a stream of such frames; a byte that is no letter where one should stand is damage."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Sequence[Word]:
        found, held = [], self._held + data
        while len(held) >= 2:
            if held[:1].isalpha():
                found.append(Word(chr(held[0]), held[1]))
            held = held[2:]
        self._held = held
        return found

    def end(self) -> Sequence[Word]:
        self._held = b""
        return []


def read(letter: str, **more: object) -> Transaction:
    return Transaction(letter.encode(), Priority.READ, {letter: 2}, **more)  # type: ignore[arg-type]  # shorter


def setpoint(text: bytes, topic: str | None = None) -> Transaction:
    return Transaction(text, Priority.SETPOINT, topic=topic)


STOP = Transaction(b"!", Priority.STOP)


class Told:
    """A line, and what became of what was put on it."""

    def __init__(self) -> None:
        self.line: Line[Word] = Line(Words(), byte_s=BYTE_S, gap_s=GAP_S)
        self.outcomes: list[tuple[bytes, dict[str, int], Trouble | None]] = []

    def put(self, *transactions: Transaction) -> None:
        for transaction in transactions:
            self.line.put(transaction, lambda outcome, t=transaction: self._tell(t, outcome))  # type: ignore[misc]  # mypy cannot infer it

    def _tell(self, transaction: Transaction, outcome: Outcome[Word]) -> None:
        values = {str(key): frame.value for key, frame in outcome.answers.items()}
        self.outcomes.append((transaction.request, values, outcome.trouble))

    def sent(self, until: float, since: float = 0.0) -> list[tuple[float, bytes]]:
        """What the line sends by itself, and when."""
        sent, now = [], since
        while True:
            while (request := self.line.poll(now)) is not None:
                sent.append((round(now, 9), request))
            due = self.line.wakes_at()
            if due is None or due > until:
                return sent
            now = max(now, due)


def test_a_stop_goes_before_setpoints_and_setpoints_before_thirty_reads() -> None:
    told = Told()
    told.put(read("a"))
    assert told.line.poll(0.0) == b"a"
    told.put(*[read("b") for _ in range(30)], setpoint(b"go"), STOP)
    told.line.hear(b"a1", 0.01)

    assert [request for _, request in told.sent(0.03, 0.01)][:3] == [b"!", b"go", b"b"]


def test_between_two_speakers_the_line_is_quiet_for_the_gap() -> None:
    told = Told()
    told.put(setpoint(b"ten letter"), read("a"), read("b"))
    assert [at for at, _ in told.sent(0.014)] == [0.0, 0.014]
    told.line.hear(b"a1", 0.030)
    assert told.line.poll(0.030) is None

    assert told.sent(0.035, 0.030)[0] == (0.034, b"b")


def test_a_newer_setpoint_of_one_topic_takes_the_place_of_the_older() -> None:
    told = Told()
    told.put(
        setpoint(b"hold the line"), setpoint(b"one", "x"), setpoint(b"other", "y"), setpoint(b"two", "x")
    )

    assert [request for _, request in told.sent(1.0)] == [b"hold the line", b"two", b"other"]
    assert told.outcomes[0] == (b"one", {}, Trouble.SUPERSEDED)


def test_after_a_stop_past_the_schedule_no_setpoint_that_waited_is_sent() -> None:
    told = Told()
    told.put(setpoint(b"a long one on the line"), setpoint(b"go"), read("a"))
    assert told.line.poll(0.0) is not None
    told.line.preempt(20, 0.001)

    assert told.sent(0.5)[0] == (0.05, b"a")
    assert (b"go", {}, Trouble.DROPPED) in told.outcomes


def test_a_question_without_an_answer_is_put_once_more_and_then_told() -> None:
    told = Told()
    told.put(read("a"))

    assert [request for _, request in told.sent(5.0)] == [b"a", b"a"]
    assert told.outcomes == [(b"a", {}, Trouble.SILENT)]


def test_what_is_out_of_date_is_not_put_once_more() -> None:
    told = Told()
    told.put(Transaction(b"old", Priority.SETPOINT, {"a": 2}, topic="x"))
    told.line.poll(0.0)
    told.put(Transaction(b"new", Priority.SETPOINT, {"b": 2}, topic="x"))

    assert [request for _, request in told.sent(0.06)] == [b"new"]
    assert told.outcomes == [(b"old", {}, Trouble.SUPERSEDED)]


def test_a_damaged_answer_is_asked_for_again_as_soon_as_all_its_bytes_are_there() -> None:
    told = Told()
    told.put(read("a"))
    told.line.poll(0.0)
    told.line.hear(b"\x00\x01", 0.004)

    assert told.sent(0.02, 0.004) == [(0.008, b"a")]


def test_only_what_is_missing_is_asked_for_again() -> None:
    told = Told()
    told.put(
        Transaction(
            b"all",
            Priority.READ,
            {"a": 2, "b": 2, "c": 2},
            narrow=lambda keys: "".join(map(str, keys)).encode(),
        )
    )
    told.line.poll(0.0)
    told.line.hear(b"a1\x00\x02c3", 0.01)
    assert [request for _, request in told.sent(0.03, 0.01)] == [b"b"]
    told.line.hear(b"b2", 0.02)

    assert told.outcomes == [(b"all", {"a": ord("1"), "b": ord("2"), "c": ord("3")}, None)]


def test_a_refusal_stands_in_the_place_of_its_answer() -> None:
    told = Told()
    told.put(read("a", instead={"x": "a"}))
    told.line.poll(0.0)
    told.line.hear(b"x9", 0.01)

    assert told.outcomes == [(b"a", {"a": ord("9")}, None)]


def test_a_late_answer_is_not_taken_for_that_to_the_next_question_of_the_same_look() -> None:
    told = Told()
    told.put(read("a", tries=1), read("a", tries=1))
    assert [request for _, request in told.sent(LATE_S - 0.001)] == [b"a"]
    told.line.hear(b"a1", LATE_S - 0.001)
    sent = told.sent(1.0, LATE_S - 0.001)

    assert sent[0][0] == pytest.approx(LATE_S - 0.001 + GAP_S)
    assert told.outcomes == [(b"a", {}, Trouble.SILENT)] * 2


def test_a_question_that_looks_different_does_not_wait_for_a_late_answer() -> None:
    told = Told()
    told.put(read("a", tries=1), read("b", tries=1))
    (_, first), (asked_at, second) = told.sent(0.06)
    assert (first, second) == (b"a", b"b")
    told.line.hear(b"a1b2", asked_at + 0.002)

    assert told.outcomes == [(b"a", {}, Trouble.SILENT), (b"b", {"b": ord("2")}, None)]


def test_patience_follows_what_the_far_end_needs() -> None:
    told, now = Told(), 0.0
    for _ in range(100):
        told.put(read("a"))
        told.line.poll(now)
        told.line.hear(b"a1", now + 0.003)
        now += 1.0
    assert told.line.patience_s == pytest.approx(SHORTEST_PATIENCE_S, abs=1e-3)
    told.put(read("a", tries=1), read("b"))
    told.sent(now + 0.04, now)
    told.line.hear(b"a1", now + 0.05)

    assert told.line.patience_s > 0.05


def test_a_line_that_loses_much_makes_nobody_more_patient() -> None:
    told, now = Told(), 0.0
    for _ in range(20):
        told.put(read("a"))
        (_, (again_at, _)) = told.sent(now + 0.1, now)[:2]
        told.line.hear(b"a1", again_at + 0.003)  # the first question was lost
        now = again_at + 1

    assert told.line.patience_s < 0.05


def test_what_came_too_late_for_its_purpose_is_not_sent() -> None:
    told = Told()
    told.put(setpoint(b"a" * 64), Transaction(b"go", Priority.SETPOINT, begin_by=0.05))

    assert [request for _, request in told.sent(1.0)] == [b"a" * 64]
    assert told.outcomes[-1] == (b"go", {}, Trouble.TOO_LATE)


def test_too_many_and_too_long_are_refused() -> None:
    told = Told()
    for _ in range(WAITING_LIMIT):
        told.put(read("a"))

    with pytest.raises(LinkFull, match="is anybody answering"):
        told.put(read("a"))
    with pytest.raises(ValueError, match="longer than 64"):
        told.put(setpoint(bytes(65)))


def test_a_wire_opened_anew_answers_nothing_of_before() -> None:
    told = Told()
    told.put(read("a"), read("b"))
    told.line.poll(0.0)
    told.line.clear()

    assert told.outcomes == [(b"b", {}, Trouble.DROPPED), (b"a", {}, Trouble.DROPPED)]
    assert told.line.wakes_at() is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read", "set", "stop", "hear", "preempt", "pass"]),
            st.sampled_from("abc"),
            st.floats(0.0, 0.3),
        ),
        max_size=60,
    )
)
def test_every_transaction_ends_once_in_bounded_time_and_requests_never_overlap(
    steps: list[tuple[str, str, float]],
) -> None:
    told, now, put = Told(), 0.0, 0
    writes: list[tuple[float, bytes]] = []
    for step, letter, pause in steps:
        if step == "read":
            told.put(read(letter))
        elif step == "set":
            told.put(setpoint(letter.encode() * 10, letter))
        elif step == "stop":
            told.put(STOP)
        elif step == "hear":
            told.line.hear(f"{letter}1".encode(), now)
        elif step == "preempt":
            told.line.preempt(10, now)
        put += step in ("read", "set", "stop")
        writes += told.sent(now + pause, now)
        now += pause
    writes += told.sent(now + 1000, now)

    assert len(told.outcomes) == put
    assert told.line.waiting == 0
    ends = [(at, at + len(request) * BYTE_S) for at, request in writes]
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ends))


@given(st.lists(st.tuples(st.sampled_from("aab"), st.floats(0.0, 0.5)), min_size=1, max_size=40))
def test_no_answer_is_ever_taken_for_that_to_another_question(asked: list[tuple[str, float]]) -> None:
    """The far end answers each question with its number, as late as `LATE_S` allows, or not at all."""
    told, now = Told(), 0.0
    coming: list[tuple[float, bytes]] = []
    asked_as: dict[str, list[int]] = {}
    for number, (letter, _) in enumerate(asked):
        told.line.put(
            read(letter, tries=1),
            lambda outcome, n=number: taken.append((n, outcome)),  # type: ignore[misc]  # mypy cannot infer it
        )
        asked_as.setdefault(letter, []).append(number)
    taken: list[tuple[int, Outcome[Word]]] = []
    turn = {letter: iter(numbers) for letter, numbers in asked_as.items()}
    while len(taken) < len(asked):
        while (request := told.line.poll(now)) is not None:
            number = next(turn[request.decode()])
            late_s = asked[number][1]
            if late_s < LATE_S - 1e-6:
                coming.append((now + late_s, request + bytes([number])))
        due = told.line.wakes_at()
        times = [at for at, _ in coming] + ([] if due is None else [due])
        now = max(now, min(times, default=now))
        for at, answer in sorted(coming):
            if at <= now:
                coming.remove((at, answer))
                told.line.hear(answer, now)

    assert all(frame.value == number for number, outcome in taken for frame in outcome.answers.values())


class FarEnd:
    """Answers a letter with itself and a number, after a while."""

    def __init__(self, think_s: float = 0.005) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.trouble: Exception | None = None
        self._think_s = think_s
        self.bus: Bus[Word] = Bus(Words(), self.write, byte_s=1e-5, gap_s=0.0)

    def write(self, data: bytes) -> None:
        if self.trouble is not None:
            raise self.trouble
        loop = asyncio.get_running_loop()
        self.heard.append((loop.time(), data))
        if data.isalpha():
            loop.call_later(self._think_s, self._answer, data)

    def _answer(self, data: bytes) -> None:
        self.bus.hear(data + bytes([len(self.heard)]), asyncio.get_running_loop().time())


def test_on_a_loop_a_question_has_its_answer_and_no_timer_stays() -> None:
    async def story() -> None:
        far = FarEnd()
        outcome, other = await asyncio.gather(far.bus.ask(read("a")), far.bus.ask(read("b")))

        assert (outcome.answers["a"].value, other.answers["b"].value) == (1, 2)
        assert far.bus.line.wakes_at() is None

    virtual.run(story())


def test_on_a_loop_a_full_wire_is_tried_again_and_costs_no_try() -> None:
    async def story() -> None:
        far = FarEnd()
        far.trouble = LinkFull("full")
        asked = far.bus.ask(read("a", tries=1))
        await asyncio.sleep(0.5)
        assert not asked.done()
        far.trouble = None

        assert (await asked).trouble is None
        assert far.bus.line.retries == 0

    virtual.run(story())


def test_on_a_loop_a_lost_wire_gives_up_what_was_asked() -> None:
    async def story() -> None:
        far = FarEnd()
        far.trouble = DeviceGone("arm", "its wire was lost")

        assert (await far.bus.ask(read("a"))).trouble is Trouble.DROPPED

    virtual.run(story())


def test_a_transaction_that_ends_may_put_the_next() -> None:
    async def story() -> None:
        far = FarEnd()
        rounds: list[int] = []

        def again(outcome: Outcome[Word]) -> None:
            rounds.append(outcome.answers["a"].value)
            if len(rounds) < 5:
                far.bus.put(read("a"), again)

        far.bus.put(read("a"), again)
        await asyncio.sleep(1)

        assert rounds == [1, 2, 3, 4, 5]

    virtual.run(story())


def test_a_stop_outside_the_loop_is_no_matter_of_the_bus() -> None:
    far = FarEnd()
    far.bus.preempt(20)

    assert far.bus.line.wakes_at() is None
    assert not math.isnan(far.bus.line.patience_s)
    assert far.bus.line.patience_s < LONGEST_PATIENCE_S
