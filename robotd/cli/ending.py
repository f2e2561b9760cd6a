"""The last moments of the daemon's process. What matters has ended by then; what is left is user code."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any

from robotd.cli.exits import Exit, complain

PATIENCE_S = 0.5
"""How long tasks and threads that outlive the daemon may take to end."""


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
