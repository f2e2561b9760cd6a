"""The command line against a simulated rover in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner

from robotd.cli import app, raw
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot, rover_on_any_port, tries

run = CliRunner().invoke
MANY_S = 20.0


@pytest.fixture(autouse=True)
def ready_robot(robot: RunningRobot, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test finds the robot disarmed, and talks to it without saying where it is."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(robot.folder))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    yield
    if status()["latch"] is not None:
        reset()
    if status()["state"] != "disarmed":
        assert run(app, ["send", "disarm"]).exit_code == Exit.DONE


def reset() -> None:
    """Lift the latch; everything must have been at rest for half a second."""
    for _ in tries():
        if run(app, ["reset", "--yes"]).exit_code == Exit.DONE:
            return
    pytest.fail(f"still latched: {run(app, ['reset', '--yes']).stderr}")


def status() -> Any:
    return json.loads(run(app, ["status", "--json"]).stdout)


def speed() -> float:
    return float(status()["devices"]["base"]["readings"]["linear"]["value"])


def test_run_says_in_one_line_where_it_listens(robot: RunningRobot) -> None:
    assert re.fullmatch(r"ready  ws://127\.0\.0\.1:\d+/ws  tcp 127\.0\.0\.1:\d+  \(simulated\)", robot.ready)


def test_sighup_ends_nothing_where_there_is_nothing_to_read_again(robot: RunningRobot) -> None:
    robot.process.send_signal(signal.SIGHUP)

    assert [status()["state"] for _ in range(3)] == ["disarmed"] * 3
    assert robot.process.poll() is None


def test_the_same_id_again_says_what_became_of_it_and_runs_nothing() -> None:
    first = run(app, ["send", "arm", "--id", "today", "--json"])
    assert run(app, ["send", "disarm"]).exit_code == Exit.DONE
    again = run(app, ["send", "arm", "--id", "today", "--json"])
    other = run(app, ["send", "patrol", "--id", "today", "--json"])

    assert json.loads(again.stdout)["seq"] == json.loads(first.stdout)["seq"]
    assert status()["state"] == "disarmed"
    assert (other.exit_code, "id_conflict" in other.stdout + other.stderr) == (Exit.REFUSED, True)


@pytest.mark.parametrize(
    ("journal", "complaint"),
    [
        ([], "is written by the daemon of rover (process {pid})"),
        (["--journal", "memory"], "is held by another daemon of this robot (pid {pid})"),
    ],
)
def test_a_second_daemon_of_the_same_robot_cannot_start(
    robot: RunningRobot, journal: list[str], complaint: str
) -> None:
    before = status()
    folders = {"XDG_RUNTIME_DIR": str(robot.folder / "other"), "XDG_STATE_HOME": str(robot.folder / "state")}
    second = subprocess.run(
        [sys.executable, "-m", "robotd", "run", str(robot.folder / "rover.yaml"), "--sim", *journal],
        env=os.environ | folders,
        capture_output=True,
        text=True,
    )

    assert (second.returncode, second.stdout) == (Exit.FAILED, "")
    assert complaint.format(pid=robot.process.pid) in second.stderr
    after = status()
    assert before["journal"]["boot"] == after["journal"]["boot"]
    assert before["guard"]["starts"] == after["guard"]["starts"]


@pytest.mark.parametrize("transport", ["unix", "tcp", "websocket"])
def test_every_transport_leads_to_the_same_robot(robot: RunningRobot, transport: str) -> None:
    answer = run(app, ["status", "--json", "--url", getattr(robot, transport)])

    assert json.loads(answer.stdout)["robot"] == "rover"


def test_a_goal_beyond_a_limit_is_refused_with_the_limit_and_its_unit() -> None:
    run(app, ["send", "arm"])
    for _ in range(5):
        refused = run(app, ["send", "look", "angle=100 deg"])
        assert refused.exit_code == Exit.FAILED
        assert "look  failed" in refused.stdout
        assert "angle 1.7453292519943295 is beyond the limit of 1.39626 rad" in refused.stdout
    started = run(app, ["send", "look", "angle=-70 deg"])

    assert (started.exit_code, "look  started" in started.stdout) == (Exit.DONE, True)


def test_status_is_readable() -> None:
    shown = run(app, ["status"])

    assert shown.exit_code == Exit.DONE, shown.output
    assert "main: disarmed" in shown.stdout
    assert re.search(r"arduino +online +simulated", shown.stdout)
    assert re.search(r"battery +analog_input .*value 1\d(\.\d+)? V", shown.stdout)
    assert "queue: empty" in shown.stdout


def test_arm_and_drive_and_the_robot_says_what_it_really_sent() -> None:
    assert run(app, ["send", "arm"]).exit_code == Exit.DONE

    sent = run(app, ["send", "drive", "linear=200 mm/s", "--json"])

    answer = json.loads(sent.stdout)
    assert sent.exit_code == Exit.DONE
    assert answer["type"] == "drive"
    assert answer["stage"] in {"started", "done"}
    assert status()["state"] == "armed.teleop"


def test_a_stream_of_setpoints_ends_with_the_robot_at_rest() -> None:
    run(app, ["send", "arm"])

    streamed = run(app, ["send", "drive", "linear=0.1", "--for", "500ms", "--json"])

    assert streamed.exit_code == Exit.DONE, streamed.output
    assert 5 <= json.loads(streamed.stdout)["sent"] <= 11
    assert speed() == 0.0


def test_ctrl_c_ends_a_stream_and_the_robot_stops(robot: RunningRobot) -> None:
    run(app, ["send", "arm"])
    words = ["send", "drive", "linear=0.05", "--for", "1h", "--url", robot.unix]
    streaming = subprocess.Popen([sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, text=True)
    while speed() == 0.0:
        assert streaming.poll() is None

    streaming.send_signal(signal.SIGINT)
    said, _ = streaming.communicate(timeout=MANY_S)

    assert streaming.returncode == Exit.DONE
    assert "then stopped" in said
    assert speed() == 0.0


def test_ctrl_c_cancels_a_motion_that_was_waited_for(robot: RunningRobot) -> None:
    run(app, ["send", "arm"])
    words = ["send", "look", "angle=80 deg", "--wait", "done", "--url", robot.unix]
    waiting = subprocess.Popen([sys.executable, "-m", "robotd", *words], stderr=subprocess.PIPE, text=True)
    while not status()["devices"]["mast"]["readings"]["moving"]["value"]:
        if waiting.poll() is not None:
            pytest.skip("the mast was there before anybody could interrupt it")

    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=MANY_S)

    assert waiting.returncode == Exit.FAILED
    assert "cancelled" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["drive", "linear=0.1"], "not_in_this_state"),
        (["fly"], "invalid_params"),
        (["arm", "speed=1"], "invalid_params"),
    ],
)
def test_what_the_robot_refuses_says_why(words: list[str], reason: str) -> None:
    refused = run(app, ["send", *words])

    assert refused.exit_code == Exit.REFUSED
    assert f"refused ({reason})" in refused.stderr


def test_a_refusal_can_be_read_by_a_script() -> None:
    refused = run(app, ["send", "drive", "linear=0.1", "--json"])

    error = json.loads(refused.stdout)["error"]
    assert refused.exit_code == Exit.REFUSED
    assert (error["data"]["reason"], error["data"]["state"]) == ("not_in_this_state", ["disarmed", "ok"])


def test_a_limit_is_told_with_its_unit() -> None:
    run(app, ["send", "arm"])

    refused = run(app, ["send", "drive", "linear=5"])

    assert refused.exit_code in {Exit.REFUSED, Exit.FAILED}
    assert "m/s" in refused.output


def test_stop_shows_evidence_and_latches_and_reset_lifts_it() -> None:
    run(app, ["send", "arm"])
    stopped = run(app, ["stop", "--reason", "a test"])

    assert stopped.exit_code == Exit.DONE
    assert re.search(r"left +confirmed", stopped.stdout)
    latch = status()["latch"]
    assert latch["reason"] == "a test"

    drive = run(app, ["send", "arm"])
    assert drive.exit_code == Exit.REFUSED
    assert "refused (latched)" in drive.stderr

    asked = run(app, ["reset"], input="")
    assert asked.exit_code == Exit.USAGE
    assert latch["latch_id"] in asked.stderr
    assert run(app, ["reset", "not-this-one"]).exit_code == Exit.REFUSED
    reset()
    assert status()["state"] == "disarmed"


def test_stop_can_be_read_by_a_script() -> None:
    answer = json.loads(run(app, ["stop", "--json"]).stdout)

    assert {"latch_id", "evidence"} <= answer.keys()


def test_reset_without_a_latch_does_nothing() -> None:
    assert run(app, ["reset"]).stdout == "not latched: nothing to reset\n"
    assert json.loads(run(app, ["reset", "--json"]).stdout) == {"latch": None}


@pytest.mark.parametrize("transport", ["unix", "tcp", "websocket"])
def test_raw_lines_go_as_they_are_and_each_is_answered(robot: RunningRobot, transport: str) -> None:
    lines = '{"type":"arm","id":"one"}\n\n{"jsonrpc":"2.0","id":7,"method":"status"}\nnonsense\n'

    done = run(app, ["send", "--raw", "-", "--url", getattr(robot, transport)], input=lines)

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == Exit.DONE
    assert {"one", 7, None} == {answer.get("id") for answer in answers}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("quiet_s", [0.001, 3600.0])
def test_raw_lines_over_a_line_transport_end_with_the_last_answer_and_not_with_a_quiet_time(
    robot: RunningRobot, transport: str, quiet_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "QUIET_S", quiet_s)
    words = ["send", "--raw", "-", "--url", getattr(robot, transport)]
    run(app, ["send", "arm"])
    for angle in ("-0.3", "0.3"):
        look = {"type": "look", "payload": {"angle": angle + " rad"}, "wait": "done"}
        done = run(app, words, input=json.dumps(look) + "\n")

        assert done.exit_code == Exit.DONE
        assert json.loads(done.stdout)["stage"] == "done"


def test_watch_tells_the_present_first_and_then_each_change(robot: RunningRobot) -> None:
    words = ["watch", "state", "--json", "--url", robot.unix]
    watching = subprocess.Popen([sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None

    before = json.loads(watching.stdout.readline())
    run(app, ["send", "arm"])
    after = json.loads(watching.stdout.readline())
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=MANY_S)

    assert [before["data"]["state"], after["data"]["state"]] == ["disarmed", "armed.teleop"]
    assert watching.returncode == Exit.DONE


def _read_to(word: str, lines: IO[str]) -> str:
    said = ""
    for line in lines:
        said += line
        if word in line:
            return said
    pytest.fail(f"it ended before it said {word!r}: {said}")


def test_watch_is_readable(robot: RunningRobot) -> None:
    words = ["watch", "state", "stage", "reading.*", "--url", robot.unix]
    watching = subprocess.Popen([sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    said = _read_to("battery", watching.stdout)
    run(app, ["send", "arm"])
    said += _read_to("done", watching.stdout)

    watching.terminate()
    watching.communicate(timeout=MANY_S)

    assert re.search(r"^state +(main: )?disarmed", said, re.MULTILINE)
    assert re.search(r"^battery +value 1\d(\.\d+)? V", said, re.MULTILINE)
    assert watching.returncode == Exit.DONE


def test_watch_ends_when_the_robot_goes(tmp_path: Path) -> None:
    other = RunningRobot(rover_on_any_port(tmp_path), "--sim")
    words = ["watch", "state", "--json", "--url", other.unix]
    watching = subprocess.Popen(
        [sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    watching.stdout.readline()

    assert other.end(signal.SIGINT) == Exit.DONE
    _, said = watching.communicate(timeout=MANY_S)

    assert watching.returncode == Exit.CANNOT_CONNECT
    assert "connection lost" in said
    assert "Traceback" not in said


def test_a_second_daemon_on_a_port_says_who_is_there(robot: RunningRobot, tmp_path: Path) -> None:
    file = rover_on_any_port(tmp_path)
    taken = robot.tcp.removeprefix("tcp://")
    file.write_text(file.read_text().replace("tcp: 127.0.0.1:0", f"tcp: {taken}"))
    environ = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}

    second = subprocess.run(
        [sys.executable, "-m", "robotd", "run", str(file), "--sim"],
        capture_output=True,
        text=True,
        env=environ,
        timeout=MANY_S,
    )

    assert second.returncode == Exit.FAILED
    assert taken in second.stderr
    assert "Traceback" not in second.stderr


def test_systemd_hears_that_it_is_ready_that_it_lives_and_that_it_stops(tmp_path: Path) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.settimeout(MANY_S)
    systemd.bind(str(tmp_path / "notify"))
    watched = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}

    service = RunningRobot(rover_on_any_port(tmp_path), "--sim", **watched)
    up = heard_until("READY=1", systemd)
    assert service.end() == Exit.DONE
    down = heard_until("STOPPING=1", systemd)
    systemd.close()

    assert up[-1] == f"READY=1\nSTATUS={service.ready}"
    assert "WATCHDOG=1" in up
    assert set(down[:-1]) <= {"WATCHDOG=1"}


def heard_until(word: str, systemd: socket.socket) -> list[str]:
    """Every datagram up to the first that begins with `word`."""
    heard: list[str] = []
    while not heard or not heard[-1].startswith(word):
        heard.append(systemd.recv(4096).decode())
    return heard


def test_the_log_is_json_where_nobody_looks(robot: RunningRobot) -> None:
    run(app, ["send", "arm"])

    lines = [json.loads(line) for line in robot.log.read_text().splitlines()]

    assert all("event" in line for line in lines)


def test_a_twin_is_served_to_a_daemon_through_a_pseudo_terminal(tmp_path: Path) -> None:
    file = rover_on_any_port(tmp_path)
    port = tmp_path / "arduino"
    twin = subprocess.Popen(
        [sys.executable, "-m", "robotd", "twin", str(file), "arduino", "--pty", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert twin.stdout is not None
    assert twin.stdout.readline() == f"ready  arduino on {port}\n"

    real = RunningRobot(file, "--port", f"arduino={port}")
    board = json.loads(run(app, ["status", "--json", "--url", real.unix]).stdout)["boards"]["arduino"]

    assert real.end() == Exit.DONE
    twin.terminate()
    twin.communicate(timeout=MANY_S)
    assert twin.returncode == Exit.DONE
    assert (board["state"], board["simulated"]) == ("online", False)
    assert "simulated" not in real.ready
    assert not port.is_symlink()


def test_a_twin_is_served_on_a_tcp_port(tmp_path: Path) -> None:
    twin = subprocess.Popen(
        [sys.executable, "-m", "robotd", "twin", "example:rover", "arduino", "--tcp", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert twin.stdout is not None
    said = twin.stdout.readline()

    twin.send_signal(signal.SIGINT)
    twin.communicate(timeout=MANY_S)

    assert re.fullmatch(r"ready  arduino on \S*127\.0\.0\.1:[1-9]\d*\n", said)
    assert twin.returncode == Exit.DONE


def test_who_keeps_the_lease_keeps_everybody_else_from_moving_it(robot: RunningRobot) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-m", "robotd", "lease", "--keep"],
        env=os.environ | {"XDG_RUNTIME_DIR": str(robot.folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout is not None
    assert "the lease is yours" in keeper.stdout.readline()
    run(app, ["send", "arm"])
    refused = run(app, ["send", "drive", "linear=0.1", "--json"])
    refused_again = run(app, ["lease", "--keep"])
    shown = run(app, ["lease"]).stdout
    keeper.send_signal(signal.SIGINT)
    ended = keeper.wait(MANY_S)
    keeper.stdout.close()

    assert refused.exit_code == refused_again.exit_code == Exit.REFUSED
    assert json.loads(refused.stdout)["error"]["data"]["holder"]["source"].startswith("unix:")
    assert "has the lease" in refused.stderr
    assert re.search(r"lease: unix:\S+ \(.*\), heard \d+ ms ago", shown)
    assert ended == Exit.DONE
    assert run(app, ["send", "drive", "linear=0.1"]).exit_code == Exit.DONE
    assert run(app, ["send", "drive", "linear=0.1"]).exit_code == Exit.DONE  # the same principal
