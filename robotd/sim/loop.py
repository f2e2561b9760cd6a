"""The loop of a simulation: virtual time, and a network in memory for all that listens and connects on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hal import VirtualLoop
from robotd.sim.network import Network

T = TypeVar("T")


class SimulationLoop(VirtualLoop):
    """A loop in virtual time with a network of its own."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.network = Network(self)

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """Serve in memory; `sock` is what `network.listen` returned."""
        return self.network.serve(protocol_factory, options["sock"])

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        """Connect in memory to what listens at `host:port`. Raises `ConnectionRefusedError`."""
        return self.network.connect(protocol_factory, host, port)


def run(story: Coroutine[Any, Any, T], *, seed: int | None = None) -> T:
    """Run `story` in virtual time, as `asyncio.run` does in real time."""
    with asyncio.Runner(loop_factory=lambda: SimulationLoop(seed)) as runner:
        return runner.run(story)
