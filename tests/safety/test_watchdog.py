"""What the tick and systemd's watchdog are told of the daemon's own work."""

from __future__ import annotations

import asyncio
from pathlib import Path

from robotd.journal.memory import MemoryStore
from robotd.runtime.robot import GRACE_S
from robotd.safety.watchdog import STUCK_S, Progress, Watch
from robotd.sim.simulation import Disk
from tests.daemon.story import Story, tell
from tests.daemon.test_handlers import robot_with


def test_a_robot_that_rests_says_that_all_of_it_is_idle() -> None:
    async def story(robot: Story) -> None:
        await robot.engine.journal.settle()

        assert robot.engine.progress.words() == ("-", "-", "-")

    tell(story)


def test_the_dispatcher_says_how_many_messages_it_took_while_others_wait() -> None:
    async def story(robot: Story) -> None:
        taken = robot.engine.queue.counters["taken"]
        robot.send("arm")
        waiting = robot.engine.progress.words().dispatcher
        await robot.settle()

        assert waiting == str(taken)
        assert robot.engine.progress.words().dispatcher == "-"

    tell(story)


def test_a_dispatcher_that_takes_nothing_from_its_queue_is_stuck() -> None:
    async def story(robot: Story) -> None:
        watch = Watch(robot.engine.progress)
        robot.engine.queue._take = lambda: None  # type: ignore[method-assign]  # a dispatcher that is dead
        robot.send("arm")

        assert watch.stuck(0.0) is None
        assert watch.stuck(STUCK_S) is None
        assert watch.stuck(STUCK_S + 0.02) == "dispatcher"
        del robot.engine.queue._take

    tell(story)


def test_a_journal_says_how_far_it_is_until_it_has_told_that_its_disk_is_slow() -> None:
    disk = Disk(MemoryStore(), 0.0)

    async def story(robot: Story) -> None:
        engine = robot.engine
        await engine.journal.settle()
        robot.disk.writer.delay_s = 10.0
        engine.journal.write("bug", {})
        durable = engine.journal.durable_seq
        waiting = engine.progress.words().journal
        await robot.until(lambda: engine.journal.trouble is not None, within_s=2.0)

        assert waiting == str(durable)
        assert engine.progress.words().journal == "-"

    tell(story, disk=disk)


def test_the_executor_is_busy_only_while_something_should_have_been_fenced_and_was_not(
    tmp_path: Path,
) -> None:
    handler = """
    try:
        await robot.sleep(60)
    except asyncio.CancelledError:
        await robot.sleep(9)
    """

    async def story(robot: Story) -> None:
        engine = robot.engine
        await robot.arm()
        await robot.do("work")
        await robot.do("leave")
        late = engine.clock() + GRACE_S + 0.001

        assert engine.progress.words().executor == "-"
        assert engine.executor._cancelled.overdue(late) == 1  # were the timer of its grace never to fire
        await asyncio.sleep(GRACE_S + 0.01)
        assert engine.executor.zombies == 1
        assert engine.progress.words().executor == "-"

    tell(story, robot_with(tmp_path, handler))


def test_what_moves_on_or_rests_is_never_stuck() -> None:
    count = 0
    watch = Watch(Progress(lambda: count, lambda: None, lambda: count // 5))
    found = []
    for tick in range(1000):
        count += 1
        found.append(watch.stuck(tick * 0.2))

    assert found == [None] * 1000


def test_each_part_has_a_time_of_its_own() -> None:
    journal: int | None = 7
    watch = Watch(Progress(lambda: None, lambda: 3, lambda: journal))
    assert watch.stuck(10.0) is None

    journal = None
    assert watch.stuck(11.0) is None
    journal = 7
    assert watch.stuck(11.6) == "executor"


def test_a_part_that_was_idle_in_between_is_counted_anew() -> None:
    count: int | None = 7
    watch = Watch(Progress(lambda: count, lambda: None, lambda: None))
    watch.stuck(0.0)
    count = None
    watch.stuck(1.0)
    count = 7

    assert watch.stuck(1.2) is None
    assert watch.stuck(2.4) is None
    assert watch.stuck(2.8) == "dispatcher"
