"""pyfirmata2, somebody else's Firmata client, takes our twin for an Arduino.

The client is blocking and has threads of its own, so it runs in a process of its own: it closes its port when
its garbage is collected, and nothing of it may leak into this one. The twin is served on a pseudo-terminal.
"""

import asyncio
import contextlib
import math
import sys
from collections.abc import Callable

import pytest

from hal import serve_pty
from tests.hal.rover import simulated_rover

# The client waits five seconds for a real bootloader; ours is done in 50 ms.
CLIENT = """
import sys, warnings
import pyfirmata2
from pyfirmata2 import pyfirmata2 as implementation

implementation.BOARD_SETUP_WAIT_TIME = 0.3

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")  # in one piece: two threads speak
    sys.stdout.flush()

board = pyfirmata2.Arduino(sys.argv[1])
say("firmware", board.get_firmata_version(), board.firmware)

battery = board.get_pin("a:1:i")
battery.register_callback(lambda value: say("battery", value))
bumper = board.get_pin("d:2:u")
bumper.register_callback(lambda level: say("bumper", level))
board.samplingOn(20)
mast = board.get_pin("d:9:s")
mast.write(135)
wheel, direction = board.get_pin("d:5:p"), board.get_pin("d:4:o")
direction.write(1)
wheel.write(1.0)
say("commanded")
sys.stdin.readline()
wheel.write(0.0)
board.exit()
say("done")
"""


class Client:
    """The client's process, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._said = process.stdout
        self._told = process.stdin

    async def says(self, *start: str) -> str:
        """The next line that starts with one of these; what comes before is passed over."""
        while line := (await self._said.readline()).decode():
            if line.startswith(start):
                return line.strip()
        raise AssertionError(f"the client ended without a word of {start}")

    def go_on(self) -> None:
        self._told.write(b"\n")


@contextlib.asynccontextmanager
async def client_on(port: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, port, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.PIPE
    )
    try:
        yield Client(process)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a twin is a model: nobody is told when a quantity changes
        await asyncio.sleep(0.005)


async def test_pyfirmata2_reads_the_battery_turns_the_mast_and_a_wheel_and_feels_the_bumper() -> None:
    twin = simulated_rover().twins["arduino"]
    twin.set_world("battery", 11.0)
    async with asyncio.timeout(30), serve_pty(twin) as port, client_on(port) as client:
        assert await client.says("firmware") == "firmware (2, 5) StandardFirmata.ino"
        await client.says("commanded")
        assert float((await client.says("battery")).split()[1]) == pytest.approx(
            11.0 / 0.0157 / 1023, abs=1e-3
        )
        await until(lambda: twin.world()["left_speed"] == -0.8 and twin.world()["mast"] == math.pi / 4)

        twin.set_world("bumper", True)
        assert await client.says("bumper False") == "bumper False"

        client.go_on()
        await client.says("done")
        assert twin.world()["left_duty"] == 0.0
