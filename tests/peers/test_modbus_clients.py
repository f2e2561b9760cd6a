"""pymodbus' own client and Debian's mbpoll take our twin for the units of a line.

Both are blocking, so each runs in a process of its own. The twin is served on a pseudo-terminal.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from hal import Rig, Twin, serve_pty, serve_tcp
from tests.hal.drivers.modbus import cell

PYMODBUS = """
import struct, sys
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

where = sys.argv[1].removeprefix("tcp://")
if where == sys.argv[1]:
    client = ModbusSerialClient(where, baudrate=19200, parity="N", timeout=1)
else:
    client = ModbusTcpClient(where.partition(":")[0], port=int(where.partition(":")[2]), timeout=1)
assert client.connect()

print("control", client.write_registers(0, [1, 300], device_id=1).isError())
print("inputs", client.read_discrete_inputs(0, count=16, device_id=2).bits[:4])
print("coil", client.write_coil(0, True, device_id=2).isError())
print("coils", client.read_coils(0, count=2, device_id=2).bits[:2])
print("coils", client.write_coils(0, [False, True], device_id=2).isError())
print("coils", client.read_coils(0, count=2, device_id=2).bits[:2])
words = client.read_input_registers(0, count=2, device_id=3).registers
print("mass", round(struct.unpack(">f", struct.pack(">HH", *words))[0], 3))
print("registers", client.read_holding_registers(0, count=2, device_id=1).registers)
print("refused", client.read_holding_registers(100, count=2, device_id=1).exception_code)
print("watchdog", client.write_register(8, 7, device_id=1).isError())
print("who", client.read_device_information(device_id=1).information[1].decode())
client.close()
"""


def line(framing: str = "rtu") -> Rig:
    board = cell.LINE | {"deadman": "60 s", "framing": framing}
    return Rig.of({"line": board}, cell.DEVICES, simulated=["line"])


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    return said.decode()


@pytest.mark.parametrize(("framing", "serve"), [("rtu", serve_pty), ("tcp", serve_tcp)])
async def test_pymodbus_reads_and_writes_the_units_of_our_line(
    framing: str, serve: Callable[[Twin], AbstractAsyncContextManager[str]]
) -> None:
    twin = line(framing).twins["line"]
    twin.set_world("scale", 12.345)
    twin.set_world("jam", True)
    async with serve(twin) as port:
        said = await run(sys.executable, "-c", PYMODBUS, port)

    assert said.splitlines() == [
        "control False",
        "inputs [True, True, False, False]",
        "coil False",
        "coils [True, False]",
        "coils False",
        "coils [False, True]",
        "mass 12.345",
        "registers [1, 300]",
        "refused 2",
        "watchdog False",
        "who drive",
    ]
    world = twin.world()
    assert (world["conveyor_goal"], world["diverter"], world["beacon"]) == (0.3, False, True)


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed (apt install mbpoll)")
async def test_mbpoll_reads_and_writes_the_units_of_our_line() -> None:
    twin = line().twins["line"]
    twin.set_world("scale", 1.5)
    async with serve_pty(twin) as port:
        options = ("-m", "rtu", "-b", "19200", "-P", "none", "-0", "-1", "-q", "-o", "1")
        mass = await run("mbpoll", *options, "-a", "3", "-t", "3:float", "-B", "-r", "0", port)
        inputs = await run("mbpoll", *options, "-a", "2", "-t", "1", "-r", "0", "-c", "4", port)
        written = await run("mbpoll", *options, "-a", "1", "-t", "4", "-r", "0", port, "1", "250")
        told = await run("mbpoll", *options, "-a", "1", "-t", "4", "-r", "0", "-c", "2", port)
        refused = await run("mbpoll", *options, "-a", "1", "-t", "4", "-r", "200", port)

    assert "[0]: \t1.5" in mass
    assert "[0]: \t1\n[1]: \t0" in inputs
    assert "Written 2 references" in written
    assert "[0]: \t1\n[1]: \t250" in told
    assert "Illegal data address" in refused
    assert twin.world()["conveyor_goal"] == 0.25
