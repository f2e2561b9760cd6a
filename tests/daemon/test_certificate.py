"""The daemon's own certificate: what keeps it from starting, and what it says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from robotd import log
from robotd.config import load
from robotd.daemon import CannotStart, Daemon, Ready, Surroundings
from tests import virtual
from tests.certified import Files, write_pair
from tests.cli.conftest import rover_on_any_port

SECTION = "access: {certificate: certificate.pem, key: key.pem}\n"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Said = list[tuple[str, str, dict[str, Any]]]


def run(folder: Path, body: Callable[[Daemon], None]) -> tuple[Ready, Said]:
    """Let a rover with `SECTION` in its file start, do `body`, and end; gives what it told, and its log."""
    file = rover_on_any_port(folder)
    # The folder of its socket need not be this user's.
    file.write_text(file.read_text().replace("unix: robotd.sock", "unix: off") + SECTION)

    async def story() -> tuple[Ready, Said]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.SimulationLoop)
        said: Said = []
        surroundings = Surroundings(
            wall_clock=lambda: NOW,
            listen=loop.network.listen,
            log=log.telling(lambda level, event, rest: said.append((level, event, dict(rest)))),
        )
        config = load(file)
        daemon, stop = Daemon(config, simulated=config.boards, surroundings=surroundings), asyncio.Event()
        told: list[Ready] = []

        def ready(what: Ready) -> None:
            told.append(what)
            body(daemon)
            stop.set()

        await daemon.run(ready, stop)
        return told[0], said

    return virtual.run(story())


def of_certificate(said: Said) -> list[tuple[str, str, dict[str, Any]]]:
    return [line for line in said if "certificate" in line[1]]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda files: files.certificate.unlink(), r"certificate\.pem cannot be read: No such file"),
        (lambda files: files.key.unlink(), r"key\.pem cannot be read: No such file"),
        (lambda files: files.key.chmod(0o644), "chmod 600"),
        (lambda files: files.key.write_text("no key"), r"key\.pem cannot be used"),
        (lambda files: write_pair(files.key.parent, now=NOW - timedelta(days=9)), "ended at 2026-02-22"),
    ],
    ids=["no certificate", "no key", "open to all", "no PEM", "ended"],
)
def test_an_unusable_certificate_is_why_a_robot_does_not_start(
    tmp_path: Path, spoil: Callable[[Files], object], sentence: str
):
    spoil(write_pair(tmp_path, now=NOW))

    with pytest.raises(CannotStart, match=sentence):
        run(tmp_path, lambda _: None)


def test_its_fingerprint_and_its_end_are_told_at_the_start_and_when_it_is_read_again(tmp_path: Path):
    first = write_pair(tmp_path, now=NOW, days=90).fingerprint

    def renew(daemon: Daemon) -> None:
        write_pair(tmp_path, now=NOW, days=20)
        daemon.reload()

    ready, said = run(tmp_path, renew)
    second = Files(tmp_path / "certificate.pem", tmp_path / "key.pem").fingerprint
    told = [(level, rest.get("fingerprint"), rest.get("ends")) for level, _, rest in of_certificate(said)]

    assert ready.tls
    assert told == [
        ("info", first, "2026-05-30"),
        ("info", second, "2026-03-21"),
        ("warning", None, None),
    ]


def test_an_unusable_new_one_is_told_and_changes_nothing(tmp_path: Path):
    files = write_pair(tmp_path, now=NOW, days=90)

    def spoil(daemon: Daemon) -> None:
        files.key.unlink()
        daemon.reload()

    _, said = run(tmp_path, spoil)
    level, event, rest = of_certificate(said)[-1]

    assert (level, event) == ("warning", "the certificate stays as it was")
    assert "key.pem cannot be read" in rest["why"]
