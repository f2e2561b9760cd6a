"""The daemon's end of the guard, against a guard that answers as it is told, in virtual time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hal import Board, BoardSpec, Device, DeviceSilent, DeviceSpec, Evidence, Link, Peer
from robotd.safety.guarding import AGAIN_S, ANSWER_S, LONGEST_AGAIN_S, TICK_S, Guarding
from robotd.sim.loop import SimulationLoop
from tests import virtual


class Wire(Link):
    """A wire with a descriptor, or without one."""

    name = "wire"

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    async def open(self, peer: Peer) -> None: ...

    def write(self, data: bytes) -> None: ...

    def flush_output(self) -> None: ...

    def close(self) -> None: ...

    @property
    def descriptor(self) -> int | None:
        return self._descriptor

    @property
    def pending(self) -> int:
        return 0


class Stoppable(Board):
    """A board of which only the stop frames matter."""

    IDLE_GAP_S = 0.0005

    def __init__(self, name: str, descriptor: int | None) -> None:
        spec = BoardSpec(driver="d", port="p")
        super().__init__(name, spec, lambda: Wire(descriptor), random.Random(0))
        self.link = Wire(descriptor)
        self.frames = b"\xf7stop"

    def stop_frames(self) -> bytes:
        return self.frames

    def add(self, name: str, spec: DeviceSpec) -> Device:
        raise NotImplementedError

    async def identify(self) -> str:
        raise NotImplementedError

    async def configure(self) -> None: ...

    def received(self, data: bytes, now: float) -> None: ...

    def tend(self, now: float) -> float:
        return now

    def silent_at(self) -> float:
        return 0.0

    def why_silent(self, now: float) -> str:
        return ""

    async def confirm_stop(self) -> dict[str, Evidence]:
        return {}


class Guard:
    """A guard's far end: it obeys until it is told not to."""

    def __init__(self, heard: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        self.heard = heard
        self.gone = gone
        self.said: list[tuple[str, int | None]] = []
        self.obeys = True
        self.takes = True
        self.killed = False
        self.closed = False
        self.ticks = 0

    def send(self, message: bytes, descriptor: int | None = None) -> None:
        if self.killed:
            raise BrokenPipeError
        text = message.decode()
        if not text.startswith("tick"):
            self.said.append((text, descriptor))
        if not self.obeys:
            return
        match text.split():
            case ["keep", board, *_] if self.takes:
                self.tell(f"kept {board}")
            case ["back", board]:
                self.tell(f"gave {board}")
            case ["tick", *_]:
                self.ticks += 1
                if self.ticks % 10 == 0:
                    self.tell("tock")

    def tell(self, text: str) -> None:
        asyncio.get_running_loop().call_soon(self.heard, text.encode())

    def die(self) -> None:
        self.kill()

    def kill(self) -> None:
        self.killed = True
        asyncio.get_running_loop().call_soon(self.gone)

    def close(self) -> None:
        self.closed = True

    @property
    def words(self) -> list[str]:
        return [text for text, _ in self.said]


class Daemon:
    """What the daemon is told of the guard's doings."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.trips: list[tuple[str, str, str]] = []
        self.losses: list[str] = []
        self.waited = False
        """For the end of a guard, before the robot was stopped for want of it."""
        self.words = ("1", "-", "-")
        self.cannot_start: OSError | None = None
        self.readies = True

    def start(self, heard: Callable[[bytes], None], gone: Callable[[], None]) -> Guard:
        if self.cannot_start is not None:
            raise self.cannot_start
        guard = Guard(heard, gone)
        self.guards.append(guard)
        if self.readies:
            guard.tell("ready fifo locked")
        return guard

    def progress(self) -> tuple[str, str, str]:
        return self.words

    def guard_tripped(self, latch_id: str, why: str, sentence: str) -> None:
        self.trips.append((latch_id, why, sentence))

    def guard_lost(self, sentence: str) -> None:
        self.losses.append(sentence)
        self.waited = self.waited or any(guard.closed for guard in self.guards)


class Log:
    """Swallows what is not looked at here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: logging.getLogger("test")


def tell(body: Callable[[Daemon, Guarding], Coroutine[Any, Any, None]], daemon: Daemon | None = None) -> None:
    async def story() -> None:
        told = daemon or Daemon()
        async with Guarding(told.start, told, Log()) as guarding:
            guarding.beat()
            await asyncio.sleep(0.001)
            await body(told, guarding)

    virtual.run(story())


def test_a_board_is_kept_with_its_descriptor_its_gap_and_its_stop_frames():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        board = Stoppable("arduino", 7)
        await guarding.keep(board)

        assert daemon.guards[0].said == [(f"keep arduino 500 {board.frames.hex()}", 7)]
        assert guarding.missing() is None
        assert guarding.as_data()["ports"] == ["arduino"]

    tell(story)


def test_a_board_with_no_frames_is_kept_all_the_same():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        board = Stoppable("sensors", 7)
        board.frames = b""
        await guarding.keep(board)

        assert daemon.guards[0].words == ["keep sensors 500 -"]

    tell(story)


def test_a_board_whose_units_take_one_frame_at_a_time_is_kept_with_all_of_them():
    class Bus(Stoppable):
        def stop_series(self) -> list[bytes]:
            return [b"\x01\x02", b"\x03"]

    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Bus("line", 7))

        assert daemon.guards[0].words == ["keep line 500 0102,03"]

    tell(story)


