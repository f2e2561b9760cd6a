"""The file that keeps a stop: what is in it, when it is there, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from robotd.safety import latch as module
from robotd.safety.latch import FILE, LONGEST_BYTES, Latch, LatchFile, LatchInMemory, LatchStore

SMOKE = Latch("4f2a-1", "smoke", "ws:ann", at=100.0)
FIRE = Latch("4f2a-2", "fire", "guard:daemon_died", at=101.0)
STOPPED_AT = 1_790_000_000.0
"""The time on the wall."""


def read(store: LatchStore, now: float = 7.0, wall: float = STOPPED_AT) -> Latch | None:
    return store.read(now, wall, lambda: "a-new-id")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE


def with_store(file: Path, body: Callable[[LatchFile], None]) -> None:
    """One daemon's store, to its clean end."""

    async def whole() -> None:
        store = LatchFile(file, asyncio.get_running_loop())
        try:
            body(store)
        finally:
            store.close()

    asyncio.run(whole())


def found(file: Path, now: float = 7.0, wall: float = STOPPED_AT) -> Latch | None:
    """What the next daemon finds."""
    latches: list[Latch | None] = []
    with_store(file, lambda store: latches.append(read(store, now, wall)))
    return latches[0]


# -- what is kept ---------------------------------------------------------------------------------------


def test_the_file_says_what_the_guard_would_have_written(file: Path):
    with_store(file, lambda store: store.keep(SMOKE, STOPPED_AT))

    assert json.loads(file.read_bytes()) == {
        "latch_id": "4f2a-1",
        "reason": "smoke",
        "by": "ws:ann",
        "wall": STOPPED_AT,
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [FILE]


def test_the_next_daemon_finds_the_same_stop_as_old_as_it_is(file: Path):
    with_store(file, lambda store: store.keep(SMOKE, STOPPED_AT))

    kept = found(file, now=7.0, wall=STOPPED_AT + 60.0)

    assert kept == Latch("4f2a-1", "smoke", "ws:ann", at=7.0 - 60.0, kept=True)
    assert kept.as_data(8.0)["age_s"] == 61.0


def test_a_stop_that_lies_ahead_on_the_wall_is_as_old_as_the_start(file: Path):
    with_store(file, lambda store: store.keep(SMOKE, STOPPED_AT))

    kept = found(file, now=7.0, wall=STOPPED_AT - 3600.0)

    assert kept is not None
    assert kept.at == 7.0


def test_nothing_is_found_where_nothing_is(file: Path, tmp_path: Path):
    assert found(file) is None
    assert found(tmp_path / "no such folder" / FILE) is None
    assert not file.exists()


def test_the_newest_stop_is_the_one_that_is_kept(file: Path):
    def twice(store: LatchFile) -> None:
        store.keep(SMOKE, STOPPED_AT)
        store.keep(FIRE, STOPPED_AT + 1.0)

    with_store(file, twice)
    kept = found(file)

    assert kept is not None
    assert kept.latch_id == FIRE.latch_id


def test_what_was_taken_back_is_found_no_more(file: Path):
    def stop_and_reset(store: LatchFile) -> None:
        store.keep(SMOKE, STOPPED_AT)
        store.forget()

    with_store(file, stop_and_reset)

    assert os.listdir(file.parent) == []
    assert found(file) is None


def test_a_start_and_an_end_leave_a_kept_stop_alone(file: Path):
    with_store(file, lambda store: store.keep(SMOKE, STOPPED_AT))
    before = file.stat()

    assert found(file) == found(file)
    assert file.stat() == before


def test_another_stop_right_after_the_reset_is_kept(file: Path):
    def stop_reset_stop(store: LatchFile) -> None:
        store.keep(SMOKE, STOPPED_AT)
        store.forget()
        store.keep(FIRE, STOPPED_AT)

    with_store(file, stop_reset_stop)
    kept = found(file)

    assert kept is not None
    assert kept.latch_id == FIRE.latch_id


def test_in_memory_the_same_is_kept():
    store = LatchInMemory()
    assert read(store) is None

    store.keep(SMOKE, STOPPED_AT)

    assert read(store) == Latch("4f2a-1", "smoke", "ws:ann", at=7.0, kept=True)
    store.forget()
    assert read(store) is None


# -- what cannot be read --------------------------------------------------------------------------------

OF_ANOTHER_KIND: tuple[object, ...] = (None, [], True)
WHOLE = {"latch_id": "1", "reason": "", "by": "guard", "wall": 1.5}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\0" * 64,
        b"null",
        b"[]",
        b'"latched"',
        b"{}",
        b"\xff\xfe",
        b"[" * 10_000,
        *(json.dumps({**WHOLE, name: value}).encode() for name in WHOLE for value in OF_ANOTHER_KIND),
        *(
            json.dumps({name: WHOLE[name] for name in WHOLE if name != left_out}).encode()
            for left_out in WHOLE
        ),
        json.dumps(WHOLE | {"latch_id": ""}).encode(),
        b'{"latch_id": "1", "reason": "", "by": "", "wall": NaN}',
        b'{"latch_id": "1", "reason": "", "by": "", "wall": 1e999}',
        json.dumps(WHOLE | {"wall": 10**400}).encode(),
        json.dumps(WHOLE | {"reason": "x" * LONGEST_BYTES}).encode(),
    ],
    ids=lambda content: content[:40],
)
def test_a_file_that_makes_no_sense_is_a_stop_and_says_so(file: Path, content: bytes):
    file.write_bytes(content)

    for kept in (found(file), read(LatchInMemory(content))):
        assert kept is not None
        assert (kept.latch_id, kept.at, kept.kept) == ("a-new-id", 7.0, True)
        assert "no latch that robotd wrote" in kept.reason
    assert str(file) in str(found(file))


