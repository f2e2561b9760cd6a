"""Other people's clients of a servo bus, each in a process of its own; our twin on a pseudo-terminal."""

import asyncio
import json
import sys
from typing import Any

from hal import Twin, serve_pty

LONGEST_S = 30.0
MOVES_TWO = """seen = {"pings": [servos.ping(servo) for servo in (1, 2)]}
seen["found"] = servos.scan([1, 2, 3])
servos.write_torque_enable(1, True)
servos.sync_write_torque_enable([2], [True])
servos.write_goal_position(1, 0.5)
servos.sync_write_goal_position([2], [-0.25])
time.sleep(0.7)
seen["positions"] = servos.sync_read_present_position([1, 2])
seen["position"] = servos.read_present_position(1)
seen["goals"] = servos.sync_read_raw_goal_position([1, 2])"""
"""What rustypot asks of `servos` and tells them, whoever made them."""


async def told(client: str, twin: Twin) -> dict[str, Any]:
    """What the client wrote down of the twin."""
    async with asyncio.timeout(LONGEST_S), serve_pty(twin) as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", client, port, stdout=asyncio.subprocess.PIPE
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0
    seen = json.loads(said)
    assert isinstance(seen, dict)
    return seen