def test_a_wire_that_only_this_process_can_write_to_counts_as_unprotected():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", None))

        assert daemon.guards[0].said == []
        assert guarding.missing() is None
        assert guarding.as_data() | {"slowest_tick_ms": 20.0} == {
            "state": "ready",
            "detail": "no ports (simulated)",
            "ports": [],
            "unprotected": ["arduino"],
            "real_time": True,
            "memory_locked": True,
            "starts": 1,
            "slowest_tick_ms": 20.0,
        }

    tell(story)


def test_beside_a_kept_board_an_unprotected_one_is_named():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", 7))
        await guarding.keep(Stoppable("gantry", None))

        assert guarding.as_data()["detail"] == "holds arduino; cannot reach gantry"

    tell(story)


def test_stop_frames_that_have_changed_are_renewed_with_the_next_tick_and_without_a_descriptor():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        board = Stoppable("arduino", 7)
        await guarding.keep(board)
        board.frames = b"\x01"
        await asyncio.sleep(2 * TICK_S)
        await asyncio.sleep(2 * TICK_S)

        assert daemon.guards[0].said[1:] == [("keep arduino 500 01", None)]

    tell(story)


def test_a_board_that_is_given_back_waits_for_the_guards_word():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        board = Stoppable("arduino", 7)
        await guarding.keep(board)
        daemon.guards[0].obeys = False
        giving = asyncio.ensure_future(guarding.give_back(board))
        await asyncio.sleep(0.1)
        waited = not giving.done()
        daemon.guards[0].tell("gave arduino")
        await giving

        assert waited
        assert daemon.guards[0].words[-1] == "back arduino"
        assert guarding.as_data()["ports"] == []

    tell(story)


def test_a_guard_that_dies_holds_up_nobody_who_gives_back():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        board = Stoppable("arduino", 7)
        await guarding.keep(board)
        daemon.guards[0].obeys = False
        giving = asyncio.ensure_future(guarding.give_back(board))
        await asyncio.sleep(0.01)
        daemon.guards[0].die()
        async with asyncio.timeout(0.01):
            await giving

        assert daemon.losses == ["the guard process died"]

    tell(story)


def test_giving_back_what_was_never_kept_says_nothing():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.give_back(Stoppable("arduino", 7))

        assert daemon.guards[0].said == []

    tell(story)


def test_a_board_is_refused_while_no_guard_takes_it():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        daemon.guards[0].takes = False

        with pytest.raises(DeviceSilent, match="the guard does not hold arduino yet, and nothing moves"):
            await guarding.keep(Stoppable("arduino", 7))
        assert guarding.refusal() is not None

    tell(story)


def test_a_board_waits_for_a_guard_that_is_still_starting():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        keeping = asyncio.ensure_future(guarding.keep(Stoppable("arduino", 7)))
        await asyncio.sleep(0.5)
        refused = guarding.missing()
        daemon.guards[0].tell("ready - -")
        await keeping

        assert refused == "the guard process is not there yet"
        assert guarding.missing() is None
        assert guarding.as_data()["real_time"] is False

    daemon = Daemon()
    daemon.readies = False
    tell(story, daemon)


def test_a_guard_that_dies_is_a_loss_and_another_gets_the_wires_back():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", 7))
        daemon.guards[0].die()
        await asyncio.sleep(0.001)
        missing = guarding.standing()
        await asyncio.sleep(AGAIN_S + 0.01)

        assert daemon.losses == ["the guard process died"]
        assert missing == "the guard process is not there yet"
        assert len(daemon.guards) == 2
        assert daemon.guards[1].said == [(daemon.guards[0].words[0], 7)]
        assert guarding.missing() is None

    tell(story)


def test_the_robot_is_stopped_before_the_end_of_a_lost_guard_is_waited_for():
    """Whose socket is closed may take half a second more to be gone."""

    async def story(daemon: Daemon, guarding: Guarding) -> None:
        daemon.guards[0].die()
        await asyncio.sleep(0.001)

        assert (daemon.losses, daemon.waited) == (["the guard process died"], False)
        assert daemon.guards[0].closed

    tell(story)


def test_of_what_a_dead_guard_still_says_only_a_stop_counts():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", 7))
        first = daemon.guards[0]
        first.die()
        await asyncio.sleep(0.01)
        first.tell("kept arduino")
        first.tell("tripped x stop late")
        first.gone()
        await asyncio.sleep(0.01)

        assert daemon.trips == [("x", "stop", "late")]
        assert guarding.as_data()["state"] == "starting"
        assert daemon.losses == ["the guard process died"]
        assert guarding.missing() is not None

    tell(story)


