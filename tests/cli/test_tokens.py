"""`robotd token`: no daemon is needed for it."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robotd.access.tokens import TokenFile
from robotd.cli import app
from robotd.cli.exits import Exit
from robotd.core.role import Role

run = CliRunner().invoke
ROBOT = "robot: rover\nmachine: {initial: idle, states: {idle: {}}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one robot in it, in which the commands are typed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rover.yaml").write_text(ROBOT + "access: {tokens: secret/tokens.json}\n")
    (tmp_path / "secret").mkdir()
    return tmp_path


def told(*words: object, code: Exit = Exit.DONE) -> str:
    done = run(app, ["token", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout if code is Exit.DONE else done.stderr


def found(said: str, folder: Path) -> Any:
    return TokenFile(folder / "secret" / "tokens.json").read().find(said, datetime.now(UTC)).token


@pytest.mark.parametrize("command", ["add", "list", "revoke"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert f"robotd token {command}" in told(command, "--help").partition("Example:")[2]


def test_a_token_is_printed_once_alone_on_its_line_and_counts(folder: Path) -> None:
    done = run(app, ["token", "add", "alice", "--role", "operator"])
    [said] = done.stdout.splitlines()

    token = found(said, folder)
    assert (token.name, token.role, token.expires) == ("alice", Role.OPERATOR, None)
    assert said not in done.stderr
    assert said.split("_", 2)[2] not in (folder / "secret" / "tokens.json").read_text()
    assert said not in told("list") + told("list", "--json")


def test_two_tokens_are_never_the_same() -> None:
    said = {told("add", f"holder{number}").strip() for number in range(5)}

    assert len({text[:12] for text in said}) == len({text[13:] for text in said}) == 5


def test_a_new_file_may_be_read_by_its_group_and_nobody_else(folder: Path) -> None:
    told("add", "alice")
    path = folder / "secret" / "tokens.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == ["tokens.json"]


def test_a_token_ends_when_it_was_said_to(folder: Path) -> None:
    said = json.loads(told("add", "alice", "--role", "viewer", "--expires", "30d", "--json"))
    token = found(said["token"], folder)

    assert token.expires - token.created == timedelta(days=30)
    assert (said["id"], said["name"], said["role"]) == (token.id, "alice", "viewer")
    assert said["expires"].endswith("Z")


def test_a_token_of_nobodys_wish_only_looks(folder: Path) -> None:
    assert found(told("add", "alice").strip(), folder).role is Role.VIEWER


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_token_that_is_revoked_counts_no_more_and_the_others_do(folder: Path, by: str) -> None:
    alice = json.loads(told("add", "alice", "--json"))
    bob = told("add", "bob").strip()

    assert "alice held as viewer" in told("revoke", alice[by])
    assert found(alice["token"], folder) is None
    assert found(bob, folder) is not None
    assert "alice" not in told("list")


def test_a_list_says_who_may_what_and_until_when() -> None:
    assert told("list", "--json", code=Exit.FAILED).endswith("`robotd token add` makes it\n")
    told("add", "alice", "--role", "operator")
    told("add", "bob", "--expires", "12h")
    lines = told("list").splitlines()

    assert lines[-2].split()[1:3] == ["alice", "operator"]
    assert lines[-2].rstrip().endswith("never")
    assert lines[-1].split()[1:3] == ["bob", "viewer"]
    assert [token["name"] for token in json.loads(told("list", "--json"))] == ["alice", "bob"]


def test_an_expired_one_is_shown_as_such(folder: Path) -> None:
    told("add", "alice", "--expires", "1s")
    path = folder / "secret" / "tokens.json"
    path.write_text(path.read_text().replace('"expires":"2', '"expires":"1'))

    assert "(expired)" in told("list")


def test_where_no_token_is_it_says_so() -> None:
    told("add", "alice")
    told("revoke", "alice")

    assert told("list") == "there are no tokens\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "a b"], "a name has up to 64"),
        (["add", ""], "a name has up to 64"),
        (["add", "alice", "--role", "king"], "king"),
        (["add", "alice", "--role", "stranger"], "stranger"),
        (["add", "alice", "--expires", "30"], "needs a number and a unit"),
        (["add", "alice", "--expires", "0s"], "not between a second and ten years"),
        (["add", "alice", "--expires", "9999999d"], "not between a second and ten years"),
        (["add", "alice", "rover.yaml", "--file", "x"], "either the robot's file or --file"),
        (["revoke", "nobody"], "has no token 'nobody'"),
        (["add"], "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(words: list[str], sentence: str) -> None:
    told("add", "somebody")

    assert sentence in told(*words, code=Exit.USAGE)


def test_a_name_is_given_once() -> None:
    told("add", "alice")

    assert "alice has a token already" in told("add", "alice", code=Exit.USAGE)


def test_a_word_that_is_the_name_of_one_and_the_id_of_another_revokes_neither() -> None:
    alice = json.loads(told("add", "alice", "--json"))
    told("add", alice["id"])

    assert "say the other word" in told("revoke", alice["id"], code=Exit.USAGE)
    assert len(json.loads(told("list", "--json"))) == 2


# -- which file


def test_the_robots_file_names_it_and_where_it_does_not_it_lies_beside_it(folder: Path) -> None:
    other = folder / "robots"
    other.mkdir()
    (other / "arm.yaml").write_text(ROBOT)
    done = run(app, ["token", "add", "alice", "robots/arm.yaml"])

    assert (other / "tokens.json").exists()
    assert "In the robot's file: access: {tokens: tokens.json}" in done.stderr


def test_the_file_may_be_named_itself(folder: Path) -> None:
    told("add", "alice", "--file", folder / "mine.json")

    assert [token.name for token in TokenFile(folder / "mine.json").read()] == ["alice"]


def test_a_robots_file_with_other_faults_keeps_nobody_from_revoking(folder: Path) -> None:
    told("add", "alice")
    (folder / "rover.yaml").write_text("robot: [\nmachine: 7\n")
    assert run(app, ["token", "revoke", "alice"]).exit_code == Exit.FILE_INVALID
    (folder / "rover.yaml").write_text("robot: 7\nmachine: 7\naccess: {tokens: secret/tokens.json}\n")

    assert "revoked" in told("revoke", "alice")


def test_a_broken_file_is_not_written_over(folder: Path) -> None:
    path = folder / "secret" / "tokens.json"
    path.write_text("{")

    assert "tokens.json" in told("add", "alice", code=Exit.FAILED)
    assert path.read_text() == "{"


def test_a_folder_that_is_not_there_is_said_in_a_sentence(folder: Path) -> None:
    assert "No such file" in told("add", "alice", "--file", folder / "no" / "t.json", code=Exit.FAILED)
