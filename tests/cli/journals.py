"""Journals on the disk for the command line, written by hand, on a machine on which no robot runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from robotd.cli import locating
from robotd.cli.exits import Exit
from robotd.client import address
from robotd.journal.disk import DiskStore
from robotd.journal.row import Row
from tests.journal.history import History, ann_drives

MANY_S = 30.0


@pytest.fixture(autouse=True)
def nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No robot runs, there is no journal but those in the folder that it returns, in winter in Berlin."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "ROBOTD_URL", "ROBOTD_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(locating, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(address, "SERVICE_FOLDER", tmp_path / "service")
    monkeypatch.setattr(address, "DEFAULT_URL", f"unix://{tmp_path / 'nobody.sock'}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield tmp_path / "robotd"
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def journal(nobody_home: Path) -> Path:
    """The only journal here, with a little of everything."""
    history = History()
    ann_drives(history)
    return on_disk(nobody_home / "rover", history)


def on_disk(folder: Path, *histories: History) -> Path:
    """Write what happened into a journal in `folder`."""
    rows: list[Row] = [row for history in histories for row in history.rows.rows()]
    store, _ = DiskStore.open(folder, now_wall=0)
    if rows:
        store.commit(rows)
    store.close()
    return folder


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    """`robotd journal tail -f`, ended by Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "robotd", "journal", "tail", "-f", "--json", *words],
        stdout=subprocess.PIPE,
        env=os.environ | {"NO_COLOR": "1"},
        text=True,
    )
    assert process.stdout is not None
    # Or whoever waits for a row that never comes waits for ever.
    at_last = threading.Timer(MANY_S, process.kill)
    at_last.start()
    try:
        yield process
        process.send_signal(signal.SIGINT)

        assert process.wait(MANY_S) == Exit.DONE
    finally:
        at_last.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def next_row(process: subprocess.Popen[str]) -> Any:
    """The next that it shows; waits for it."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())
