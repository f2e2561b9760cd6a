"""The process around the daemon: its garbage, and its last moments, in which only user code is left."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any

from robotd.cli.exits import Exit, complain

YOUNG_OBJECTS = 5_000
"""How many new objects make a collection due: a command makes ten, and nearly all are gone with it."""
PATIENCE_S = 0.5
"""How long tasks and threads that outlive the daemon may take to end."""


def collect_less() -> None:
    """What was built until now lives until the end: collections need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


def run_to_the_end(main: Coroutine[Any, Any, None]) -> None:
    """As `asyncio.run`, in a process of which nothing is left `PATIENCE_S` later.

    Python would wait for ever: for a task that ignores its cancellation, and for threads of the loop's pool.
    """
    with asyncio.Runner() as runner:
        code = Exit.FAILED
        try:
            runner.run(main)
            code = Exit.DONE
        finally:
            leaving = threading.Timer(PATIENCE_S, _leave, (code, sys.exception()))
            leaving.daemon = True  # it holds nobody up whose end is as it should be
            leaving.start()


def _leave(code: Exit, error: BaseException | None) -> None:
    complain("left behind: a handler or a thread of its own that does not end")
    if error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
