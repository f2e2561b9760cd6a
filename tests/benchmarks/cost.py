"""Where a command's microseconds go: each step of the line, with the objects that the daemon really uses."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from hal import Rig
from robotd import log
from robotd.config import load
from robotd.core.decision import Decision
from robotd.core.message import Command, Lane
from robotd.core.queue import MessageQueue
from robotd.core.stage import DONE, Stage
from robotd.daemon.engine import Engine
from robotd.daemon.ids import Ids
from robotd.daemon.service import RobotService
from robotd.runtime.ledger import Ledger
from robotd.wire.params import read_send
from robotd.wire.protocol import Call, parse
from tests.benchmarks.figures import Report, median

ROBOT = Path(__file__).parent / "throughput.yaml"
TIMES = 4_000
ROUNDS = 7
NOTE = b'{"type":"note"}'
DRIVE = b'{"type":"drive","payload":{"linear":0.2,"angular":0.0}}'


def _us(step: Callable[[], object]) -> float:
    """The median cost of one call, over rounds of many."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(TIMES):
            step()
        took.append((time.perf_counter() - began) / TIMES * 1e6)
    return median(took)


def _nobody(stage: Stage) -> None:
    """A client that listens to every stage and does nothing with it."""


@asynccontextmanager
async def _engine() -> AsyncIterator[Engine]:
    """The robot, armed, with nobody connected."""
    rng = random.Random(1)
    config = load(ROBOT)
    rig = Rig.build(config.boards, config.devices, simulated=set(config.boards), rng=rng)
    clock = asyncio.get_running_loop().time
    engine = Engine(config, rig, clock, Ids(rng), log.get("bench"))
    async with asyncio.TaskGroup() as tasks:
        boards = tasks.create_task(rig.run())
        await rig.online()
        engine.start()
        engine.dispatcher.dispatch(_command(engine, "arm"))
        yield engine
        await engine.shut_down()
        boards.cancel()


def _command(engine: Engine, name: str) -> Command:
    payload = {"linear": 0.2, "angular": 0.0} if name == "drive" else {}
    return Command(
        type=name,
        id=engine.ids.new_id(),
        trace_id=engine.ids.new_trace_id(),
        at=engine.clock(),
        source="bench",
        lane=Lane.COMMAND,
        payload=payload,
    )


def _call(message: bytes, engine: Engine) -> Call:
    call = parse(message, engine.config.limits)
    if not isinstance(call, Call):
        raise TypeError("one call was expected")
    return call


def _steps(engine: Engine) -> list[tuple[str, float, float]]:
    """Each step of the line, for a transition without an action and for a drive."""
    service = RobotService(engine, frozenset(engine.rig.boards))
    notes, drives = _costs(service, engine, NOTE, "note"), _costs(service, engine, DRIVE, "drive")
    return [(step, cost, drives[step]) for step, cost in notes.items()]


def _costs(service: RobotService, engine: Engine, message: bytes, name: str) -> dict[str, float]:
    call = _call(message, engine)
    read = partial(read_send, call.params, engine.clock(), service.new_id, service.new_trace_id)
    command = _command(engine, name)
    decision = engine.machine.decide(command, engine.table)
    return {
        "JSON to a call": _us(partial(_call, message, engine)),
        "a call to a request": _us(read),
        "a request to a command": _us(partial(service.bind, read()[0], "bench")),
        "the ledger, from received to done": _us(partial(_ledger, engine, command)),
        "into the queue and out": _queue_us(command),
        "decide": _us(partial(engine.machine.decide, command, engine.table)),
        "apply (for a drive: to the twin's wire)": _us(partial(engine.executor.apply, decision)),
        "the answer to JSON": _us(lambda: call.tell(_stage(engine))),
        "a line of log": _log_us(decision),
    }


def _ledger(engine: Engine, command: Command) -> None:
    ledger = Ledger(engine.clock, engine.state, engine.record)
    ledger.open(command, None, _nobody, early=False)
    ledger.accept(command)
    ledger.settle(command.id, DONE)


def _stage(engine: Engine) -> Stage:
    return Stage("0123456789ab-1", DONE, engine.clock(), engine.state(), "0" * 31 + "1")


def _queue_us(command: Command) -> float:
    queue = MessageQueue()
    reader = queue.__aiter__()

    def through() -> None:
        queue.offer(command)
        try:
            # A queue that is not empty hands out without waiting, but for the turn it owes the loop.
            reader.__anext__().send(None)
        except StopIteration:
            return
        queue.drain()

    return _us(through)


def _log_us(decision: Decision) -> float:
    lines = log.DecisionLog(log.get("bench"))

    def one() -> None:
        lines.observe(decision)

    cost = _us(one)
    lines.flush()
    return cost


def cost(report: Report) -> None:
    """The table, and what the steps add up to."""
    report.title("where a command's microseconds go (medians)")
    with Path("/dev/null").open("w") as nowhere:
        log.configure("info", nowhere, pretty=False)

        async def measured() -> list[tuple[str, float, float]]:
            async with _engine() as engine:
                return _steps(engine)

        rows = asyncio.run(measured())
    total = ("together", sum(row[1] for row in rows), sum(row[2] for row in rows))
    report.table(
        ("", "a transition", "a drive"),
        [(step, f"{note:.2f}", f"{drive:.2f}") for step, note, drive in [*rows, total]],
    )