def test_a_place_that_cannot_be_read_is_a_stop_and_says_so(file: Path, tmp_path: Path):
    file.mkdir()
    dangling = tmp_path / "dangling.json"
    dangling.symlink_to("nowhere")
    in_a_circle = tmp_path / "circle.json"
    in_a_circle.symlink_to(in_a_circle)

    for path in (file, dangling, in_a_circle):
        kept = found(path)
        assert kept is not None, path
        assert "cannot be read" in kept.reason


def test_what_made_no_sense_is_gone_after_the_reset(file: Path):
    file.write_bytes(b"{")

    with_store(file, lambda store: store.forget())

    assert found(file) is None


# -- that it is durable, and nobody waits ---------------------------------------------------------------


class Disk:
    """Stands in front of every fsync: it tells what is made durable, and can hang."""

    def __init__(self, patch: pytest.MonkeyPatch, file: Path) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.synced: list[tuple[str, bool]] = []
        """What was, and whether the file was in its place then."""
        self._asked = threading.Semaphore(0)
        self._file = file
        self._fsync = os.fsync
        patch.setattr(os, "fsync", self._sync)

    def is_asked(self, times: int = 1) -> None:
        """Wait until it was asked so often more."""
        for _ in range(times):
            assert self._asked.acquire(timeout=10)

    def _sync(self, descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        self.synced.append((name, self._file.exists()))
        self._asked.release()
        assert self.answers.wait(10)
        self._fsync(descriptor)


def test_a_stop_is_whole_on_the_disk_before_it_has_its_name_and_its_name_after_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    disk = Disk(monkeypatch, file)

    def stop_and_reset(store: LatchFile) -> None:
        store.keep(SMOKE, STOPPED_AT)
        disk.is_asked(times=2)
        store.forget()
        disk.is_asked()

    with_store(file, stop_and_reset)

    folder = file.parent.name
    assert disk.synced == [(f"{FILE}.new", False), (folder, True), (folder, False)]


def test_a_disk_that_hangs_holds_up_nobody_and_a_flood_of_stops_is_one_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    disk = Disk(monkeypatch, file)

    def flood(store: LatchFile) -> None:
        disk.answers.clear()
        store.keep(SMOKE, STOPPED_AT)
        disk.is_asked()
        for number in range(1000):
            store.keep(Latch(f"id-{number}", "again", "ws:ann", at=0.0), STOPPED_AT)
            store.forget()
        store.keep(FIRE, STOPPED_AT)
        assert not file.exists()
        disk.answers.set()

    with_store(file, flood)
    kept = found(file)

    assert kept is not None
    assert kept.latch_id == FIRE.latch_id
    assert len(disk.synced) == 4


def test_a_disk_that_never_answers_does_not_hold_up_the_end(file: Path, monkeypatch: pytest.MonkeyPatch):
    disk = Disk(monkeypatch, file)
    disk.answers.clear()
    stores: list[LatchFile] = []

    def stop(store: LatchFile) -> None:
        stores.append(store)
        monkeypatch.setattr(module, "END_S", 0.01)
        store.keep(SMOKE, STOPPED_AT)
        disk.is_asked()

    with_store(file, stop)

    assert not file.exists()
    monkeypatch.setattr(module, "END_S", 10.0)
    disk.answers.set()
    stores[0].close()
    assert file.exists()


def test_a_latch_that_cannot_be_kept_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    file = tmp_path / "state" / FILE

    async def whole() -> None:
        told: asyncio.Queue[str | None] = asyncio.Queue()
        store = LatchFile(file, asyncio.get_running_loop())
        store.on_trouble = told.put_nowait
        store.keep(SMOKE, STOPPED_AT)
        trouble = await asyncio.wait_for(told.get(), 10)
        assert trouble is not None
        assert "this stop is not kept over a restart" in trouble
        assert str(file.parent) in trouble
        assert store.trouble == trouble

        file.parent.mkdir()

        assert await asyncio.wait_for(told.get(), 10) is None
        assert store.trouble is None
        store.close()
        assert told.empty()

    asyncio.run(whole())
    kept = found(file)

    assert kept is not None
    assert kept.reason == "smoke"


def test_on_a_full_disk_the_file_alone_says_that_there_was_a_stop_until_there_is_room(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    room = threading.Event()
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if not room.is_set():
            os.ftruncate(descriptor, 0)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    async def whole() -> None:
        told: asyncio.Queue[str | None] = asyncio.Queue()
        store = LatchFile(file, asyncio.get_running_loop())
        store.on_trouble = told.put_nowait
        store.keep(SMOKE, STOPPED_AT)
        assert "No space left" in str(await asyncio.wait_for(told.get(), 10))
        kept = read(store)
        assert kept is not None
        assert "no latch that robotd wrote" in kept.reason

        room.set()
        assert await asyncio.wait_for(told.get(), 10) is None
        store.close()

    monkeypatch.setattr(os, "fsync", full)
    asyncio.run(whole())
    kept = found(file)

    assert kept is not None
    assert kept.reason == "smoke"


def test_a_latch_that_cannot_be_removed_is_told(file: Path):
    file.mkdir()

    async def whole() -> None:
        told: asyncio.Queue[str | None] = asyncio.Queue()
        store = LatchFile(file, asyncio.get_running_loop())
        store.on_trouble = told.put_nowait
        store.forget()
        trouble = await asyncio.wait_for(told.get(), 10)
        store.close()

        assert trouble is not None
        assert trouble.startswith("the next start will find the stop that was reset: ")

    asyncio.run(whole())


def test_what_cannot_be_written_down_harms_nobody(file: Path):
    with_store(file, lambda store: store.keep(Latch("1", "\ud800", "ws:ann", at=0.0), STOPPED_AT))

    assert found(file) is None
