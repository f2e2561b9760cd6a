"""A process that has imported everything, and forks a whole `robotd run` each time it is told to.

    python -m tests.faults.zygote

Each order is a line of JSON, an `Order`. It says `born PID`; the daemon says its own line, `ready ...`; when
that is gone, the zygote says `gone` and the status of `os.waitpid`. One daemon lives at a time. Its log goes
to `log` in the folder of the order.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, tzinfo

import robotd.clock
import robotd.daemon
import robotd.journal.reader  # which a daemon imports when it is first asked for rows
from robotd.cli import app
from tests.faults.children import die_with_the_parent, say


@dataclass(frozen=True)
class Order:
    """One daemon: its command line, its world, and what it may not do."""

    arguments: tuple[str, ...]
    folder: str
    environ: dict[str, str] = field(default_factory=dict)
    cgroup: str | None = None
    """A folder of the memory controller that it moves to before anything else."""
    wall_jumps_s: float = 0.0
    """At the first SIGUSR2 its wall clock is put on, or back, by so much."""

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def main() -> None:
    """Fork a daemon for each order."""
    die_with_the_parent()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        daemon = os.fork()
        if daemon == 0:
            _live(order)
        say(f"born {daemon}")
        say(f"gone {os.waitpid(daemon, 0)[1]}")


def _live(order: Order) -> None:
    """Be `robotd`. Returns to nobody: what the zygote had to do afterwards is none of its business."""
    code = 1  # as Python ends with an error that nobody caught
    try:
        die_with_the_parent()
        log = os.open(f"{order.folder}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stderr.fileno())
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
        os.environ.update(order.environ)
        if order.cgroup is not None:
            with open(f"{order.cgroup}/cgroup.procs", "w") as members:
                members.write(str(os.getpid()))
        if order.wall_jumps_s:
            _let_the_wall_clock_jump(order.wall_jumps_s)
        app(list(order.arguments), prog_name="robotd")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _let_the_wall_clock_jump(by_s: float) -> None:
    """At SIGUSR2."""

    class Jumping(datetime):
        ahead = timedelta()

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one is made
            return datetime.now(tz) + cls.ahead

    def jump(_signal: int, _frame: object) -> None:
        Jumping.ahead = timedelta(seconds=by_s)

    setattr(robotd.clock, "datetime", Jumping)  # noqa: B010  # the one place where robotd asks for it
    signal.signal(signal.SIGUSR2, jump)


if __name__ == "__main__":
    main()
