"""Disks of real processes that go wrong: one that is full, and calls that the kernel lets fail or wait."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.children import PATIENCE_S, HarnessError
from tests.faults.clock import now, pause
from tests.faults.groups import disband

SMALL_BYTES = 2 << 20
THROTTLES = (
    # Where control groups bound what is written, in which file, and how a bound and none are said there.
    (Path("/sys/fs/cgroup/blkio"), "blkio.throttle.write_bps_device", "{device} 20000", "{device} 0"),
    (Path("/sys/fs/cgroup"), "io.max", "{device} wbps=20000", "{device} wbps=max"),
)
SYNCS = "fsync,fdatasync"
LOOK_S = 0.002
_MS_NOSUID, _MNT_DETACH = 2, 2
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes in memory. Raises `OSError` where mounting is not permitted."""
    place = folder / "small"
    place.mkdir(exist_ok=True)
    if _libc.mount(b"none", bytes(place), b"tmpfs", _MS_NOSUID, f"size={SMALL_BYTES}".encode()):
        raise OSError(ctypes.get_errno(), "mounting a small disk: " + os.strerror(ctypes.get_errno()))
    try:
        yield place
    finally:
        _libc.umount2(bytes(place), _MNT_DETACH)


def fill(disk: Path) -> float:
    """Leave no byte of room on it; returns the moment when that was so."""
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    return now()


def no_small_disk() -> str | None:
    """Why there is none here."""
    try:
        with TemporaryDirectory() as folder, small_disk(Path(folder)):
            return None
    except OSError as error:
        return str(error)


class Throttle:
    """A control group whose processes can be made to wait for their disk, where nothing kills them."""

    def __init__(self, folder: Path) -> None:
        """Of the disk on which `folder` is. Raises `OSError` where that is not permitted."""
        device = folder.stat().st_dev
        self._device = f"{os.major(device)}:{os.minor(device)}"
        for root, file, slow, quick in THROTTLES:
            self.group = root / f"robotd-faults-{os.getpid()}"
            self._file, self._slow, self._quick = self.group / file, slow, quick
            with suppress(OSError):
                self.group.mkdir()
                try:
                    self.loosen()
                except OSError:
                    self.group.rmdir()
                else:
                    return
        raise PermissionError(f"no control group bounds what is written to {self._device}")

    def tighten(self) -> None:
        """A few kilobytes a second."""
        self._file.write_text(self._slow.format(device=self._device))

    def loosen(self) -> None:
        """As fast as the disk is."""
        self._file.write_text(self._quick.format(device=self._device))


@contextmanager
def throttle(folder: Path) -> Iterator[Throttle]:
    """As `Throttle`; none of its processes outlives it."""
    made = Throttle(folder)
    try:
        yield made
    finally:
        made.loosen()
        disband(made.group)


def waits_for_its_disk(process: int) -> bool:
    """Whether one of its threads does, deaf to every signal (state D of proc(5))."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return any((thread / "stat").read_text().rpartition(") ")[2].startswith("D") for thread in threads)


def no_throttle() -> str | None:
    """Why no disk can be throttled here."""
    try:
        with TemporaryDirectory() as folder, throttle(Path(folder)):
            return None
    except OSError as error:
        return str(error)


@contextmanager
def syncs_that(process: int, how: str) -> Iterator[float]:
    """From now on the syncs of a process fail or wait, as strace's `inject` has it; gives the moment."""
    command = ["strace", "-f", "-q", "-e", f"trace={SYNCS}", "-e", f"inject={SYNCS}:{how}", "-o", os.devnull]
    strace = subprocess.Popen([*command, "-p", str(process)], stderr=subprocess.PIPE, process_group=0)
    try:
        deadline = now() + PATIENCE_S
        while not _traced(process):
            if strace.poll() is not None or now() > deadline:
                raise HarnessError("strace does not trace the daemon")
            pause(LOOK_S)
        yield now()
    finally:
        strace.send_signal(signal.SIGKILL)
        strace.wait()
        if strace.stderr is not None:
            strace.stderr.close()


def no_strace() -> str | None:
    """Why syncs cannot be made to fail here."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            with syncs_that(sleeper.pid, "error=EIO"):
                return None
        except HarnessError as error:
            return str(error)
        finally:
            sleeper.kill()


def _traced(process: int) -> bool:
    """Whether all of its threads are."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)
