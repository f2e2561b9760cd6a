"""Our driver runs units that nobody here wrote: servers of pymodbus, and one of libmodbus.

Each runs in a process of its own: on a pseudo-terminal, with a wire to ours in between, or on a TCP port.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes.util
import os
import pty
import sys
import tty
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from hal import Belt, Halted, Relay, Rig, Weigher
from tests.hal.drivers.modbus import cell

# A drive that is at its speed at once, a module whose first input is on, a scale with 12.5 kg on it.
UNITS = """
import asyncio, sys
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer, StartAsyncSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

def registers(*values):
    return [SimData(0, values=list(values), datatype=DataType.REGISTERS)]

def bits(*values):
    return [SimData(0, values=list(values), datatype=DataType.BITS)]

async def drive(function, start, address, count, current, values):
    if function == 3:
        current[3] = current[1] if current[0] == 1 else 0

off = [False] * 16
units = [
    SimDevice(1, (bits(*off), bits(*off), registers(*[0] * 16), registers(0)), action=drive),
    SimDevice(2, (bits(*off), bits(True, *off[1:]), registers(0), registers(0))),
    SimDevice(3, (bits(*off), bits(*off), registers(0), registers(0x4148, 0))),
]
"""
PYMODBUS = f"""{UNITS}
print("ready", flush=True)
asyncio.run(StartAsyncSerialServer(units, port=sys.argv[1], framer=FramerType.RTU, baudrate=19200))
"""
PYMODBUS_TCP = f"""{UNITS}
async def serve():
    server = ModbusTcpServer(units, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await server.serving

asyncio.run(serve())
"""
LIBMODBUS = """
import ctypes, sys

class Tables(ctypes.Structure):
    _fields_ = [(f"n{number}", ctypes.c_int) for number in range(8)] + [
        ("bits", ctypes.POINTER(ctypes.c_uint8)),
        ("inputs", ctypes.POINTER(ctypes.c_uint8)),
        ("input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("registers", ctypes.POINTER(ctypes.c_uint16)),
    ]

library = ctypes.CDLL("libmodbus.so.5")
library.modbus_new_rtu.restype = ctypes.c_void_p
library.modbus_mapping_new.restype = ctypes.POINTER(Tables)
line = ctypes.c_void_p(library.modbus_new_rtu(sys.argv[1].encode(), 19200, ctypes.c_char(b"N"), 8, 1))
library.modbus_set_slave(line, 1)
assert library.modbus_connect(line) == 0
tables = library.modbus_mapping_new(16, 16, 16, 16)
tables.contents.inputs[0] = 1
tables.contents.input_registers[0] = 0x4148
query = (ctypes.c_uint8 * 260)()
print("ready", flush=True)
while True:
    size = library.modbus_receive(line, query)
    registers = tables.contents.registers
    registers[3] = registers[1] if registers[0] == 1 else 0
    if size > 0:
        library.modbus_reply(line, query, size, tables)
"""


@contextlib.asynccontextmanager
async def wire() -> AsyncIterator[tuple[str, str]]:
    """Two pseudo-terminals, each of which hears what is written to the other."""
    loop, masters, names = asyncio.get_running_loop(), [], []
    for _ in range(2):
        master, slave = pty.openpty()
        tty.setraw(slave)
        masters.append((master, slave))
        names.append(os.ttyname(slave))
    (near, _), (far, _) = masters
    loop.add_reader(near, lambda: os.write(far, os.read(near, 4096)))
    loop.add_reader(far, lambda: os.write(near, os.read(far, 4096)))
    try:
        yield names[0], names[1]
    finally:
        for master, slave in masters:
            loop.remove_reader(master)
            os.close(slave)
            os.close(master)


@contextlib.asynccontextmanager
async def served(script: str, *words: str) -> AsyncIterator[str]:
    """The script in a process of its own, from its first word on, which it yields."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        word = (await process.stdout.readline()).decode().strip()
        assert word
        yield word
    finally:
        process.kill()
        await process.wait()


def _reads(belt: Belt, speed_m_s: float) -> bool:
    speed = belt.reading("speed")
    return speed is not None and speed.value == speed_m_s


async def run_a_belt_on_a_wire(script: str, devices: Mapping[str, Mapping[str, Any]]) -> None:
    async with wire() as (near, far), served(script, far):
        await run_a_belt({"port": near, "parity": "none"}, devices)


async def run_a_belt(line: Mapping[str, Any], devices: Mapping[str, Mapping[str, Any]]) -> None:
    """Bring it online, run the belt, switch a relay, read the scale, and prove a stop."""
    async with asyncio.timeout(20), Rig.of({"line": {**cell.LINE, **line}}, devices) as rig:
        await rig.online()
        belt, relay, scale = (rig.devices[name] for name in ("conveyor", "diverter", "scale"))
        assert isinstance(belt, Belt)
        assert isinstance(relay, Relay)
        assert isinstance(scale, Weigher)
        belt.activate()
        relay.activate()
        at_speed = asyncio.Event()
        belt.listeners.append(lambda *_: at_speed.set() if _reads(belt, 0.3) else None)
        running = asyncio.create_task(belt.run(0.3))
        relay.write(True)
        await at_speed.wait()
        await asyncio.sleep(0.7)  # the watchdog is fed meanwhile
        mass, curtain = scale.reading(), rig.devices["curtain"].reading()
        rig.halt()
        evidence = await rig.confirm_stop()
        with pytest.raises(Halted):
            await running

    assert mass is not None
    assert mass.value == 12.5
    assert curtain is not None
    assert curtain.value is False
    assert {name: (proof.confirmed, proof.value) for name, proof in evidence.items()} == {
        "conveyor": (True, 0.0),
        "diverter": (True, 1.0),
        "beacon": (True, 0.0),
    }


async def test_our_driver_runs_the_units_of_a_server_of_pymodbus() -> None:
    await run_a_belt_on_a_wire(PYMODBUS, cell.DEVICES)


async def test_our_driver_runs_the_units_of_a_server_of_pymodbus_behind_a_tcp_port() -> None:
    async with served(PYMODBUS_TCP) as port:
        await run_a_belt({"port": f"tcp://127.0.0.1:{port}"}, cell.DEVICES)


@pytest.mark.skipif(
    ctypes.util.find_library("modbus") is None, reason="libmodbus is not installed (apt install libmodbus5)"
)
async def test_our_driver_runs_the_unit_of_a_server_of_libmodbus() -> None:
    await run_a_belt_on_a_wire(
        LIBMODBUS, {name: device | {"unit": 1} for name, device in cell.DEVICES.items()}
    )