def test_a_guard_that_says_nothing_is_ended_and_replaced():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", 7))
        daemon.guards[0].obeys = False
        await asyncio.sleep(ANSWER_S + 0.1)

        assert daemon.guards[0].killed
        assert daemon.losses == ["the guard process died"]

    tell(story)


def test_a_guard_that_never_gets_ready_is_ended_too():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await asyncio.sleep(ANSWER_S + 0.1)

        assert daemon.guards[0].killed

    daemon = Daemon()
    daemon.readies = False
    tell(story, daemon)


def test_a_loop_that_slept_does_not_blame_its_guard():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await asyncio.sleep(0.5)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        loop.spend(5.0)  # as a process does that was stopped and goes on
        await asyncio.sleep(0.1)

        assert not daemon.guards[0].killed

    tell(story)


def test_guards_that_cannot_be_started_are_tried_again_and_again_more_rarely():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await asyncio.sleep(60.0)
        tried = len(daemon.losses)
        daemon.cannot_start = None
        await asyncio.sleep(LONGEST_AGAIN_S)

        assert 12 <= tried <= 18
        assert daemon.losses[0] == "the guard process cannot be started: no room"
        assert guarding.missing() is None

    daemon = Daemon()
    daemon.cannot_start = OSError("no room")
    tell(story, daemon)


def test_a_trip_is_told_and_stays_until_a_reset_that_brings_another_guard():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        await guarding.keep(Stoppable("arduino", 7))
        daemon.guards[0].tell("tripped abc-1 stop somebody on the track")
        await asyncio.sleep(0.001)
        state, standing = guarding.as_data()["state"], guarding.standing()
        guarding.reset()
        between = guarding.refusal()
        await asyncio.sleep(0.01)

        assert daemon.trips == [("abc-1", "stop", "somebody on the track")]
        assert state == "tripped"
        assert standing is None
        assert daemon.guards[0].words[-1] == "bye"
        assert not daemon.guards[0].closed
        assert between is not None
        assert between.reason == "latched"
        assert guarding.refusal() is None
        assert daemon.guards[1].words == daemon.guards[0].words[:1]

    tell(story)


def test_a_stop_that_a_guard_heard_with_its_goodbye_is_a_stop():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        daemon.guards[0].tell("tripped abc-1 stop one")
        await asyncio.sleep(0.001)
        guarding.reset()
        daemon.guards[0].tell("tripped abc-2 stop another")
        await asyncio.sleep(0.001)
        daemon.guards[1].tell("tripped def-1 stop more")
        await asyncio.sleep(0.001)
        guarding.reset()

        assert [latch_id for latch_id, _, _ in daemon.trips] == ["abc-1", "abc-2", "def-1"]
        assert [guard.closed for guard in daemon.guards] == [True, False, False]

    tell(story)


def test_a_reset_of_a_stop_that_was_not_the_guards_leaves_it_be():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        guarding.reset()

        assert len(daemon.guards) == 1

    tell(story)


def test_there_is_no_tick_before_the_daemon_is_up():
    async def story() -> tuple[int, int]:
        daemon = Daemon()
        async with Guarding(daemon.start, daemon, Log()) as guarding:
            await asyncio.sleep(60.0)
            before = daemon.guards[0].ticks
            guarding.beat()
            await asyncio.sleep(0.1)
            return before, daemon.guards[0].ticks

    before, after = virtual.run(story())

    assert before == 0
    assert after >= 5


def test_ticks_come_at_their_rate_and_carry_the_progress():
    async def story(daemon: Daemon, guarding: Guarding) -> None:
        ticks: list[str] = []
        times: list[float] = []
        guard = daemon.guards[0]
        send = guard.send

        def listen(message: bytes, descriptor: int | None = None) -> None:
            ticks.append(message.decode())
            times.append(asyncio.get_running_loop().time())
            send(message, descriptor)

        guard.send = listen  # type: ignore[method-assign]  # to hear the ticks, too
        await asyncio.sleep(1.0)

        assert len(ticks) == pytest.approx(1.0 / TICK_S, abs=1)
        assert {tuple(tick.split()[2:]) for tick in ticks} == {("1", "-", "-")}
        assert [float(tick.split()[1]) for tick in ticks] == pytest.approx(times, abs=1e-4)

    tell(story)


def test_a_goodbye_comes_before_the_end_and_an_end_without_one_says_nothing():
    async def story() -> tuple[list[str], list[str]]:
        polite, rude = Daemon(), Daemon()
        async with Guarding(polite.start, polite, Log()) as guarding:
            await asyncio.sleep(0.01)
            guarding.goodbye()
        async with Guarding(rude.start, rude, Log()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(10.0)
        return polite.guards[0].words, rude.guards[0].words

    polite, rude = virtual.run(story())

    assert polite == ["bye"]
    assert rude == []
