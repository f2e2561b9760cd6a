"""Python's own SQLite, told to ask a `Disk` of ours before it writes, truncates, syncs or deletes.

A VFS (https://www.sqlite.org/vfs.html) is a table of functions, and each open file has another, its
io_methods. Ours are copies of those that SQLite would use, with the entries replaced that change a file;
reads, locks and shared memory go past us. The files are the system's own, in the memory that it asked for.

The functions are looked up in the library of `_sqlite3` itself, so that it is the same SQLite as the
product's; where Python carries one inside that cannot be reached, `missing` says so.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from typing import Any

from tests.journal.disk.disk import Disk


class _Vfs(Structure):
    """`sqlite3_vfs`: its version 3, of which nothing after `xDelete` is looked at here."""

    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", c_void_p),
        ("xDelete", c_void_p),
        ("others", c_void_p * 13),
    )


class _Methods(Structure):
    """`sqlite3_io_methods`: its version 2. Without what version 3 adds, no file is memory-mapped."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", c_void_p),
        ("xRead", c_void_p),
        ("xWrite", c_void_p),
        ("xTruncate", c_void_p),
        ("xSync", c_void_p),
        ("others", c_void_p * 11),
    )


_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_CLOSE = CFUNCTYPE(c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)

_KEPT: list[object] = []
"""SQLite holds pointers into these, which Python does not see: they live as long as the process."""


class _Upon:
    """One registered VFS: SQLite's tables, and whose files are open."""

    def __init__(self, library: ctypes.CDLL, disk: Disk) -> None:
        self._library = library
        self._disk = disk
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._real = library.sqlite3_vfs_find(None)
        self._table = _Vfs.from_buffer_copy(self._real.contents)
        self._methods: dict[int, _Methods] = {}
        self.paths: dict[int, str] = {}
        """The open files, by the addresses that SQLite gave them."""
        self.raised: list[BaseException] = []
        """By a disk: an exception cannot pass through SQLite."""
        self._real_open = _OPEN(self._table.xOpen)
        self._real_delete = _DELETE(self._table.xDelete)
        self._table.zName = b"upon-a-disk-of-ours"
        self._table.xOpen = self._pointer(_OPEN, self._open, sqlite3.SQLITE_CANTOPEN)
        self._table.xDelete = self._pointer(_DELETE, self._delete, sqlite3.SQLITE_IOERR_DELETE)
        _KEPT.append(self)

    def register(self) -> None:
        """Whoever opens a database from now on without naming a VFS gets this one."""
        self._library.sqlite3_vfs_register(ctypes.byref(self._table), 1)

    def unregister(self) -> None:
        """The system's is the default again. What is open stays as it is."""
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._table))

    def _pointer(self, kind: Any, function: Callable[..., int], trouble: int) -> int | None:
        """The address of a C function that calls ours, and says `trouble` where it raises."""

        def guarded(*arguments: Any) -> int:
            try:
                return function(*arguments)
            except BaseException as error:
                self.raised.append(error)
                return trouble

        callback = kind(guarded)
        _KEPT.append(callback)
        return ctypes.cast(callback, c_void_p).value

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        result: int = self._real_open(ctypes.addressof(self._real.contents), name, file, flags, out)
        if result == sqlite3.SQLITE_OK and name is not None:
            path = ctypes.string_at(name).decode()
            self.paths[file] = path
            methods = c_void_p.from_address(file)
            methods.value = ctypes.addressof(self._methods_instead_of(methods.value or 0))
            self._disk.opened(path)
        return result

    def _delete(self, _vfs: int, name: bytes, durably: int) -> int:
        address = ctypes.addressof(self._real.contents)
        return self._disk.delete(
            name.decode(), bool(durably), lambda: self._real_delete(address, name, durably)
        )

    def _methods_instead_of(self, address: int) -> _Methods:
        """Our copy of the io_methods at `address`: the system has one table for each way of locking."""
        if address not in self._methods:
            self._methods[address] = self._copied(_Methods.from_address(address))
        return self._methods[address]

    def _copied(self, real: _Methods) -> _Methods:
        real_close, real_write = _CLOSE(real.xClose), _WRITE(real.xWrite)
        real_truncate = _TRUNCATE(real.xTruncate)

        def close(file: int) -> int:
            del self.paths[file]
            result: int = real_close(file)
            return result

        def write(file: int, buffer: int, amount: int, offset: int) -> int:
            def go(data: bytes) -> int:
                result: int = real_write(file, data, len(data), offset)
                return result

            return self._disk.write(self.paths[file], offset, ctypes.string_at(buffer, amount), go)

        def truncate(file: int, size: int) -> int:
            return self._disk.truncate(self.paths[file], size, lambda: real_truncate(file, size))

        def sync(file: int, _flags: int) -> int:
            return self._disk.sync(self.paths[file])

        ours = _Methods.from_buffer_copy(real)
        ours.iVersion = 2
        ours.xClose = self._pointer(_CLOSE, close, sqlite3.SQLITE_IOERR_CLOSE)
        ours.xWrite = self._pointer(_WRITE, write, sqlite3.SQLITE_IOERR_WRITE)
        ours.xTruncate = self._pointer(_TRUNCATE, truncate, sqlite3.SQLITE_IOERR_TRUNCATE)
        ours.xSync = self._pointer(_SYNC, sync, sqlite3.SQLITE_IOERR_FSYNC)
        return ours


def _library() -> ctypes.CDLL | None:
    """The SQLite that `_sqlite3` uses: linked to it, or inside it or the interpreter and visible."""
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    return library if hasattr(library, "sqlite3_vfs_register") else None


def missing() -> str:
    """Why there can be no disk of ours here; empty where there can."""
    return "" if _library() else "this Python carries an SQLite whose VFS cannot be reached from outside"


@contextmanager
def sqlite_upon(disk: Disk) -> Iterator[None]:
    """Every database that is opened within lies on this disk. Close them within, too.

    What the disk raised is raised at the end.
    """
    library = _library()
    assert library is not None
    registered = _Upon(library, disk)
    registered.register()
    try:
        yield
    finally:
        registered.unregister()
    if registered.raised:
        raise registered.raised[0]
    assert list(registered.paths.values()) == []
