"""`robotd tls`, and the command line against a robot behind TLS in a process of its own."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.certified import Files, write_pair
from tests.cli.conftest import RunningRobot, rover_on_any_port

run = CliRunner().invoke
MANY_TIMES = 200
SECTION = "access: {certificate: certificate.pem, key: key.pem, tokens: tokens.json}\nguard: off\n"
"""Without a guard: it would end a daemon that waits 150 ms for a processor which other tests have."""
OTHER = "sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who runs the tests says which robot, or who they are."""
    for name in ("ROBOTD_URL", "ROBOTD_TOKEN", "ROBOTD_FINGERPRINT", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


# -- the certificate ----------------------------------------------------------------------------------------


def test_a_pair_is_made_beside_the_robots_file(tmp_path: Path) -> None:
    file = rover_on_any_port(tmp_path)

    made = run(app, ["tls", "self-signed", str(file), "--host", "robot.local", "--host", "192.0.2.7"])

    assert made.exit_code == Exit.DONE, made.stderr
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()
    assert f"export ROBOTD_FINGERPRINT=sha256:{digest}" in made.stdout
    assert "access:\n  certificate: certificate.pem\n  key: key.pem\n" in made.stdout
    assert "robot.local, 192.0.2.7" in made.stdout
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(path.suffix for path in tmp_path.iterdir()).count(".new") == 0


def test_what_it_says_for_a_script_is_what_the_certificate_says(tmp_path: Path) -> None:
    said = json.loads(run(app, ["tls", "self-signed", str(tmp_path), "--days", "7", "--json"]).stdout)

    certificate = said["certificate"]
    assert certificate == str(tmp_path / "certificate.pem")
    assert {"localhost", "127.0.0.1", "::1"} < set(said["hosts"])
    assert timedelta(days=6) < datetime.fromisoformat(said["ends"]) - datetime.now(UTC) < timedelta(days=7)
    assert run(app, ["tls", "fingerprint", certificate]).stdout.strip() == said["fingerprint"]
    shown = json.loads(run(app, ["tls", "fingerprint", certificate, "--json"]).stdout)
    assert shown == {name: said[name] for name in shown}


@pytest.mark.parametrize("there", ["key.pem", "certificate.pem"])
def test_what_is_there_is_not_replaced_unasked(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")

    refused = run(app, ["tls", "self-signed", str(tmp_path)])
    kept = [(path.name, path.read_text()) for path in tmp_path.iterdir()]
    forced = run(app, ["tls", "self-signed", str(tmp_path), "--force"])

    assert (refused.exit_code, kept) == (Exit.USAGE, [(there, "precious")])
    assert "--force" in refused.stderr
    assert forced.exit_code == Exit.DONE
    assert "precious" not in (tmp_path / there).read_text()
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["self-signed", "{}", "--host", "a..b"], Exit.USAGE),
        (["self-signed", "{}", "--days", "0"], Exit.USAGE),
        (["self-signed", "{}/nowhere/robot.yaml"], Exit.FAILED),
        (["fingerprint", "{}/nowhere.pem"], Exit.FAILED),
        (["fingerprint", "{}"], Exit.FAILED),
    ],
)
def test_what_cannot_be_done_leaves_nothing(tmp_path: Path, words: list[str], code: Exit) -> None:
    ended = run(app, ["tls", *(word.format(tmp_path) for word in words)])

    assert (ended.exit_code, list(tmp_path.iterdir())) == (code, [])
    assert str(tmp_path) in ended.stderr or code is Exit.USAGE


# -- every command that talks -------------------------------------------------------------------------------


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_command_with_a_url_takes_a_fingerprint_and_a_token_file_and_none_a_token() -> None:
    talking = {}
    for path, command in commands(get_command(app)):
        names = [option for parameter in command.params for option in parameter.opts]
        assert "--token" not in names
        talking[path] = [name for name in ("--url", "--fingerprint", "--token-file") if name in names]

    assert all(found in ([], ["--url", "--fingerprint", "--token-file"]) for found in talking.values())
    assert sum(map(bool, talking.values())) >= 14


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["status", "--url", "tcps://robot.local", "--fingerprint", "abc"], "not a fingerprint"),
        (["status", "--token-file", "/nowhere"], "/nowhere: No such file"),
        (["journal", "tail", "--url", "tcp://192.0.2.7", "--fingerprint", OTHER], "without TLS"),
        (["send", "--raw", "-", "--url", "ws://192.0.2.7", "--fingerprint", OTHER], "without TLS"),
        (["why", "--url", "tcp://192.0.2.7", "--fingerprint", OTHER], "without TLS"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anybody_is_asked(words: list[str], sentence: str) -> None:
    ended = run(app, words)

    assert ended.exit_code == Exit.USAGE
    assert sentence in re.sub(r"[\s│]+", " ", ended.stderr)


def test_a_token_never_leaves_this_machine_in_the_open_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROBOTD_TOKEN", "rbd_canary_secret")

    for words in (["status"], ["stop"], ["send", "arm"], ["journal", "tail"], ["dead", "drop", "7"]):
        ended = run(app, [*words, "--url", "tcp://192.0.2.7:8081"])
        assert (ended.exit_code, "canary" in ended.output + ended.stderr) == (Exit.USAGE, False)


# -- a robot behind TLS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_pair(tmp_path_factory.mktemp("rover"), days=90)


@pytest.fixture(scope="module")
def rover(files: Files) -> Path:
    file = rover_on_any_port(files.certificate.parent)
    file.write_text(file.read_text() + SECTION)
    return file


@pytest.fixture(scope="module")
def token(rover: Path) -> str:
    return run(app, ["token", "add", "alice", str(rover), "--role", "maintainer"]).stdout.strip()


@pytest.fixture(scope="module")
def robot_behind_tls(rover: Path, token: str) -> Iterator[RunningRobot]:
    running = RunningRobot(rover, "--sim")
    yield running
    assert running.end() == 0


@pytest.fixture
def behind_tls(robot_behind_tls: RunningRobot, token: str, monkeypatch: pytest.MonkeyPatch) -> RunningRobot:
    """A robot that speaks TLS and asks for tokens, and a user of it who has one."""
    monkeypatch.setenv("ROBOTD_TOKEN", token)
    return robot_behind_tls


def urls(robot: RunningRobot) -> list[str]:
    return [robot.websocket, f"tcps://{robot.ready.split()[3]}"]


def test_the_ready_line_says_that_tls_is_spoken(behind_tls: RunningRobot) -> None:
    assert re.match(r"ready  wss://127\.0\.0\.1:\d+/ws  tcps 127\.0\.0\.1:\d+  ", behind_tls.ready)


def test_the_robot_with_the_pinned_fingerprint_is_talked_to(
    behind_tls: RunningRobot, files: Files, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in urls(behind_tls):
        pinned = run(app, ["status", "--json", "--url", url, "--fingerprint", files.fingerprint])
        assert json.loads(pinned.stdout)["robot"] == "rover"
    monkeypatch.setenv("ROBOTD_FINGERPRINT", files.fingerprint)
    for words in (["status"], ["why"], ["journal", "tail"], ["dead", "list"], ["journal", "verify"]):
        assert run(app, [*words, "--url", urls(behind_tls)[1]]).exit_code == Exit.DONE, words
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {"token": token}})
    piped = run(app, ["send", "--raw", "-", "--url", urls(behind_tls)[1]], input=f"{hello}\nstatus\n")
    assert [json.loads(line).get("robot") for line in piped.stdout.splitlines()] == [None, "rover"]


