"""The files that a verb may be given by name: those in the folder of the robot's file, and no others."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NotWithin(ValueError):
    """A name that leads to no file within the folder. The message is a sentence without the device's name."""


def path_within(folder: Path | None, name: str) -> Path:
    """The path of the file `name`, which need not exist, in `folder` or below it.

    Raises `NotWithin` for one that lies elsewhere, links counted as what they lead to, and without a folder.
    """
    if folder is None:
        raise NotWithin("it was given no folder in which its files are")
    if not name or "\x00" in name:
        raise NotWithin("the name of a file is due; it lies in the folder of the robot's file")
    root = folder.resolve()
    path = (root / name).resolve()
    if root not in path.parents:
        raise NotWithin(f"'{name}' does not lie in the folder of the robot's file, {root}")
    return path


def read_within(folder: Path | None, name: str, limit_bytes: int) -> str:
    """The text of the file `name`, at most `limit_bytes` long. Raises `NotWithin`, also where it has none."""
    path = path_within(folder, name)
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise NotWithin(f"'{name}' cannot be read: {error.strerror}; its folder is {path.parent}") from None
    if len(data) > limit_bytes:
        raise NotWithin(f"'{name}' is longer than {limit_bytes} bytes; cut it into several")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotWithin(f"'{name}' is no text in UTF-8") from None


def require_writable(folder: Path | None, name: str) -> None:
    """Raise `NotWithin` where `write_within` could not write the file `name` now. Leaves all as it is."""
    path = path_within(folder, name)
    with _written(path, name) as part:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        part.touch()
        part.unlink()


def write_within(folder: Path | None, name: str, text: str) -> None:
    """Write the file `name`, in place of what it was once all is written.

    Raises `NotWithin`, also where that is not possible; what it was is kept then.
    """
    path = path_within(folder, name)
    with _written(path, name) as part:
        part.write_text(text, encoding="utf-8")
        part.replace(path)


@contextmanager
def _written(path: Path, name: str) -> Iterator[Path]:
    """Where to write what becomes the file."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        where = f"its folder is {path.parent}"
        raise NotWithin(f"'{name}' cannot be written: {error.strerror}; {where}") from None
