"""A process that has imported everything, and forks a whole daemon each time it is told a folder.

    python -m tests.journal.kills.zygote

It reads a folder a line; one daemon lives at a time. It says `born PID`, the daemon says `ready`, and when
that is gone, the zygote says `gone` and the status of `os.waitpid`.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import random
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import robotd.journal.disk
import robotd.journal.journal
import robotd.journal.reader  # which a daemon imports when it is first asked for rows
from robotd import log
from robotd.config import RobotConfig, load
from robotd.daemon import Daemon, Ready, Surroundings

VICTIM = Path(__file__).with_name("victim.yaml")
SOCKET = "s"
JOURNAL = "journal"
JOURNAL_BYTES = 600_000
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Fork a daemon for each line of standard input."""
    _die_with_the_parent()
    log.configure("error")
    config = load(VICTIM)
    config = replace(config, journal=replace(config.journal, size_bytes=JOURNAL_BYTES))
    # What happens once an hour, a kill should meet: rotation, and the end of the log.
    robotd.journal.journal.TRIM_EVERY = robotd.journal.disk.TRIM_ROWS = 100
    robotd.journal.disk.CHECKPOINT_BYTES = JOURNAL_BYTES // 4
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        daemon = os.fork()
        if daemon == 0:
            _live(config, Path(line.rstrip("\n")))
        _say(f"born {daemon}")
        _say(f"gone {os.waitpid(daemon, 0)[1]}")


def _live(config: RobotConfig, folder: Path) -> None:
    """Be a daemon. Returns to nobody: what the zygote had to do afterwards is none of its business."""
    code = 1
    try:
        _die_with_the_parent()
        listen = replace(config.listen, unix=str(folder / SOCKET))
        # The process's id is chance enough: two daemons may not choose the same ids.
        surroundings = Surroundings(rng=random.Random(os.getpid()), journal=folder / JOURNAL)
        daemon = Daemon(replace(config, listen=listen), simulated=config.boards, surroundings=surroundings)
        asyncio.run(daemon.run(_say_ready, asyncio.Event()))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _say_ready(_ready: Ready) -> None:
    _say("ready")


def _say(what: str) -> None:
    os.write(1, f"{what}\n".encode())


def _die_with_the_parent() -> None:
    """A test that is killed leaves nobody behind (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
