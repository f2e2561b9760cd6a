"""The daemon's own switch, in small processes of its own: it ends whatever process it is in."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robotd.safety.switch import BLOCKED_S, FILE, REARM_S, Switch

TURNS_S = BLOCKED_S + 3 * REARM_S
PROGRAM = """
import asyncio, os, re, signal, sys, time
from pathlib import Path
from robotd.safety.switch import Switch

def block():
    {block}

async def main():
    with Switch.beside(Path(sys.argv[1])).armed():
        await asyncio.sleep({turns_s})
        began = time.monotonic()
        asyncio.get_running_loop().call_soon(block)
        print(began, flush=True)
        await asyncio.sleep(0)
        await asyncio.sleep({turns_s})
    time.sleep({turns_s})
    print("ended")

asyncio.run(main())
"""
BLOCKS = {
    "sleeps": "time.sleep(30)",
    "spins": "while True: pass",
    "a C call that holds the lock": "re.match('(a+)+$', 'a' * 60 + 'b')",
}


def run(folder: Path, block: str, turns_s: float = 0.0) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(block=block, turns_s=turns_s)
    return subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True)


@pytest.mark.parametrize("block", list(BLOCKS.values()), ids=list(BLOCKS))
def test_a_loop_that_stands_still_ends_the_process_and_leaves_where_it_was(
    tmp_path: Path, block: str
) -> None:
    ended = run(tmp_path, block)

    assert ended.returncode == 1
    words = (tmp_path / FILE).read_text()
    assert words.startswith("Timeout (0:00:01)!")
    assert 'File "<string>", line 7 in block' in words


def test_a_loop_that_turns_lives_on_and_so_does_one_that_has_ended(tmp_path: Path) -> None:
    ended = run(tmp_path, "pass", turns_s=TURNS_S)

    assert (ended.returncode, ended.stdout.split()[-1]) == (0, "ended")
    assert (tmp_path / FILE).read_text() == ""


def test_a_signal_that_kills_leaves_its_traceback_too(tmp_path: Path) -> None:
    ended = run(tmp_path, "os.kill(os.getpid(), signal.SIGABRT)")

    assert ended.returncode == -signal.SIGABRT
    words = Switch.beside(tmp_path).last_words()
    assert words.startswith("Fatal Python error: Aborted")
    assert "in block" in words


def test_without_a_folder_the_last_words_go_to_stderr(tmp_path: Path) -> None:
    program = PROGRAM.format(block=BLOCKS["spins"], turns_s=0.0).replace("Path(sys.argv[1])", "None")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 1
    assert "in block" in ended.stderr


def test_last_words_stay_until_they_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Timeout!\n")

    assert Switch.beside(tmp_path).last_words() == "Timeout!"
    switch = Switch.beside(tmp_path)
    assert switch.last_words() == "Timeout!"
    switch.forget()
    assert switch.last_words() == Switch.beside(tmp_path).last_words() == ""


def test_of_many_last_words_the_newest_are_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("old\n" * 100_000 + "new\n")

    words = Switch.beside(tmp_path).last_words()

    assert words.endswith("new")
    assert len(words) <= 20_000
