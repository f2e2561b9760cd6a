"""A daemon that was ended by its own switch, and what the next one tells of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robotd.client import connect
from robotd.daemon.fall import FRAMES_KEPT, Fall, read
from robotd.safety.switch import FILE
from tests.cli.conftest import RunningRobot
from tests.daemon.test_handlers import robot_with

LISTEN = "listen: {websocket: 127.0.0.1:0, tcp: 127.0.0.1:0, unix: robotd.sock}\n"
SPINS = "await robot.sleep(0.01)\nwhile True:\n    pass"
WORDS = """
Timeout (0:00:01)!
Thread 0x00007f0000000001 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 327 in wait

Thread 0x00007f0000000002 (most recent call first):
  File "/usr/lib/python3.11/re/__init__.py", line 166 in match
  File "/etc/robotd/patrol.py", line 14 in think
  File "/etc/robotd/patrol.py", line 10 in patrol
  File "/opt/robotd/lib/python3.11/site-packages/robotd/runtime/calls.py", line 136 in _handle
"""
FATAL = """
Fatal Python error: {}

Current thread 0x00007f0000000002 (most recent call first):
  File "/etc/robotd/arm.py", line 3 in reach

Thread 0x00007f0000000001 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 327 in wait

Extension modules: yaml._yaml (total: 1)
"""


def test_a_loop_that_stood_still_is_told_by_the_users_own_line() -> None:
    found = read(WORDS)

    assert (found.what, found.error) == ("blocked", "the loop stood still for 1 s")
    assert found.where == "patrol.py:14 in think"
    assert found.traceback.splitlines()[0] == 'File "/usr/lib/python3.11/re/__init__.py", line 166 in match'
    assert len(found.traceback.splitlines()) == 4


@pytest.mark.parametrize(
    ("error", "what"), [("Aborted", "aborted"), ("Segmentation fault", "crashed"), ("Bus error", "crashed")]
)
def test_a_signal_is_told_with_the_thread_that_it_hit(error: str, what: str) -> None:
    found = read(FATAL.format(error))

    assert found == Fall(what, error, "arm.py:3 in reach", 'File "/etc/robotd/arm.py", line 3 in reach')


def test_of_several_falls_the_newest_is_told() -> None:
    assert read(WORDS + FATAL.format("Aborted")).what == "aborted"
    assert read(FATAL.format("Aborted") + WORDS).what == "blocked"


@pytest.mark.parametrize(
    "words", ["", "nonsense", "Timeout (", "Thread 0x1", "\N{REPLACEMENT CHARACTER}" * 9]
)
def test_words_that_say_nothing_are_a_fall_all_the_same(words: str) -> None:
    assert read(words).where == ""


def test_without_a_line_of_the_users_the_innermost_is_told_and_not_all_are_kept() -> None:
    frames = "\n".join(f'  File "/usr/lib/python3.11/x.py", line {n} in f' for n in range(100))

    found = read(f"Timeout (0:00:01)!\nThread 0x1 (most recent call first):\n{frames}\n")

    assert found.where == "x.py:0 in f"
    assert len(found.traceback.splitlines()) == FRAMES_KEPT


async def test_a_handler_that_blocks_the_loop_ends_the_daemon_and_the_next_one_names_its_line(
    tmp_path: Path,
) -> None:
    file = robot_with(tmp_path, SPINS)
    text = file.read_text()
    file.write_text(text[: text.index("listen:")] + LISTEN + "guard: off\n")
    state = tmp_path / "journal"
    options = ("--sim", "--journal", str(state))

    first = await asyncio.to_thread(RunningRobot, file, *options)
    async with connect(first.tcp) as client:
        await client.send("arm", wait="done")
        await client.send("work", wait="done")
    assert await asyncio.to_thread(first.process.wait, 10) == 1
    first.end()
    assert "Timeout" in (state / FILE).read_text()
    second = await asyncio.to_thread(RunningRobot, file, *options)
    async with connect(second.tcp) as client:
        status = await client.status()
        row = str(status["journal"]["recovered"]["fall"]["row"])
        why = await asyncio.to_thread(_robotd, "why", row, "--url", second.tcp)
    assert await asyncio.to_thread(second.end) == 0

    (line,) = [
        n for n, code in enumerate((tmp_path / "own.py").read_text().splitlines(), 1) if "while" in code
    ]
    where = status["journal"]["recovered"]["fall"]["where"]
    assert where in {f"own.py:{line} in own", f"own.py:{line + 1} in own"}
    assert status["state"] == "disarmed"
    told: Any = [json.loads(entry) for entry in second.log.read_text().splitlines()]
    assert [(t["what"], t["where"]) for t in told if t["event"] == "the daemon before this one fell"] == [
        ("blocked", where)
    ]
    assert f"robotd ended itself because its loop stood still in {where}" in why
    assert (state / FILE).read_text() == ""
    (kept,) = _robotd("journal", "tail", "--journal", str(state), "--kind", "fall", "--json").splitlines()
    assert where in kept


def _robotd(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "robotd", *words], capture_output=True, text=True, check=True
    )
    return done.stdout
