"""`robotd scan` of servos at the far end of a serial line, two of which have one id."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from subprocess import PIPE, Popen
from threading import Event, Thread
from typing import Any

import pytest

from hal import Twin, serve_pty
from hal.drivers.dynamixel.models import MODELS
from hal.drivers.dynamixel.servo import SimulatedServo as DynamixelServo
from hal.drivers.dynamixel.twin import DynamixelTwin
from hal.drivers.feetech.models import SCS0009, STS3215
from hal.drivers.feetech.servo import SimulatedServo as FeetechServo
from hal.drivers.feetech.twin import FeetechTwin

XL330, XM430 = MODELS["XL330-M288"], MODELS["XM430-W350"]
BUSES: dict[str, Twin] = {
    "dynamixel": DynamixelTwin(
        {}, [DynamixelServo(XM430, 1), DynamixelServo(XL330, 4), DynamixelServo(XL330, 4, angle_rad=1)]
    ),
    "feetech": FeetechTwin(
        {}, [FeetechServo(STS3215, 1), FeetechServo(SCS0009, 6), FeetechServo(STS3215, 6, angle_rad=1)]
    ),
}
SEVERAL = "several servos have this id, and their answers destroy each other"


@pytest.fixture(scope="module")
def scans() -> Iterator[dict[str, Popen[str]]]:
    """A scan of each bus, side by side: they wait for ids that do not answer."""
    ports = dict[str, str]()
    ready = Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for name, twin in BUSES.items():
                ports[name] = await stack.enter_async_context(serve_pty(twin))
            ready.set()
            await over.wait()

    loop, over = asyncio.new_event_loop(), asyncio.Event()
    serving = Thread(target=loop.run_until_complete, args=[serve()])
    serving.start()
    ready.wait()
    try:
        yield {
            name: Popen(
                [sys.executable, "-m", "robotd", "scan", name, port, "--json"],
                stdout=PIPE,
                stderr=PIPE,
                text=True,
            )
            for name, port in ports.items()
        }
    finally:
        loop.call_soon_threadsafe(over.set)
        serving.join()
        loop.close()


@pytest.mark.parametrize(
    ("driver", "model", "baud", "clash"),
    [("dynamixel", "XM430-W350", 57_600, "id 4"), ("feetech", "STS3215", 1_000_000, "id 6")],
)
def test_each_servo_is_told_and_two_with_one_id_are_named_as_such(
    driver: str, model: str, baud: int, clash: str, scans: dict[str, Popen[str]]
) -> None:
    with scans[driver] as scan:
        said, complaint = scan.communicate()

    assert scan.returncode == 0, complaint
    answer: dict[str, Any] = json.loads(said)
    alone, several = answer["found"]
    assert (alone["address"], alone["model"], alone["baud"], alone["trouble"]) == ("id 1", model, baud, None)
    assert alone["details"].keys() >= {"firmware", "voltage", "temperature", "position"}
    assert several["address"] == clash
    assert several["trouble"].startswith(SEVERAL)
    assert "joint_1: {kind: joint, board: " in answer["lines"]
    assert clash.replace("id ", "joint_") not in answer["lines"]
