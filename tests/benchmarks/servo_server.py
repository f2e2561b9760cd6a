"""Six simulated servos on a pseudo-terminal, in a process of their own, on a wire that takes its time.

Says its port; when its input ends, it says when each request that set goals arrived, as JSON.
"""

import asyncio
import json
import selectors
import sys

from hal import serve_pty
from tests.hal.drivers.servo_arm import FAMILIES, JOINTS


async def serve(name: str, damaged: float) -> None:
    """Servos of this family, until the input ends."""
    family = FAMILIES[name]
    wire = family.wire(JOINTS, damaged=damaged)
    async with serve_pty(wire) as port:
        print(port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    goals = [at for at, request in wire.requests if family.sets_goals(request)]
    print(json.dumps({"goals": goals, "replies": wire.replies, "damaged": wire.damaged}), flush=True)


def _loop() -> asyncio.AbstractEventLoop:
    """Its timers are as exact as the wire has to be; those of epoll are up to a millisecond late."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(serve(sys.argv[1], float(sys.argv[2])))
