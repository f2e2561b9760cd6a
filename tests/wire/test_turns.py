"""What all clients together get done in one turn of the event loop, and who comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps

from robotd.wire.turns import TURN_MESSAGES, TURN_S, Turns
from tests import virtual


def story(body: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """A test in virtual time."""

    @wraps(body)
    def test() -> None:
        virtual.run(body())

    return test


class Client:
    """Somebody with work to do, who notes what was done."""

    def __init__(self, turns: Turns, name: str, work: int, done: list[str]) -> None:
        self.turns, self.name, self.work, self.done = turns, name, work, done

    def proceed(self) -> None:
        while self.work:
            if not self.turns.may_go():
                self.turns.wait(self.proceed)
                return
            self.work -= 1
            self.done.append(self.name)


@story
async def test_a_turn_has_a_bounded_number_of_messages_and_the_next_turn_as_many():
    turns, done = Turns(), list[str]()
    Client(turns, "a", 3 * TURN_MESSAGES, done).proceed()

    assert len(done) == TURN_MESSAGES
    await asyncio.sleep(0)
    assert len(done) == 2 * TURN_MESSAGES


@story
async def test_whoever_waits_longest_is_served_first():
    turns, done = Turns(), list[str]()
    for name in "abc":
        Client(turns, name, 2 * TURN_MESSAGES, done).proceed()
    for _ in range(6):
        await asyncio.sleep(0)

    # `a` used up the first turn and was the first to ask again; then `b` and `c` take turns.
    assert done == [name for name in "aabcbc" for _ in range(TURN_MESSAGES)]


@story
async def test_a_turn_has_a_bounded_time_whatever_its_messages_cost():
    turns = Turns()
    assert turns.may_go()

    virtual.spend(TURN_S)

    assert not turns.may_go()
    await asyncio.sleep(0)
    assert turns.may_go()


@story
async def test_everybody_is_served_in_the_end():
    turns, done = Turns(), list[str]()
    clients = [Client(turns, str(number), number, done) for number in range(50)]
    for client in clients:
        client.proceed()
    for _ in range(100):
        await asyncio.sleep(0)

    assert [client.work for client in clients] == [0] * 50
    assert len(done) == sum(range(50))
