"""Other people's clients of a servo bus, each in a process of its own; our twin on a pseudo-terminal."""

import asyncio
import json
import sys
from typing import Any

from hal import Twin, serve_pty

LONGEST_S = 30.0


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
