"""gpsd and the reader of pynmeagps, two programs that nobody here wrote, take our twin for a receiver.

The twin is served on a pseudo-terminal. gpsd is Debian's, in a process of its own, in the foreground, on a
port of its own of this host alone.
"""

import asyncio
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pynmeagps import NMEAReader  # type: ignore[import-untyped]  # it has no types

from hal import FaultyTwin, Rig, serve_pty

GPSD = shutil.which("gpsd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
WITHIN_S = 20
WATCH = b'?WATCH={"enable":true,"json":true};\n'


def receiver(rate: str) -> FaultyTwin:
    boards = {"gps": {"driver": "nmea", "port": "/dev/gps", "rate": rate}}
    rig = Rig.of(boards, {"position": {"kind": "gnss", "board": "gps"}}, simulated=["gps"])
    return rig.twins["gps"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def gpsd_on(device: Path) -> AsyncIterator[int]:
    """gpsd that reads `device`; the port on which it answers."""
    assert GPSD is not None
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(GPSD, "-N", "-n", "-b", "-S", str(port), str(device)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To gpsd, as soon as it listens."""
    while True:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)


async def position_from(port: int, mode: int, *fields: str) -> dict[str, Any]:
    """The next report of gpsd that has these fields, with this mode: 1 is no fix, 3 one with an altitude."""
    reader, writer = await connected(port)
    try:
        writer.write(WATCH)
        while line := await reader.readline():
            report: dict[str, Any] = json.loads(line)
            if report["class"] == "TPV" and report["mode"] == mode and set(fields) <= set(report):
                return report
    finally:
        writer.close()
    raise AssertionError("gpsd has ended")


@pytest.mark.skipif(GPSD is None, reason="needs gpsd: apt install gpsd")
async def test_gpsd_finds_the_position_and_hears_that_it_is_lost(tmp_path: Path) -> None:
    twin, device = receiver("5 Hz"), tmp_path / "gps"
    async with asyncio.timeout(WITHIN_S), serve_pty(twin, device), gpsd_on(device) as port:
        found = await position_from(port, 3, "speed", "altMSL")
        world = twin.world()

        assert found["lat"] == pytest.approx(math.degrees(world["latitude"]), abs=1e-6)
        assert found["lon"] == pytest.approx(math.degrees(world["longitude"]), abs=1e-6)
        assert found["altMSL"] == pytest.approx(world["altitude"], abs=0.1)
        assert found["speed"] == pytest.approx(0.0, abs=0.01)
        assert found["time"].startswith("2026-01-01T00:00:")

        twin.set_world("fix", False)
        assert (await position_from(port, 1))["device"] == str(device)


async def test_the_reader_of_pynmeagps_takes_every_sentence() -> None:
    twin = receiver("10 Hz")
    async with asyncio.timeout(WITHIN_S), serve_pty(twin) as port:
        said = await asyncio.to_thread(read_for_sentences, port, 40)

    assert {message.identity for message in said} == {"GPGGA", "GPGSA", "GPRMC", "GPVTG"}
    (place,) = {(message.lat, message.lon) for message in said if message.identity == "GPRMC"}
    assert place == pytest.approx((48.137, 11.575), abs=1e-6)
    assert {message.numSV for message in said if message.identity == "GPGGA"} == {9}


def read_for_sentences(port: str, count: int) -> list[Any]:
    """The next messages that the library reads from the port by itself; it raises for what is none."""
    with open(port, "rb", buffering=0) as stream:
        stream.readline()  # the end of a sentence
        reader = NMEAReader(stream, nmeaonly=True, quitonerror=2)
        return [message for _, message in (reader.read() for _ in range(count))]
