"""A robot in a process of its own that asks for tokens: what of a secret is on the disk, and the audit."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot, rover_on_any_port
from tests.wire.gated import OnLines, OnWebSocket
from tests.wire.raw import upgraded

run = CliRunner().invoke


class Guarded:
    """What was said to a robot, and where everything that it wrote lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.robot_file = rover_on_any_port(folder)
        self.robot_file.write_text(self.robot_file.read_text() + "\naccess: {tokens: tokens.json}\n")
        self.good, self.revoked = (self.add(name) for name in ("alice", "bob"))
        self.bad = [self.good[:-4] + "aaaa", f"rbd_nobody22_{'canary' * 7}x", f"hush-{'canary' * 7}"]

    def add(self, name: str) -> str:
        done = run(app, ["token", "add", name, str(self.robot_file), "--role", "maintainer"])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    @property
    def secrets(self) -> list[str]:
        """All that may stand nowhere."""
        return [said.split("_", 2)[-1] for said in (self.good, self.revoked, *self.bad)]

    async def talk(self, robot: RunningRobot) -> list[tuple[str, str]]:
        """Say every token in every way there is; returns what came of each."""
        host, _, port = robot.tcp.removeprefix("tcp://").rpartition(":")
        web_port = int(robot.websocket.removeprefix("ws://").partition("/")[0].rpartition(":")[2])
        found = []
        for said in (self.good, *self.bad):
            lines = OnLines(*await asyncio.open_connection(host, int(port)))
            found.append(("tcp", await self._try(lines, said)))
            lines.close()
            async with upgraded(web_port) as client:
                found.append(("websocket", await self._try(OnWebSocket(client), said)))
            path = robot.unix.removeprefix("unix://")
            lines = OnLines(*await asyncio.open_unix_connection(path))
            found.append(("unix", await self._try(lines, said)))
            lines.close()
            page = await asyncio.to_thread(self._page, web_port, said)
            found.append(("http", page))
        return found

    async def _try(self, caller: OnLines | OnWebSocket, said: str) -> str:
        answer = await caller.call("hello", {"token": said, "client": "canary"})
        if "error" in answer:
            # Also in the wrong place, and as what it is not.
            await caller.call("hello", {"tokens": said})
            await caller.call("send", {"type": said[:64]})
            caller.write(said.encode())
            return str(answer["error"]["data"]["reason"])
        await caller.call("status")
        return str(answer["result"]["role"])

    def _page(self, port: int, said: str) -> str:
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics")
        asked.add_header("Authorization", f"Bearer {said}")
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return str(error.code)

    def everything(self) -> Iterator[tuple[Path, bytes]]:
        """Every file below the folder: state, journal, tokens, log."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder) / name
                if path.is_file():
                    yield path, path.read_bytes()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Guarded, list[tuple[str, str]]]:
    """A whole life of a robot, from its tokens to its end."""
    guarded = Guarded(tmp_path_factory.mktemp("guarded"))
    robot = RunningRobot(guarded.robot_file, "--sim", "--log-level", "debug")
    try:
        found = asyncio.run(guarded.talk(robot))
        done = run(app, ["token", "revoke", "bob", str(guarded.robot_file)])
        assert done.exit_code == 0, done.output
    finally:
        assert robot.end() == 0
    return guarded, found


def test_the_token_lets_in_everywhere_and_nothing_else_does(
    lived: tuple[Guarded, list[tuple[str, str]]],
) -> None:
    _, found = lived

    assert found[:4] == [(way, "maintainer") for way in ("tcp", "websocket", "unix")] + [("http", "200")]
    assert {came for _, came in found[4:]} <= {"unauthenticated", "busy", "401", "429"}


def test_no_secret_is_found_on_the_disk_but_its_hash(lived: tuple[Guarded, list[tuple[str, str]]]) -> None:
    guarded, _ = lived
    files = dict(guarded.everything())
    where = {
        (path.name, secret)
        for path, content in files.items()
        for secret in guarded.secrets
        if secret.encode() in content
    }
    hashed = sha256(guarded.good.split("_", 2)[2].encode()).hexdigest().encode()

    assert where == set()
    assert [path.name for path, content in files.items() if hashed in content] == ["tokens.json"]
    # It was all there to be found.
    assert {"tokens.json", "log", "journal.db"} <= {path.name for path in files}
    assert any(b"token:" in content for path, content in files.items() if path.name == "journal.db")


def audit(guarded: Guarded, *words: str) -> Any:
    [journal] = guarded.folder.rglob("journal.db")
    return run(app, ["audit", *words, "--journal", str(journal)])


def test_the_audit_says_who_came_and_who_did_not(lived: tuple[Guarded, list[tuple[str, str]]]) -> None:
    guarded, _ = lived
    rows = json.loads(audit(guarded, "list", "--json").stdout)
    bodies = [row["body"] for row in rows]
    token_id = guarded.good.split("_")[1]

    assert [body["n"] for body in bodies] == list(range(1, len(bodies) + 1))
    assert [body["what"] for body in bodies][:2] == ["started", "tokens.read"]
    assert {body["who"] for body in bodies if body["what"] == "token.accepted"} == {f"token:{token_id}"}
    assert {body["why"] for body in bodies if body["what"] == "token.refused"} >= {"wrong", "throttled"}


def test_the_audit_is_shown_and_proven(lived: tuple[Guarded, list[tuple[str, str]]]) -> None:
    guarded, _ = lived
    shown, proven = audit(guarded, "list", "-n", "3"), audit(guarded, "verify")
    as_json = json.loads(audit(guarded, "verify", "--json").stdout)

    assert len(shown.stdout.strip().splitlines()) == 4
    assert proven.stdout.startswith("ok  ")
    assert (proven.exit_code, as_json["ok"], as_json["faults"]) == (Exit.DONE, True, [])


def test_an_audit_row_that_was_taken_out_of_an_export_is_missed(
    lived: tuple[Guarded, list[tuple[str, str]]], tmp_path: Path
) -> None:
    guarded, _ = lived
    [journal] = guarded.folder.rglob("journal.db")
    done = run(app, ["journal", "export", "--journal", str(journal), "--kind", "audit"])
    lines = done.stdout.splitlines()
    file = tmp_path / "audit.jsonl"
    file.write_text("\n".join([*lines[:2], *lines[3:]]) + "\n")
    found = run(app, ["audit", "verify", "--journal", str(file)])

    assert found.exit_code == Exit.FAILED
    assert "audit row 3 is missing" in found.stdout
