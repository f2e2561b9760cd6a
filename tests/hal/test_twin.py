import asyncio
import random

import pytest

from hal import FaultyTwin, UnitError
from hal.twin import SHORTEST_STEP_S, TwinDriver, UnknownQuantity, parse_world_value
from tests import virtual
from tests.hal.links.peers import ParrotTwin


class StuckTwin(ParrotTwin):
    """A model with a bug: it always wants to be woken at once."""

    def __init__(self) -> None:
        super().__init__()
        self.wakes = 0

    def advance(self, now: float) -> bytes:
        self.wakes += 1
        return b""

    def wakes_at(self) -> float | None:
        return 0.0


def test_a_twin_that_never_moves_on_does_not_stop_the_loop():
    async def story() -> None:
        twin = StuckTwin()
        driver = TwinDriver(twin, emit=lambda _: None, failed=lambda _: None)
        driver.start()
        await asyncio.sleep(0.01)

        assert twin.wakes <= 0.01 / SHORTEST_STEP_S + 1

    virtual.run(story())


def test_a_stopped_twin_stands_still_and_its_last_words_are_lost():
    async def story() -> None:
        twin, said = ParrotTwin(), list[bytes]()
        driver = TwinDriver(twin, emit=said.append, failed=lambda _: None)
        driver.start()
        driver.stop()
        driver.feed(b"late")
        await asyncio.sleep(10)

        assert said == []
        assert twin.ticks == 0
        assert not driver.running

    virtual.run(story())


def test_a_twin_is_advanced_to_the_present_before_it_hears_a_byte():
    class Witness(ParrotTwin):
        def receive(self, data: bytes, now: float) -> bytes:
            return f"{now - self.advanced_to}".encode()

        def advance(self, now: float) -> bytes:
            self.advanced_to = now
            return b""

        def wakes_at(self) -> float | None:
            return None

    async def story() -> None:
        said: list[bytes] = []
        driver = TwinDriver(Witness(), emit=said.append, failed=lambda _: None)
        driver.start()
        await asyncio.sleep(0.7)
        driver.feed(b"?")
        await asyncio.sleep(0.1)

        assert said == [b"hello", b"0.0"]

    virtual.run(story())


def test_an_exception_in_the_twin_stops_it_and_is_told():
    async def story() -> None:
        errors: list[Exception] = []
        driver = TwinDriver(ParrotTwin(), emit=lambda _: None, failed=errors.append)
        driver.start()
        driver.feed(b"crash")

        assert [type(error) for error in errors] == [ZeroDivisionError]
        assert not driver.running

    virtual.run(story())


def test_a_twin_may_change_its_mind_about_when_it_wakes():
    class Hasty(ParrotTwin):
        due: float | None = 5.0
        woken: tuple[float, ...] = ()

        def receive(self, data: bytes, now: float) -> bytes:
            self.due = 2.0 if data == b"sooner" else None
            return b""

        def advance(self, now: float) -> bytes:
            if self.due is not None and now >= self.due:
                self.woken, self.due = (*self.woken, now), None
            return b""

        def wakes_at(self) -> float | None:
            return self.due

    async def story() -> None:
        twin = Hasty()
        driver = TwinDriver(twin, emit=lambda _: None, failed=lambda _: None)
        driver.start()
        await asyncio.sleep(1)
        driver.feed(b"sooner")
        await asyncio.sleep(9)
        assert twin.woken == (2.0,)

        twin.due = 20.0
        driver.feed(b"never")
        await asyncio.sleep(20)
        assert twin.woken == (2.0,)

    virtual.run(story())


def test_an_unknown_quantity_is_told_with_the_known_ones():
    error = UnknownQuantity("batery", ["x", "battery"])

    assert str(error) == "the simulated world has no 'batery'; it has battery, x"


def test_a_twin_that_is_changed_while_it_sleeps_is_looked_at_in_the_next_turn():
    class Sleeper(ParrotTwin):
        def wakes_at(self) -> float | None:
            return None

    async def story() -> None:
        said: list[bytes] = []
        twin = FaultyTwin("sleeper", Sleeper(), random.Random(1))
        driver = TwinDriver(twin, emit=said.append, failed=lambda _: None)
        twin.inject("split", 0.0)
        driver.start()
        await asyncio.sleep(0.1)
        twin.inject("garbage 3 B", asyncio.get_running_loop().time())
        await asyncio.sleep(0.001)
        assert [len(data) for data in said] == [1] * 8

        driver.stop()
        twin.inject("garbage 3 B", asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        assert len(said) == 8

    virtual.run(story())


@pytest.mark.parametrize(
    ("text", "now", "value"),
    [
        ("10.2 V", 12.0, 10.2),
        ("300 mm", 1.0, 0.3),
        (" -4e-1 ", 1.0, -0.4),
        ("90 deg", 0.0, 1.5707963267948966),
        ("pressed", False, True),
        ("Released", True, False),
        ("true", False, True),
        ("off", True, False),
        ("free", 12.0, None),
        ("free", True, None),
    ],
)
def test_a_quantity_is_written_as_people_do(text: str, now: float | bool, value: float | bool | None):
    assert parse_world_value(text, now) == value


@pytest.mark.parametrize(
    ("text", "now"),
    [("pressed", 12.0), ("3", False), ("nan", 1.0), ("inf V", 1.0), ("", 1.0), ("3 kilos", 1.0)],
)
def test_what_is_nothing_for_a_quantity_is_refused(text: str, now: float | bool):
    with pytest.raises(UnitError):
        parse_world_value(text, now)
