"""Order, bounds, what each lane does when it is full, and one reader that lets the loop live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robotd.core.event_lane import STICKY_PLACES
from robotd.core.message import Event, Lane, Message
from robotd.core.queue import BURST, BUSY, CAPACITIES, SUPERSEDED, MessageQueue
from tests import virtual
from tests.core.making import command, event
from tests.counts import cases

SMALL = {Lane.SAFETY: 3, Lane.COMMAND: 4, Lane.EVENT: 6, Lane.BACKGROUND: 3}


def take(queue: MessageQueue) -> Message:
    """The next message of a queue that is not empty, without a loop."""
    step = queue.__anext__()
    while True:
        try:
            step.send(None)
        except StopIteration as done:
            message: Message = done.value
            return message


def take_all(queue: MessageQueue) -> list[str]:
    return [take(queue).id for _ in range(len(queue))]


def filled(lane: Lane, make: Callable[[int], Message], count: int | None = None) -> MessageQueue:
    queue = MessageQueue()
    for number in range(CAPACITIES[lane] if count is None else count):
        assert queue.offer(make(number))
    return queue


# Order.


def test_a_message_never_waits_for_one_of_a_later_lane() -> None:
    queue = MessageQueue()
    queue.offer(command("poll", lane=Lane.BACKGROUND, name="4"))
    queue.offer(event("bump", name="3"))
    queue.offer(command("drive", name="2"))
    queue.offer(event("estop", lane=Lane.SAFETY, name="1"))

    assert take_all(queue) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("lane", list(Lane))
def test_inside_a_lane_the_first_comes_first(lane: Lane) -> None:
    queue = MessageQueue()
    for number in range(60):
        queue.offer(event(f"type {number % 7}", lane=lane, name=str(number), sticky=number % 3 == 0))

    assert take_all(queue) == [str(number) for number in range(60)]


def test_an_emergency_stop_overtakes_a_full_event_lane() -> None:
    queue = filled(Lane.EVENT, lambda number: event("done", sticky=True, name=str(number)))
    queue.offer(event("estop", lane=Lane.SAFETY, name="stop"))

    assert take(queue).id == "stop"


def test_a_stop_that_comes_during_a_flood_is_the_very_next_message() -> None:
    queue = filled(Lane.COMMAND, lambda number: command("drive"))
    for _ in range(BURST + 3):
        take(queue)
    queue.offer(event("estop", lane=Lane.SAFETY, name="stop"))

    assert take(queue).id == "stop"


# Full.


def test_a_full_command_lane_takes_nothing_more() -> None:
    queue = filled(Lane.COMMAND, lambda number: command("drive", name=str(number)))

    assert not queue.offer(command("drive", name="late"))
    assert queue.counters["refused"] == 1
    assert take_all(queue) == [str(number) for number in range(256)]


def test_a_full_safety_lane_stops_the_robot() -> None:
    queue = filled(Lane.SAFETY, lambda number: event("bump", lane=Lane.SAFETY))
    overflown: list[Message] = []
    queue.on_safety_overflow = overflown.append
    late = event("bump", lane=Lane.SAFETY)

    assert not queue.offer(late)
    assert overflown == [late]
    assert queue.counters["safety_overflow"] == 1


def test_who_stops_the_robot_may_use_the_queue_at_once() -> None:
    queue = filled(Lane.SAFETY, lambda number: event("bump", lane=Lane.SAFETY))

    def stop(message: Message) -> None:
        queue.drain()
        queue.offer(event("estop", lane=Lane.SAFETY, name="stop"))

    queue.on_safety_overflow = stop
    queue.offer(event("bump", lane=Lane.SAFETY))

    assert take_all(queue) == ["stop"]


def test_a_full_background_lane_drops_its_oldest_and_says_so() -> None:
    queue = filled(Lane.BACKGROUND, lambda number: command("poll", lane=Lane.BACKGROUND, name=str(number)))
    dropped: list[tuple[str, str]] = []
    queue.on_dropped = lambda message, reason: dropped.append((message.id, reason))

    assert queue.offer(command("poll", lane=Lane.BACKGROUND, name="new"))
    assert dropped == [("0", BUSY)]
    assert take_all(queue) == [*(str(number) for number in range(1, 256)), "new"]


def test_a_full_event_lane_keeps_the_newest_edge_of_a_name() -> None:
    ordinary = CAPACITIES[Lane.EVENT] - STICKY_PLACES
    queue = filled(Lane.EVENT, lambda number: event("bump", name=str(number)), ordinary)
    dropped: list[tuple[str, str]] = []
    queue.on_dropped = lambda message, reason: dropped.append((message.id, reason))

    assert queue.offer(event("bump", name="newest"))
    assert dropped == [(str(ordinary - 1), SUPERSEDED)]
    assert take_all(queue)[-1] == "newest"


def test_the_first_edge_of_another_name_finds_a_place_in_a_lane_full_of_one_name() -> None:
    queue = filled(Lane.EVENT, lambda number: event("bump", name=str(number)), 960)

    assert queue.offer(event("battery_low", name="low"))
    assert take_all(queue) == [*(str(number) for number in range(1, 960)), "low"]


def test_in_a_lane_full_of_different_names_there_is_no_place_for_one_more() -> None:
    queue = filled(Lane.EVENT, lambda number: event(f"name {number}"), 960)

    assert not queue.offer(event("another"))
    assert queue.counters["refused"] == 1


def test_a_flood_of_edges_leaves_64_places_to_outcomes_and_losses() -> None:
    queue = MessageQueue()
    for _ in range(5000):
        queue.offer(event("bump"))

    outcomes = [str(number) for number in range(STICKY_PLACES)]
    assert all(queue.offer(event("done", sticky=True, name=name)) for name in outcomes)
    assert take_all(queue)[-STICKY_PLACES:] == outcomes


def test_more_outcomes_than_64_take_the_places_of_edges() -> None:
    queue = filled(Lane.EVENT, lambda number: event("bump"), 960)

    assert all(queue.offer(event("done", sticky=True, name=str(number))) for number in range(1024))
    assert take_all(queue) == [str(number) for number in range(1024)]


def test_an_outcome_without_any_place_stops_the_robot() -> None:
    queue = filled(Lane.EVENT, lambda number: event("done", sticky=True))
    overflown: list[Message] = []
    queue.on_safety_overflow = overflown.append

    assert not queue.offer(event("done", sticky=True))
    assert len(overflown) == 1


def test_a_small_event_lane_keeps_half_for_outcomes() -> None:
    queue = MessageQueue({**CAPACITIES, Lane.EVENT: 4})
    for number in range(4):
        queue.offer(event(f"name {number}"))

    assert queue.depths()["event"] == 2


# Taking out.


def test_a_queued_command_can_be_taken_out_by_its_id() -> None:
    queue = MessageQueue()
    for name in ("1", "2", "3"):
        queue.offer(command("drive", name=name))
    queue.offer(command("poll", lane=Lane.BACKGROUND, name="4"))

    removed = [queue.remove(name) for name in ("2", "4", "2", "9")]
    assert [message.id if message else None for message in removed] == ["2", "4", None, None]
    assert take_all(queue) == ["1", "3"]


def test_draining_gives_what_would_have_come_in_its_order() -> None:
    queue = MessageQueue()
    queue.offer(command("poll", lane=Lane.BACKGROUND, name="4"))
    queue.offer(event("bump", name="3"))
    queue.offer(command("drive", name="2"))
    queue.offer(event("bump", lane=Lane.SAFETY, name="1"))

    assert [message.id for message in queue.drain(Lane.BACKGROUND, Lane.COMMAND)] == ["2", "4"]
    assert [message.id for message in queue.drain()] == ["1", "3"]
    assert len(queue) == 0


def test_depths_are_told_by_lane() -> None:
    queue = MessageQueue()
    queue.offer(command("drive"))
    queue.offer(event("bump"))

    assert queue.depths() == {"safety": 0, "command": 1, "event": 1, "background": 0}


# The reader.


def test_the_reader_waits_for_a_message_and_gets_it_in_the_turn_after() -> None:
    async def story() -> list[str]:
        queue = MessageQueue()
        taken: list[str] = []

        async def read() -> None:
            taken.extend([message.id async for message in queue])

        reader = asyncio.ensure_future(read())
        await asyncio.sleep(1)
        queue.offer(command("drive", name="1"))
        queue.offer(command("drive", name="2"))
        await asyncio.sleep(0)
        assert len(queue) == 0
        queue.offer(command("drive", name="3"))
        queue.close()
        await reader
        return taken

    assert virtual.run(story()) == ["1", "2", "3"]


def test_a_closed_queue_takes_nothing_and_ends_when_it_is_empty() -> None:
    async def story() -> list[str]:
        queue = MessageQueue()
        queue.offer(command("drive", name="1"))
        queue.close()
        assert not queue.offer(event("estop", lane=Lane.SAFETY))
        return [message.id async for message in queue]

    assert virtual.run(story()) == ["1"]


def test_closing_ends_a_reader_that_waits() -> None:
    async def story() -> None:
        queue = MessageQueue()
        asyncio.get_running_loop().call_later(5, queue.close)
        assert [message async for message in queue] == []

    virtual.run(story())


def test_the_loop_has_its_turn_after_every_burst() -> None:
    async def story() -> list[int]:
        queue, turns, taken = filled(Lane.COMMAND, lambda number: command("drive"), 3 * BURST), [], 0
        loop = asyncio.get_running_loop()

        def turn() -> None:
            turns.append(taken)
            loop.call_soon(turn)

        loop.call_soon(turn)
        queue.close()
        async for _ in queue:
            taken += 1
        return turns

    turns = virtual.run(story())
    assert max(later - earlier for earlier, later in zip([0, *turns], turns, strict=False)) == BURST


def test_a_reader_that_is_cancelled_while_it_waits_loses_nothing() -> None:
    async def story() -> str:
        queue = MessageQueue()

        async def read() -> str:
            return (await anext(queue)).id

        first = asyncio.ensure_future(read())
        await asyncio.sleep(0)
        queue.offer(command("drive", name="1"))
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        return await read()

    assert virtual.run(story()) == "1"


def test_a_second_reader_is_an_error() -> None:
    async def story() -> None:
        queue = MessageQueue()
        first = asyncio.ensure_future(anext(queue))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(queue)
        first.cancel()

    virtual.run(story())


# Any history, against a model of plain lists.


class QueueModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = MessageQueue(SMALL)
        self.dropped: list[str] = []
        self.overflown: list[str] = []
        self.queue.on_dropped = lambda message, reason: self.dropped.append(message.id)
        self.queue.on_safety_overflow = lambda message: self.overflown.append(message.id)
        self.lanes: dict[Lane, list[Message]] = {lane: [] for lane in Lane}
        self.count = 0
        self.sticky_inside: set[str] = set()

    def offered(self, message: Message, *, taken: bool, dropped: Message | None = None) -> None:
        drops, overflows = len(self.dropped), len(self.overflown)
        assert self.queue.offer(message) == taken
        assert self.dropped[drops:] == ([] if dropped is None else [dropped.id])
        stops = not taken and (message.lane is Lane.SAFETY or sticky(message))
        assert self.overflown[overflows:] == ([message.id] if stops else [])

    def name(self) -> str:
        self.count += 1
        return str(self.count)

    @rule()
    def offer_safety(self) -> None:
        lane = self.lanes[Lane.SAFETY]
        message = event("bump", lane=Lane.SAFETY, name=self.name())
        fits = len(lane) < SMALL[Lane.SAFETY]
        self.offered(message, taken=fits)
        if fits:
            lane.append(message)

    @rule()
    def offer_command(self) -> None:
        lane = self.lanes[Lane.COMMAND]
        message = command("drive", name=self.name())
        fits = len(lane) < SMALL[Lane.COMMAND]
        self.offered(message, taken=fits)
        if fits:
            lane.append(message)

    @rule()
    def offer_background(self) -> None:
        lane = self.lanes[Lane.BACKGROUND]
        message = command("poll", lane=Lane.BACKGROUND, name=self.name())
        oldest = lane.pop(0) if len(lane) == SMALL[Lane.BACKGROUND] else None
        self.offered(message, taken=True, dropped=oldest)
        lane.append(message)

    @rule(kind=st.sampled_from("abcd"))
    def offer_edge(self, kind: str) -> None:
        lane = self.lanes[Lane.EVENT]
        message = event(kind, name=self.name())
        edges = [queued for queued in lane if not sticky(queued)]
        if len(edges) < 3 and len(lane) < SMALL[Lane.EVENT]:
            self.offered(message, taken=True)
            lane.append(message)
            return
        same = [queued for queued in edges if queued.type == kind]
        victim = self.superseded()
        if same:
            self.offered(message, taken=True, dropped=same[-1])
            lane[lane.index(same[-1])] = message
        elif victim is not None:
            self.offered(message, taken=True, dropped=victim)
            lane.remove(victim)
            lane.append(message)
        else:
            self.offered(message, taken=False)

    @rule(kind=st.sampled_from("abx"))
    def offer_outcome(self, kind: str) -> None:
        lane = self.lanes[Lane.EVENT]
        message = event(kind, name=self.name(), sticky=True)
        victim = None
        if len(lane) == SMALL[Lane.EVENT]:
            edges = [queued for queued in lane if not sticky(queued)]
            victim = self.superseded() or (edges[0] if edges else None)
            if victim is None:
                self.offered(message, taken=False)
                return
            lane.remove(victim)
        self.offered(message, taken=True, dropped=victim)
        lane.append(message)
        self.sticky_inside.add(message.id)

    def superseded(self) -> Message | None:
        """The oldest edge that has a newer one of its type."""
        edges = [queued for queued in self.lanes[Lane.EVENT] if not sticky(queued)]
        for place, edge in enumerate(edges):
            if any(later.type == edge.type for later in edges[place + 1 :]):
                return edge
        return None

    @precondition(lambda self: any(self.lanes.values()))
    @rule()
    def take_one(self) -> None:
        lane = next(lane for lane in self.lanes.values() if lane)
        expected = lane.pop(0)
        assert take(self.queue) is expected
        self.sticky_inside.discard(expected.id)

    @rule(number=st.integers(0, 60))
    def remove(self, number: int) -> None:
        for lane in (self.lanes[Lane.COMMAND], self.lanes[Lane.BACKGROUND]):
            for message in lane:
                if message.id == str(number):
                    assert self.queue.remove(str(number)) is message
                    lane.remove(message)
                    return
        assert self.queue.remove(str(number)) is None

    @rule(lanes=st.sets(st.sampled_from(Lane)))
    def drain(self, lanes: set[Lane]) -> None:
        expected = []
        for lane in Lane:
            if lane in lanes or not lanes:
                expected += self.lanes[lane]
                self.lanes[lane] = []
        assert self.queue.drain(*lanes) == expected
        self.sticky_inside -= {message.id for message in expected}

    @invariant()
    def nothing_is_beyond_its_bound(self) -> None:
        assert self.queue.depths() == {lane.name.lower(): len(queued) for lane, queued in self.lanes.items()}
        assert all(len(queued) <= SMALL[lane] for lane, queued in self.lanes.items())

    @invariant()
    def no_outcome_is_lost(self) -> None:
        waiting = {message.id for message in self.lanes[Lane.EVENT] if sticky(message)}
        assert waiting == self.sticky_inside
        assert not self.sticky_inside & set(self.dropped)


def sticky(message: Message) -> bool:
    return isinstance(message, Event) and message.sticky


QueueModel.TestCase.settings = settings(max_examples=cases(2_000), stateful_step_count=40, deadline=None)
TestQueueModel = QueueModel.TestCase
