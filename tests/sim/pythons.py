"""Other versions of Python on this machine, each with what robotd needs to run, for tests across versions."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[2]
CONSTRAINTS = PROJECT / ".ci" / "constraints.txt"
INSTALL_S = 240


class NotThere(Exception):  # noqa: N818  # it says what it is
    """Why there is no such Python here."""


def python_with_robotd(version: str) -> Path:
    """An interpreter of that version, `3.12`, that can import what robotd needs; made once.

    Raises `NotThere`.
    """
    needed = _needed_constraints()
    key = hashlib.sha256(needed.encode()).hexdigest()[:12]
    folder = PROJECT / ".venv" / "others" / f"python{version}-{key}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        found = _interpreter(version)
        shutil.rmtree(folder, ignore_errors=True)
        _run([str(found), "-m", "venv", str(folder)], f"python{version} cannot make a virtual environment")
        wanted = folder / "needed.txt"
        wanted.write_text(needed)
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
        install = [str(python), "-m", "pip", "install", *options, "--require-hashes", "-r", str(wanted)]
        _run(install, f"the dependencies cannot be installed for python{version}")
        ready.touch()
    return python


def _interpreter(version: str) -> Path:
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    on_path = shutil.which(f"python{version}")
    for candidate in [*managed, *([Path(on_path)] if on_path else [])]:
        asked = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if asked.returncode == 0:
            return candidate
    raise NotThere(f"python{version} with venv is not installed here")


def _run(command: list[str], why: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotThere(f"{why}: not within {INSTALL_S} s") from None
    if done.returncode:
        raise NotThere(f"{why}: {done.stderr.strip().splitlines()[-1:]}")


def _needed_constraints() -> str:
    """Of the locked packages those that robotd itself needs, with their hashes."""
    entries = re.split(r"\n(?=\S)", CONSTRAINTS.read_text().strip())
    by_name = {_plain(re.split(r"[=\s\[]", entry)[0]): entry for entry in entries}
    needed: dict[str, None] = {}
    waiting = ["robotd"]
    while waiting:
        for text in requires(waiting.pop()) or ():
            requirement = Requirement(text)
            name = _plain(requirement.name)
            here = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if here and name in by_name and name not in needed:
                needed[name] = None
                waiting.append(name)
    return "\n".join(by_name[name] for name in sorted(needed)) + "\n"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print(python_with_robotd(sys.argv[1]))  # noqa: T201  # to try it by hand
