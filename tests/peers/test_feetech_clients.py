"""The vendor's client and an independent one take our twin for a bus of Feetech's servos.

Both block, so each runs in a process of its own; the twin is served on a pseudo-terminal. Each client goes
through one story and writes down what it was told; what it did is seen in the twin.
"""

import pytest

from hal.drivers.feetech.models import SCS0009, STS3215
from hal.drivers.feetech.twin import FeetechTwin
from tests.hal.drivers.feetech.servos import joint
from tests.peers.clients import MOVES_TWO, told

VENDOR = """
import json, sys, time
from scservo_sdk import port_handler
from scservo_sdk import COMM_SUCCESS, GroupSyncRead, GroupSyncWrite, PacketHandler, PortHandler

port_handler.LATENCY_TIMER = 200  # ms: a busy machine is no silent servo

port, sts, scs = PortHandler(sys.argv[1]), PacketHandler(0), PacketHandler(0)
assert port.openPort() and port.setBaudRate(1_000_000)
seen = {"pings": [sts.ping(port, servo)[:2] for servo in (1, 2, 9)]}
for servo in (1, 2):
    assert sts.write1ByteTxRx(port, servo, 40, 1) == (COMM_SUCCESS, 0)
assert sts.write2ByteTxRx(port, 1, 42, 2148) == (COMM_SUCCESS, 0)
goals = GroupSyncWrite(port, sts, 42, 2)
goals.addParam(2, [1900 & 0xFF, 1900 >> 8])
assert goals.txPacket() == COMM_SUCCESS
time.sleep(0.5)
assert sts.regWriteTxRx(port, 1, 42, 2, [2200 & 0xFF, 2200 >> 8]) == (COMM_SUCCESS, 0)
seen["before_action"] = sts.read2ByteTxRx(port, 1, 56)
sts.action(port, 0xFE)
time.sleep(0.5)
present = GroupSyncRead(port, sts, 56, 8)
present.addParam(1)
present.addParam(2)
assert present.txRxPacket() == COMM_SUCCESS
seen["positions"] = [present.getData(servo, 56, 2) for servo in (1, 2)]
seen["volts"] = [present.getData(servo, 62, 1) for servo in (1, 2)]
seen["degrees"] = sts.read1ByteTxRx(port, 2, 63)
port.closePort()
big = PacketHandler(1)
port.openPort()
seen["scs"] = [big.ping(port, 7)[0], big.read2ByteTxRx(port, 7, 56)]
port.closePort()
print(json.dumps(seen))
"""

INDEPENDENT = f"""
import json, sys, time
from rustypot import Scs0009PyController, Sts3215PyController

servos = Sts3215PyController(sys.argv[1], 1_000_000, 0.2)
{MOVES_TWO}
servos.write_goal_speed(1, 1.0)
servos.write_goal_position(1, -1.0)
time.sleep(0.5)
seen["speed"] = servos.read_present_speed(1)
seen["volts"] = servos.read_present_voltage(1)
seen["degrees"] = servos.sync_read_present_temperature([1, 2])
seen["amperes"] = servos.read_present_current(2)
servos.close()
hand = Scs0009PyController(sys.argv[1], 1_000_000, 0.2)
seen["hand"] = hand.read_present_position(7)
hand.close()
print(json.dumps(seen))
"""


def bus() -> FeetechTwin:
    return FeetechTwin({"shoulder": joint(1), "elbow": joint(2), "hand": joint(7, SCS0009, angle_rad=0.5)})


async def test_the_vendors_client_pings_reads_writes_and_moves_several_at_once() -> None:
    twin = bus()
    seen = await told(VENDOR, twin)

    assert seen["pings"] == [[777, 0], [777, 0], [0, -6]]
    assert seen["before_action"] == [2148, 0, 0]
    assert seen["positions"] == [2200, 1900]
    assert seen["volts"] == [74, 74]
    assert seen["degrees"] == [25, 0, 0]
    assert seen["scs"] == [1284, [512 + round(0.5 / SCS0009.step_rad), 0, 0]]
    assert twin.world()["elbow"] == (1900 - 2048) * STS3215.step_rad


async def test_an_independent_client_pings_reads_writes_and_moves_several_at_once() -> None:
    twin = bus()
    seen = await told(INDEPENDENT, twin)

    assert seen["pings"] == [True, True]
    assert seen["found"] == {"1": 777, "2": 777}
    assert seen["positions"] == pytest.approx([0.5, -0.25], abs=STS3215.step_rad)
    assert seen["position"] == pytest.approx([0.5], abs=STS3215.step_rad)
    assert seen["goals"] == pytest.approx(
        [2048 + 0.5 / STS3215.step_rad, 2048 - 0.25 / STS3215.step_rad], abs=1
    )
    assert seen["speed"] == pytest.approx([-1.0], abs=0.01)
    assert seen["volts"] == [74]
    assert seen["degrees"] == [25, 25]
    assert seen["hand"] == pytest.approx([0.5], abs=2 * SCS0009.step_rad)
