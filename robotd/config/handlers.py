"""The user's own Python: imports the files under `handlers:` and finds what `@handler` marked in them.

Anything wrong in such a file is a fault of the robot's file, said at its entry, with the Python file's line.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from robotd.config.place import Place
from robotd.core.action import SignatureError, handler_info

Handlers = dict[str, Callable[..., Any]]


def load_handlers(place: Place, folder: Path) -> tuple[Handlers, bool]:
    """Every handler by name, and whether all files under `handlers:` were sound. They lie in `folder`."""
    handlers: Handlers = {}
    sound = True
    for entry in place.elements():
        module = _load(entry, folder)
        marked = {} if module is None else _marked(module)
        sound = sound and bool(marked)
        if module is not None and not marked:
            hint = (
                "write '@handler' (from robotd import handler) above each function that the machine may run"
            )
            entry.refuse(f"no function in {entry.value} is a handler", hint)
        for name, function in marked.items():
            if handlers.setdefault(name, function) is not function:
                entry.refuse(f"there is already a handler '{name}' in another file", "rename one of the two")
    return handlers, sound


def _marked(module: ModuleType) -> Handlers:
    return {value.__name__: value for value in vars(module).values() if handler_info(value)}


def _load(entry: Place, folder: Path) -> ModuleType | None:
    file = entry.value
    if not isinstance(file, str) or not file.endswith(".py"):
        entry.refuse("the name of a Python file is due here", "for example: patrol.py")
        return None
    path = folder / file
    try:
        source = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        entry.refuse(f"{file} cannot be read: {reason}", f"it is looked for as {path}")
        return None
    return _execute(entry, path, source)


def _execute(entry: Place, path: Path, source: bytes) -> ModuleType | None:
    """Run the file as a module of a name of its own. No bytecode is written: the folder may be read-only."""
    full = path.resolve()
    module = ModuleType(f"robotd_handlers_{path.stem}_{crc32(bytes(full)):08x}")
    module.__file__ = str(full)
    sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up there
    try:
        with _importing_from(full.parent):
            exec(compile(source, str(full), "exec"), module.__dict__)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        entry.refuse(f"{entry.value}{line}: {error.msg}")
    except SignatureError as error:  # raised by `@handler` itself
        entry.refuse(f"{entry.value}, line {_line_in(full, error)}: {error.sentence}", error.hint)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        entry.refuse(f"{entry.value}, line {_line_in(full, error)}: {what}")
    else:
        return module
    del sys.modules[module.__name__]
    return None


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let a user's file import its neighbours. They come last, so that they shadow no installed module."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):  # the file may have taken it out itself
            sys.path.remove(str(folder))


def _line_in(path: Path, error: BaseException) -> int:
    """The line of `path` that was running when `error` was raised, there or in what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(path)), 1)
