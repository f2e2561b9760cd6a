"""Journals on the disk for the command line, written by hand, on a machine on which no robot runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotd.cli import locating
from robotd.journal.disk import DiskStore
from robotd.journal.row import Row
from tests.journal.history import History, ann_drives


@pytest.fixture(autouse=True)
def nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No robot runs, there is no journal but those in the folder that it returns, in winter in Berlin."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "ROBOTD_URL", "ROBOTD_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(locating, "SYSTEM_FOLDER", tmp_path / "system")
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
