"""What the journal itself does to files: its calls of `os`, told to ask the same disk."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.journal.disk.disk import Disk


@contextmanager
def calls_upon(disk: Disk) -> Iterator[None]:
    """While this lasts, whoever calls these gets what the disk has for them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, call in _calls(disk).items():
            patch.setattr(os, name, call)
        yield


def _calls(disk: Disk) -> dict[str, Callable[..., Any]]:
    real_pwrite, real_fallocate = os.pwrite, os.posix_fallocate
    real_unlink, real_rename = os.unlink, os.rename

    def fsync(file: int) -> None:
        _check(disk.sync(_path_of(file)))

    def pwrite(file: int, data: bytes, offset: int) -> int:
        def go(reaching: bytes) -> int:
            real_pwrite(file, reaching, offset)
            return sqlite3.SQLITE_OK

        _check(disk.write(_path_of(file), offset, data, go))
        return len(data)

    def posix_fallocate(file: int, offset: int, length: int) -> None:
        def go(reaching: bytes) -> int:
            real_fallocate(file, offset, len(reaching))
            return sqlite3.SQLITE_OK

        _check(disk.write(_path_of(file), offset, bytes(length), go))

    def unlink(path: os.PathLike[str] | str, *, dir_fd: int | None = None) -> None:
        def go() -> int:
            real_unlink(path, dir_fd=dir_fd)
            return sqlite3.SQLITE_OK

        folder = "" if dir_fd is None else _path_of(dir_fd)
        _check(disk.delete(os.path.join(folder, path), False, go))

    def rename(path: os.PathLike[str] | str, target: os.PathLike[str] | str) -> None:
        def go() -> int:
            real_rename(path, target)
            return sqlite3.SQLITE_OK

        _check(disk.rename(os.fspath(path), os.fspath(target), go))

    return {
        "fsync": fsync,
        "pwrite": pwrite,
        "posix_fallocate": posix_fallocate,
        "unlink": unlink,
        "rename": rename,
        "replace": rename,
    }


def _path_of(file: int) -> str:
    return os.readlink(f"/proc/self/fd/{file}")


def _check(code: int) -> None:
    """What SQLite says with a code, the system says with an error."""
    if code != sqlite3.SQLITE_OK:
        number = errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO
        raise OSError(number, os.strerror(number))
