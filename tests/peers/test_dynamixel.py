"""The vendor's client and an independent one take our twin for a bus of Dynamixel servos.

Both block, so each runs in a process of its own; the twin is served on a pseudo-terminal. Each client goes
through one story and writes down what it was told; what it did is seen in the twin.
"""

import math

import pytest

from hal.drivers.dynamixel.models import MODELS, STEP_RAD
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.dynamixel.twin import DynamixelTwin
from hal.drivers.servo_twin import TwinJoint
from tests.peers.clients import MOVES_TWO, told

VENDOR = """
import json, sys, time
from dynamixel_sdk import port_handler
from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, GroupSyncWrite, PacketHandler, PortHandler

port_handler.LATENCY_TIMER = 200  # ms: a busy machine is no silent servo

port, servos = PortHandler(sys.argv[1]), PacketHandler(2.0)
assert port.openPort() and port.setBaudRate(1_000_000)
seen = {"pings": [servos.ping(port, servo) for servo in (1, 2, 9)]}
seen["all"] = servos.broadcastPing(port)
seen["refused"] = servos.write4ByteTxRx(port, 1, 116, 5000)
for servo in (1, 2):
    assert servos.write1ByteTxRx(port, servo, 64, 1) == (COMM_SUCCESS, 0)
seen["locked"] = servos.write1ByteTxRx(port, 1, 9, 0)
assert servos.write4ByteTxRx(port, 1, 116, 2148) == (COMM_SUCCESS, 0)
goals = GroupSyncWrite(port, servos, 116, 4)
goals.addParam(2, (1900).to_bytes(4, "little"))
assert goals.txPacket() == COMM_SUCCESS
time.sleep(0.6)
present = GroupSyncRead(port, servos, 128, 8)
present.addParam(1)
present.addParam(2)
assert present.txRxPacket() == COMM_SUCCESS
seen["positions"] = [present.getData(servo, 132, 4) for servo in (1, 2)]
seen["volts"] = servos.read2ByteTxRx(port, 1, 144)
assert servos.reboot(port, 2)[0] == COMM_SUCCESS
seen["torque"] = [servos.read1ByteTxRx(port, servo, 64)[0] for servo in (1, 2)]
port.closePort()
print(json.dumps(seen))
"""

INDEPENDENT = f"""
import json, sys, time
from rustypot import Xl330PyController

servos = Xl330PyController(sys.argv[1], 1_000_000, 0.2)
{MOVES_TWO}
seen["volts"] = servos.read_present_input_voltage(1)
seen["degrees"] = servos.sync_read_present_temperature([1, 2])
servos.close()
print(json.dumps(seen))
"""


def bus() -> DynamixelTwin:
    joints = {
        "shoulder": SimulatedServo(MODELS["XL330-M288"], 1),
        "elbow": SimulatedServo(MODELS["XL330-M288"], 2),
    }
    return DynamixelTwin({name: TwinJoint(servo, float, float) for name, servo in joints.items()})


async def test_the_vendors_client_pings_reads_writes_and_moves_several_at_once() -> None:
    twin = bus()
    seen = await told(VENDOR, twin)

    assert seen["pings"] == [[1200, 0, 0], [1200, 0, 0], [0, -3001, 0]]
    assert seen["all"] == [{"1": [1200, 52], "2": [1200, 52]}, 0]
    assert seen["refused"] == [0, 6]
    assert seen["locked"] == [0, 7]
    assert seen["positions"] == [2148, 1900]
    assert seen["volts"] == [50, 0, 0]
    assert seen["torque"] == [1, 0]
    assert twin.world()["shoulder"] == pytest.approx(100 * STEP_RAD)


async def test_an_independent_client_pings_reads_writes_and_moves_several_at_once() -> None:
    twin = bus()
    seen = await told(INDEPENDENT, twin)

    assert seen["pings"] == [True, True]
    assert seen["found"] == {"1": 1200, "2": 1200}
    assert seen["positions"] == pytest.approx([0.5, -0.25], abs=STEP_RAD)
    assert seen["position"] == pytest.approx([0.5], abs=STEP_RAD)
    assert seen["goals"] == pytest.approx([2048 + 0.5 / STEP_RAD, 2048 - 0.25 / STEP_RAD], abs=1)
    assert seen["volts"] == [50]
    assert seen["degrees"] == [25, 25]
    assert math.isclose(float(twin.world()["elbow"]), -0.25, abs_tol=STEP_RAD)
