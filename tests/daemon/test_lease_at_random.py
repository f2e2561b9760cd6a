"""Two people and one robot, in a thousand orders: never two have the lease, and who moves it has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from random import Random
from typing import Any

import pytest

from hal import Actuator, Motor
from robotd.config import RobotConfig, load
from robotd.core.role import Role
from robotd.core.stage import Stage
from robotd.errors import Refused
from robotd.wire.hub import Update
from robotd.wire.service import SendRequest, Who
from tests import virtual
from tests.counts import cases
from tests.daemon.story import ROVER, Story, telling

CONFIG: RobotConfig = load(ROVER)
DEEDS = 25
WAITS_S = (0.0, 0.0, 0.0, 0.1, 0.1, 0.3, 0.6, 1.2)
"""Nothing at all is as in a burst; the long ones are a client that is frozen."""
LOOK_S, LATE_S = 0.05, 0.05
TELEOP_S, WINDOW_S = CONFIG.lease.teleop_window_s, CONFIG.lease.window_s


class Person:
    """Somebody with one connection at a time, who knows what they were told, and when."""

    def __init__(self, story: Story, name: str, role: Role, way: float) -> None:
        self.story = story
        self.name = name
        self.role = role
        self.way = way
        """Which way they drive, so that it can be seen who does: 1 forwards, -1 backwards."""
        self.times = 0
        self.due = 0.0
        """Until when they may move it without another word."""
        self.connect()

    def connect(self) -> None:
        self.times += 1
        self.who = Who(f"tcp:{self.name}:{self.times}", self.name, self.role)
        self.lease_id = ""
        self.window_s = TELEOP_S
        self.heard_at = -inf
        self.story.service.hub.enter(self.who.source, self)
        self.story.service.joined(self.who.source, self.name)

    @property
    def now(self) -> float:
        return self.story.service.now()

    @property
    def leads(self) -> bool:
        """Whether they have good reason to think that the robot is theirs."""
        return self.now < self.heard_at + self.window_s

    def update(self, update: Update) -> None:
        """Told that the lease is lost."""
        assert update.topic == "lease.lost"
        self.heard_at, self.due = -inf, self.now

    # -- what they do

    def acquire(self, chance: Random) -> None:
        window_s = chance.choice((None, 0.2, 0.5, 1.0))
        granted = self._ask(
            lambda: self.story.service.acquire(self.who, self.now, window_s, steal=chance.random() < 0.5)
        )
        if granted is not None:
            self.lease_id, self.window_s = granted["lease_id"], granted["window_ms"] / 1000
            self._heard(self.now)

    def renew(self, _: Random) -> None:
        if self._ask(lambda: self.story.service.renew(self.who, self.lease_id, self.now)) is not None:
            self._heard(self.now)

    def release(self, _: Random) -> None:
        if self._ask(lambda: self.story.service.release(self.who, self.lease_id)) is not None:
            self.heard_at = -inf

    def drive(self, chance: Random) -> None:
        """A setpoint; some are older than others, and some are good for long."""
        valid_for_s = chance.choice((None, None, 0.05, 5.0))
        linear = self.way * chance.uniform(0.05, 0.5)
        self._send("drive", {"linear": linear, "angular": 0.0}, TELEOP_S, valid_for_s, chance)

    def look(self, chance: Random) -> None:
        self._send("look", {"angle": chance.uniform(-1, 1)}, WINDOW_S, None, chance)

    def patrol(self, chance: Random) -> None:
        self._send("patrol", {}, WINDOW_S, None, chance)

    def arm(self, chance: Random) -> None:
        self._send(chance.choice(("arm", "arm", "disarm")), {}, 0.0, None, chance)

    def reconnect(self, _: Random) -> None:
        self.story.service.hub.leave(self.who.source)
        self.story.service.left(self.who.source, "connection lost", self.now)
        self.connect()

    def _send(
        self,
        kind: str,
        payload: Mapping[str, Any],
        window_s: float,
        valid_for_s: float | None,
        chance: Random,
    ) -> None:
        service, leads = self.story.service, self.leads
        at = max(0.0, self.now - chance.choice((0.0, 0.0, 0.0, 0.05, 0.3)))
        request = SendRequest(
            kind, payload, service.new_id(), service.new_trace_id(), at, self.name, role=self.role
        )
        request.valid_for_s = valid_for_s
        heard: list[Stage] = []
        service.send(request, self.who.source, heard.append)
        if window_s and heard[-1].reason != "no_lease" and self.story.engine.stop.latch is None:
            if not leads and valid_for_s is not None and at + valid_for_s <= self.now:
                return  # what came too late to run takes no lease, though it keeps one
            if not leads:
                self.window_s, self.heard_at = window_s, -inf
            self._heard(max(self.heard_at, at))

    def _heard(self, at: float) -> None:
        self.heard_at, self.due = at, at + self.window_s

    @staticmethod
    def _ask(question: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        with suppress(Refused):
            return question()
        return None


class Judge:
    """Looks at every value that a wheel is told, and at what both think."""

    def __init__(self, story: Story, people: list[Person]) -> None:
        self.story = story
        self.people = people
        self.duties: dict[str, float] = {}
        story.rig.tap_outputs(self.output)

    def output(self, device: Actuator, value: float) -> None:
        if isinstance(device, Motor):
            self.duties[device.name] = value
            if value:
                self.look_at_wheels()

    def look_at_wheels(self) -> None:
        target = self.story.reading("base.target_linear")
        if not any(self.duties.values()) or not target or self.story.state == "armed.auto":
            return
        holder = self.story.engine.leasing.lease.holder
        assert holder is not None, "it moves, and nobody has the lease"
        (driver,) = [person for person in self.people if person.way * target > 0]
        assert holder.principal == driver.name, "it moves, and another has the lease"
        assert driver.now <= driver.due + LATE_S, "it moves, and its operator was not heard for too long"

    def look(self) -> None:
        self.look_at_wheels()
        assert sum(person.leads for person in self.people) <= 1, "two have the lease"


async def live(story: Story, chance: Random) -> None:
    roles = chance.choice(((Role.OPERATOR, Role.OPERATOR), (Role.OPERATOR, Role.MAINTAINER)))
    people = [Person(story, "ann", roles[0], 1.0), Person(story, "bob", roles[1], -1.0)]
    judge = Judge(story, people)
    await story.do("arm")
    deeds = [Person.drive] * 6 + [Person.renew] * 4 + [Person.acquire] * 3
    deeds += [Person.release, Person.look, Person.patrol, Person.arm, Person.reconnect]
    for _ in range(DEEDS):
        chance.choice(deeds)(chance.choice(people), chance)
        judge.look()
        wait_s = chance.choice(WAITS_S)
        for _ in range(round(wait_s / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            judge.look()
    await asyncio.sleep(5.0)

    assert story.engine.leasing.lease.held is None


@pytest.mark.parametrize("seed", range(cases(1_000)))
def test_two_who_want_to_drive(seed: int):
    async def body() -> None:
        async with telling(CONFIG) as story:
            await live(story, Random(seed))

    virtual.run(body())
