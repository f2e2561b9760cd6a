"""The whole engine under whatever clients, hardware and time may do to it, in any order, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hal import Actuator
from hal.links.memory import TwinLink
from robotd.config import RobotConfig, load
from robotd.core.message import Lane
from robotd.core.stage import REJECTED, STARTED, TERMINAL, Stage
from robotd.errors import Refused
from robotd.runtime.robot import GRACE_S
from robotd.wire.service import SendRequest
from tests import virtual
from tests.counts import cases
from tests.daemon.story import ROVER, Story, telling
from tests.daemon.tap import Tap

CONFIG: RobotConfig = load(ROVER)
MAX_SPEED_M_S, MAX_TURN_RAD_S, TRACK_M = 0.8, 2.0, 0.30
ROUNDING = 2 / 255
STREAMED_S = 0.4
SLACK_S = 0.001
TURNS_FOR_A_FULL_QUEUE = 64

numbers = st.one_of(
    st.floats(-1, 1), st.sampled_from([0.0, 0.8, -0.8, 0.81, 1e308, float("nan"), float("inf"), 10**400])
)
values: st.SearchStrategy[Any] = st.one_of(
    numbers, st.sampled_from(["0.2 m/s", "20 cm/s", "1 kg", "", None, True, [], {}])
)
drives = st.one_of(
    st.fixed_dictionaries({"linear": st.floats(-0.8, 0.8)}, optional={"angular": st.floats(-2, 2)}),
    st.dictionaries(st.sampled_from(["linear", "angular", "speed", ""]), values, max_size=3),
)
payloads: Mapping[str, st.SearchStrategy[Any]] = {
    "drive": drives,
    "look": st.fixed_dictionaries({"angle": st.floats(-1.5, 1.5)}),
    "light": st.fixed_dictionaries({"on": st.sampled_from([True, False, 1])}),
}
commands = st.sampled_from(
    ["arm", "drive", "drive", "drive", "look", "light", "patrol", "disarm"] * 2
    + ["bump", "battery_low", "reset", "shutdown", "estop", "always", "patrol.done", "nonsense", ""]
)
sends = commands.flatmap(
    lambda kind: st.tuples(
        st.just("send"),
        st.just(kind),
        payloads.get(kind, st.just({})),
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.sampled_from(["a", "b", "c"]),
                "valid_for_s": st.sampled_from([0.001, 0.05, 1.0, 20.0]),
                "age_s": st.sampled_from([0.0, 0.3, 0.5, 60.0]),
                "priority": st.sampled_from([Lane.COMMAND, Lane.BACKGROUND]),
                "version": st.sampled_from([1, 2]),
            },
        ),
    )
)
steering = st.tuples(
    st.just("steer"), st.floats(-0.8, 0.8), st.floats(-2, 2), st.integers(1, 8), st.sampled_from([0.02, 0.1])
)
trouble = st.one_of(
    st.tuples(st.just("stop")),
    st.tuples(st.just("reset"), st.sampled_from(["present", "older", "no such latch"])),
    st.tuples(
        st.just("pin"),
        st.sampled_from([("bumper", True), ("bumper", False), ("battery", 9.0), ("battery", 12.0)]),
    ),
    st.tuples(st.just("cut")),
    st.tuples(st.just("mend")),
    st.tuples(st.just("lose")),
    st.tuples(st.just("burst"), st.sampled_from([40, 300])),
)
waiting = st.tuples(st.just("pass_time"), st.sampled_from([0.0, 0.005, 0.05, 0.3, 0.5, 1.0]))
cancelling = st.tuples(st.just("cancel"), st.sampled_from(["a", "b", "newest", "newest", "nobody"]))
kinds = (
    [sends] * 4 + [steering] * 3 + [waiting] * 2 + [trouble] * 2 + [cancelling] + [st.just(("make_ready",))]
)
steps = st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


class Call:
    """One `send` and what it heard."""

    def __init__(self, request: SendRequest) -> None:
        self.request = request
        self.ends: list[Stage] = []
        self.told_after_its_end = False
        self.moves_until = float("-inf")
        """Until when it may move the wheels."""

    def tell(self, stage: Stage) -> None:
        request = self.request
        self.told_after_its_end = self.told_after_its_end or bool(self.ends)
        if stage.stage in TERMINAL:
            self.ends.append(stage)
        elif stage.stage == STARTED and request.type == "drive":
            self.moves_until = request.at + (request.valid_for_s or STREAMED_S)


def attempt(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | Refused:
    try:
        return call()
    except Refused as refused:
        return refused


class Ordeal:
    """A robot, whatever is done to it, and what must be true all the time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.engine = story.engine
        self.service = story.service
        self.loop = asyncio.get_running_loop()
        self.tap = Tap(story.rig)
        self.calls: list[Call] = []
        self.latches: list[str] = []
        self.stopped_at: float | None = None
        self.told_before = 0
        link = story.rig.boards["arduino"].link
        assert isinstance(link, TwinLink)
        self.link = link

    async def take(self, step: tuple[Any, ...]) -> None:
        name, *arguments = step
        act: Callable[..., Any] = getattr(self, name)
        result = act(*arguments)
        if asyncio.iscoroutine(result):
            await result
        self.check()
        for _ in range(TURNS_FOR_A_FULL_QUEUE):
            await asyncio.sleep(0)
        self.check()
        self.check_at_rest()

    # -- what may happen --------------------------------------------------------------------------

    def send(self, kind: str, payload: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        more = dict(more)
        request = SendRequest(
            type=kind,
            payload=payload,
            id=more.pop("id", None) or self.service.new_id(),
            trace_id=self.service.new_trace_id(),
            at=self.service.now() - more.pop("age_s", 0.0),
            **more,
        )
        call = Call(request)
        self.calls.append(call)
        self.service.send(request, "test", call.tell, early=len(self.calls) % 2 == 0)
        if kind == "estop":
            self._stopped()

    async def steer(self, linear: float, angular: float, count: int, period_s: float) -> None:
        for _ in range(count):
            self.send("drive", {"linear": linear, "angular": angular}, {})
            await self.pass_time(period_s)

    async def make_ready(self) -> None:
        """What a patient operator does until the rover can drive."""
        self.link.mend()
        self.story.rig.set_world("bumper", False)
        self.story.rig.set_world("battery", 12.0)
        await self.pass_time(6.0 if self.engine.rig.boards["arduino"].state.value != "online" else 0.6)
        self.reset("present")
        await self.story.settle()
        for kind in ("disarm", "arm"):
            self.send(kind, {}, {})
            await self.story.settle()

        assert self.story.state == "armed.teleop"

    def burst(self, count: int) -> None:
        for _ in range(count):
            self.send("drive", {"linear": 0.3}, {})

    async def pass_time(self, duration_s: float) -> None:
        end = self.loop.time() + duration_s
        while self.loop.time() < end:
            await asyncio.sleep(min(0.01, max(0.0, end - self.loop.time())))
            self.check()

    def cancel(self, which: str) -> None:
        ids = {"newest": self.calls[-1].request.id if self.calls else "nobody"}
        answer = attempt(lambda: self.service.cancel(ids.get(which, which), "local"))
        if isinstance(answer, Refused):
            assert answer.reason == "invalid_params"
        else:
            assert answer["was"] in ("queued", "running", "ended")

    async def stop(self) -> None:
        evidence = self.service.estop("at random", "test")
        self._stopped()
        self.check()
        began = self.loop.time()
        proof = await evidence

        assert self.loop.time() - began <= 0.1 + SLACK_S
        assert set(proof["evidence"]) == {"left", "right", "mast", "lamp"}
        if self.link.is_open and self.engine.rig.boards["arduino"].state.value == "online":
            assert proof["evidence"]["left"]["confirmed"]["value"] == 0

    def _stopped(self) -> None:
        assert self.engine.stop.latch is not None
        self.latches.append(self.engine.stop.latch.latch_id)
        self.stopped_at = self.loop.time()
        self.told_before = len(self.tap.told)

    def reset(self, which: str) -> None:
        latches = {"present": self.latches[-1:], "older": self.latches[:-1][-1:]}
        latch = next(iter(latches.get(which, [])), which)
        answer = attempt(lambda: self.service.reset(latch, "test"))
        if isinstance(answer, Refused):
            assert answer.reason in ("latched", "not_in_this_state")
        else:
            assert which == "present"
            assert self.stopped_at is not None
            assert self.loop.time() - self.stopped_at >= 0.5
            self.stopped_at = None

    def pin(self, quantity: tuple[str, float | bool]) -> None:
        self.story.rig.set_world(*quantity)

    def cut(self) -> None:
        self.link.cut()

    def mend(self) -> None:
        self.link.mend()

    def lose(self) -> None:
        self.link.close()

    # -- what must be true ------------------------------------------------------------------------

    def check(self) -> None:
        """True at every moment."""
        engine = self.engine
        assert not engine.crashed.done()
        limits = engine.config.limits
        depths = engine.queue.depths()
        assert depths["safety"] <= limits.queue_safety
        assert depths["command"] <= limits.queue_command
        assert depths["event"] <= limits.queue_event
        assert depths["background"] <= limits.queue_background
        left, right = self.tap.duty["left"] * MAX_SPEED_M_S, self.tap.duty["right"] * MAX_SPEED_M_S
        assert abs(right - left) / TRACK_M <= MAX_TURN_RAD_S + 2 * ROUNDING * MAX_SPEED_M_S / TRACK_M
        if self.stopped_at is not None:
            assert not any(told.duty for told in self.tap.told[self.told_before :])
            assert engine.executor.running == 0
            assert not self.link.is_open or self.story.stands_still()
        if self.link.is_open and not self.story.stands_still() and self.story.state != "armed.auto":
            assert self.loop.time() <= max(call.moves_until for call in self.calls) + SLACK_S

    def check_at_rest(self) -> None:
        """True when everything that is due has happened."""
        engine, story = self.engine, self.story
        assert not any(call.told_after_its_end for call in self.calls)
        open_ids = {call.request.id for call in self.calls if call.request.type != "estop" and not call.ends}
        assert len(engine.ledger) == len(open_ids)
        assert (story.state == "estopped") == (engine.stop.latch is not None)
        if story.state in ("disarmed", "estopped"):
            assert engine.executor.running == 0
            devices = engine.rig.devices.values()
            assert not [d for d in devices if isinstance(d, Actuator) and d.state.value == "active"]
        assert len(engine.queue) == 0

    def check_the_end(self) -> None:
        """True when the daemon has ended."""
        assert self.story.state == "down"
        assert self.engine.executor.running == 0
        assert all(len(call.ends) == 1 and not call.told_after_its_end for call in self.calls)
        ends: dict[str, set[str]] = {}
        for call in self.calls:
            if call.request.type != "estop" and call.ends[0].stage != REJECTED:
                ends.setdefault(call.request.id, set()).add(call.ends[0].stage)
        assert all(len(stages) == 1 for stages in ends.values())
        assert not self.link.is_open or self.story.stands_still()


async def endure(taken: list[tuple[Any, ...]]) -> None:
    broken: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    async with telling(CONFIG) as story:
        ordeal = Ordeal(story)
        for step in taken:
            await ordeal.take(step)
        await story.engine.shut_down()
        await story.settle()
        ordeal.check_the_end()
    await asyncio.sleep(GRACE_S * 2)

    assert broken == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@given(st.lists(steps, min_size=5, max_size=50))
@settings(max_examples=cases(2_000, 20), deadline=None)
def test_whatever_happens_each_command_ends_once_and_nothing_moves_that_should_not(taken):
    virtual.run(endure(taken))
