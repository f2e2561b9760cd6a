"""A G-code job over a pseudo-terminal, in real time: how full the machine's buffers are, and how empty."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hal import Gantry, Rig, serve_pty
from hal.drivers.grbl.bench import Bench
from hal.drivers.grbl.board import GrblBoard
from hal.drivers.grbl.codec import RECEIVE_BUFFER_BYTES
from hal.drivers.grbl.lines import Lines
from hal.drivers.grbl.twin import GrblTwin
from tests.benchmarks.figures import Report
from tests.hal.drivers.grbl.bench import BOARD, GANTRY

LINES = 500
WAY_MM = 0.5
SPEED_MM_S = 50.0
"""A line is due every 10 ms."""
STARVED_GOAL_MS = 20.0


class Watched(GrblTwin):
    """Notes for how long nothing is planned although its host has lines left."""

    def __init__(self) -> None:
        super().__init__(Bench(homes=False, low=(-300.0, -300.0, -80.0), high=(300.0, 300.0, 0.0)))
        self.lines: Lines | None = None
        self.longest_s = 0.0
        self._fed_at: float | None = None
        """Since its first block: when something was planned last."""

    def advance(self, now: float) -> bytes:
        """As its machine does."""
        said = super().advance(now)
        if self.firmware.path.blocks:
            self._fed_at = now
        elif self._fed_at is not None and self.lines is not None and self.lines.supply is not None:
            self.longest_s = max(self.longest_s, now - self._fed_at)
        return said


def _job() -> str:
    ways = [f"G1X{-WAY_MM * n:.3f}Y{-0.1 * (n % 2):.3f}" for n in range(1, LINES - 1)]
    return "\n".join(["G21G90", f"F{SPEED_MM_S * 60:.0f}", *ways])


async def _run(folder: Path) -> tuple[Watched, GrblBoard, float]:
    loop, twin = asyncio.get_running_loop(), Watched()
    async with serve_pty(twin) as port:
        gantry_file = GANTRY | {"x": "250 mm", "homing": False}
        async with Rig.of({"cnc": BOARD | {"port": port}}, {"gantry": gantry_file}) as rig:
            await rig.online()
            gantry, board = rig.devices["gantry"], rig.boards["cnc"]
            if not isinstance(gantry, Gantry) or not isinstance(board, GrblBoard):
                raise TypeError("that is another rig")
            gantry.folder = folder
            gantry.activate()
            await asyncio.sleep(1.0)
            twin.lines = board.lines
            began = loop.time()
            await gantry.run_job("job.nc")
            return twin, board, loop.time() - began


def gantry(report: Report) -> None:
    """Character counting against a receive buffer of 128 bytes."""
    report.title(f"a job of {LINES} lines, one every {1000 * WAY_MM / SPEED_MM_S:.0f} ms, on a Grbl machine")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "job.nc").write_text(_job())
        twin, board, duration_s = asyncio.run(_run(Path(name)))
    starved_ms = twin.longest_s * 1000
    report.table(
        ("most outstanding", "most in the buffer", "starved at most", "overruns", "took"),
        [
            (
                f"{board.lines.most_bytes} B",
                f"{twin.firmware.fullest_bytes} B",
                f"{starved_ms:.1f} ms",
                str(twin.firmware.overruns),
                f"{duration_s:.1f} s",
            )
        ],
    )
    most = board.lines.most_bytes
    report.goal(f"never above {RECEIVE_BUFFER_BYTES} bytes outstanding", most <= RECEIVE_BUFFER_BYTES)
    report.goal(f"never starved over {STARVED_GOAL_MS:.0f} ms", starved_ms <= STARVED_GOAL_MS)
    report.goal("no byte lost", twin.firmware.overruns == 0)
