"""A daemon that is killed again and again, its far end the judge: nothing moves; what stopped stays so."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hal import Twin, serve_pty
from hal.drivers.firmata.codec import Decoder
from robotd.client import connect
from tests.cli.conftest import rover_on_any_port
from tests.counts import CAMPAIGN, cases
from tests.daemon.test_real_path import DRIVE, make_twin

KILLS = cases(20)
SETUP_AT_LEAST = 20
"""Messages of a start: the pins, the reports, the stop values."""
STOPS = re.compile(r"Analog\(pin=\d+, value=0\)|SetPin\(pin=\d+, high=False\)")
"""Beside them, what a stop says: a duty of zero, an output that is low."""
PATIENCE_S = 15.0


class Judge:
    """The Arduino of the rover, which notes all that it is told."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._decoder = Decoder.of_requests()
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._twin, name)

    def receive(self, data: bytes, now: float) -> bytes:
        """As the twin."""
        self.heard += map(repr, self._decoder.feed(data))
        return self._twin.receive(data, now)

    def stands(self) -> bool:
        """Neither motor is driven."""
        world = self._twin.world()
        return world["left_duty"] == world["right_duty"] == 0

    async def has_heard(self, messages: int) -> None:
        """Wait until so many have come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < messages:  # noqa: ASYNC110  # another process writes them
                await asyncio.sleep(0.001)


@asynccontextmanager
async def started(file: Path, port: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A daemon that is killed at the end, and not before. Its journal is named from where it is started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "robotd", "run", file.name, "--port", f"arduino={port}"),
        *("--journal", "journal"),
        cwd=file.parent,
        env=os.environ | {"XDG_RUNTIME_DIR": str(file.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        assert process.returncode is None, "it ended by itself"
        process.kill()
        assert await process.wait() == -signal.SIGKILL


async def tcp(process: asyncio.subprocess.Process) -> str:
    """Where it listens, once it is ready."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return f"tcp://{(await process.stdout.readline()).decode().split()[3]}"


@pytest.mark.parametrize("guard", ["on", "off"] if CAMPAIGN else ["on"])
async def test_a_crash_loop_moves_nothing_and_what_a_guard_stopped_stays_stopped(
    tmp_path: Path, guard: str
) -> None:
    file, port, rng = rover_on_any_port(tmp_path), tmp_path / "arduino", random.Random(guard)
    file.write_text(f"{file.read_text()}\nguard: {guard}\n")
    judge: Any = Judge(make_twin(file))
    async with asyncio.timeout(30 + 5 * KILLS), serve_pty(judge, port):
        async with started(file, port) as daemon, connect(await tcp(daemon)) as client:
            harmless = set(judge.heard)
            if guard == "on":
                await client.send("arm", wait="done")
                await client.send("drive", DRIVE, valid_for_s=30.0)
                await judge.has_heard(len(judge.heard) + 2)
                assert not judge.stands()
        for kill in range(KILLS):
            judge.heard.clear()
            async with started(file, port) as daemon:
                if kill:
                    await judge.has_heard(rng.randrange(SETUP_AT_LEAST))
                else:
                    async with connect(await tcp(daemon)) as client:
                        status = await client.status()
                    assert (status["latch"] is not None) is (guard == "on")
                    assert status["state"] == ("estopped" if guard == "on" else "disarmed")
                    assert status["devices"]["base"]["state"] == "inactive"
            assert [word for word in judge.heard if word not in harmless and not STOPS.fullmatch(word)] == []
            assert judge.stands()