def test_the_unix_socket_stays_plain(behind_tls: RunningRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOTD_FINGERPRINT", OTHER)

    assert run(app, ["status", "--url", behind_tls.unix]).exit_code == Exit.DONE


def test_a_stranger_is_told_where_a_token_goes_and_may_stop_the_robot(
    behind_tls: RunningRobot, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROBOTD_TOKEN")
    for url in urls(behind_tls):
        where = ["--url", url, "--fingerprint", files.fingerprint]
        for words in (["status"], ["send", "arm"], ["journal", "tail"], ["why"], ["reset", "--yes"]):
            refused = run(app, [*words, *where])
            assert refused.exit_code == Exit.REFUSED, words
            assert "unauthenticated" in refused.stderr
            assert "it goes into $ROBOTD_TOKEN, or a file for --token-file" in refused.stderr
        stopped = run(app, ["stop", *where, "--json"])
        assert json.loads(stopped.stdout)["latch_id"]


def test_a_token_may_stand_in_a_file_of_its_own(
    behind_tls: RunningRobot, files: Files, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOTD_TOKEN", "rbd_another_one")
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    where = ["--url", urls(behind_tls)[1], "--fingerprint", files.fingerprint, "--token-file", str(file)]
    file.chmod(0o600)
    private = run(app, ["status", *where])
    file.chmod(0o644)
    public = run(app, ["status", *where])

    assert (private.exit_code, public.exit_code) == (Exit.DONE, Exit.USAGE)
    assert "chmod 600" in public.stderr
    assert token not in private.output + public.output + behind_tls.log.read_text()


def test_each_way_not_to_come_in_ends_with_one_sentence(behind_tls: RunningRobot) -> None:
    websocket, tcp = urls(behind_tls)
    sentences = {
        (websocket, OTHER): "not the robot that was pinned",
        (tcp, OTHER): "not the robot that was pinned",
        (websocket, None): "signed by itself; pin it",
        (tcp, None): "signed by itself; pin it",
        (websocket.replace("wss:", "ws:"), None): "connect with wss://",
        (tcp.replace("tcps:", "tcp:"), None): "connect with tcps://",
    }
    for (url, fingerprint), sentence in sentences.items():
        pin = [] if fingerprint is None else ["--fingerprint", fingerprint]
        ended = run(app, ["status", "--url", url, *pin])

        assert (ended.exit_code, ended.stderr.count("\n")) == (Exit.CANNOT_CONNECT, 1), ended.stderr
        assert sentence in ended.stderr


# -- a new certificate while it runs ------------------------------------------------------------------------


def log_lines(robot: RunningRobot, event: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in robot.log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


def until(true: Callable[[], bool]) -> None:
    """Wait for another process."""
    tries = 0
    while not true():
        tries += 1
        assert tries < MANY_TIMES


def test_sighup_takes_a_new_certificate_and_keeps_the_old_one_for_an_unusable(
    behind_tls: RunningRobot, files: Files
) -> None:
    def answers(fingerprint: str) -> bool:
        pinned = ["--url", urls(behind_tls)[1], "--fingerprint", fingerprint]
        return run(app, ["status", *pinned]).exit_code == Exit.DONE

    first = files.fingerprint
    write_pair(files.certificate.parent, days=90)
    second = files.fingerprint
    assert (answers(first), answers(second)) == (True, False)

    behind_tls.process.send_signal(signal.SIGHUP)
    until(lambda: answers(second))
    assert not answers(first)

    files.key.write_text("no key")
    behind_tls.process.send_signal(signal.SIGHUP)
    until(lambda: answers(second) and bool(log_lines(behind_tls, "the certificate stays as it was")))
    assert answers(second)
    assert "key.pem cannot be used" in log_lines(behind_tls, "the certificate stays as it was")[0]["why"]
    told = [line["fingerprint"] for line in log_lines(behind_tls, "certificate")]
    assert told == [first, second]
