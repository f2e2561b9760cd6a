"""A stop outlives `kill -9` without a guard and a journal: the daemon keeps it in a file of its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot, rover_on_any_port, tries

run = CliRunner().invoke


def status(robot: RunningRobot) -> Any:
    return json.loads(run(app, ["status", "--json", "--url", robot.unix]).stdout)


def test_a_stop_is_found_after_kill_9_and_is_gone_after_the_reset(tmp_path: Path) -> None:
    file = rover_on_any_port(tmp_path)
    file.write_text(f"{file.read_text()}\nguard: off\n")
    kept = tmp_path / "state" / "robotd" / "rover" / "latch.json"

    first = RunningRobot(file, "--sim", "--journal", "memory")
    stopped = run(app, ["stop", "--reason", "smoke", "--url", first.unix])
    latch = status(first)["latch"]
    for _ in tries():  # a thread writes it, after the answer
        if kept.exists():
            break
        status(first)
    first.end(signal.SIGKILL)
    second = RunningRobot(file, "--sim", "--journal", "memory")
    found = status(second)
    while (reset := run(app, ["reset", latch["latch_id"], "--url", second.unix])).exit_code == Exit.REFUSED:
        assert "not at rest" in reset.stderr
    after = status(second)
    code = second.end()

    assert stopped.exit_code == Exit.DONE, stopped.output
    assert (found["state"], found["latch"]["kept"]) == ("estopped", True)
    assert (found["latch"]["latch_id"], found["latch"]["reason"]) == (latch["latch_id"], "smoke")
    assert found["latch"]["by"] == latch["by"]
    assert reset.exit_code == Exit.DONE, reset.output
    assert (after["state"], after["latch"]) == ("disarmed", None)
    assert code == 0
    assert not kept.exists()
