"""What systemd hears from robotd, and what it thinks of the unit. A datagram socket stands in for it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.client import connect
from robotd.safety.watchdog import Progress, Watch
from robotd.systemd import BEATS_PER_WATCHDOG, Notifier
from tests import virtual
from tests.cli.conftest import rover_on_any_port

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "systemd" / "robotd.service"
EXPOSURE_LIMIT = 16
"""In tenths: systemd-analyze calls up to 2.0 `OK`; an unhardened service has 9.6."""

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: systemd)"
)


class Listener:
    """The far end of `NOTIFY_SOCKET`."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """Every datagram so far."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(address: str) -> Iterator[Listener]:
    systemd = Listener(address)
    yield systemd
    systemd.socket.close()


def test_each_word_is_one_datagram(address: str, listener: Listener) -> None:
    notifier = Notifier(address)

    notifier.ready("rover on 127.0.0.1:8080")
    notifier.status("estopped")
    notifier.stopping()

    expected = [
        "READY=1\nSTATUS=rover on 127.0.0.1:8080",
        "STATUS=estopped",
        "STOPPING=1\nSTATUS=stopping",
    ]
    assert expected == listener.heard()


def test_a_line_break_in_a_status_cannot_smuggle_in_another_word(address: str, listener: Listener) -> None:
    Notifier(address).status("fine\nSTOPPING=1")

    assert listener.heard() == ["STATUS=fine STOPPING=1"]


def test_an_abstract_address_begins_with_an_at_sign(tmp_path: Path) -> None:
    name = f"robotd-test-{os.getpid()}"
    systemd = Listener(f"\0{name}")

    Notifier(f"@{name}").status("here")

    assert systemd.heard() == ["STATUS=here"]
    systemd.socket.close()


@pytest.mark.parametrize("nobody", [None, "", "/nowhere/notify"])
def test_without_systemd_nothing_happens(nobody: str | None) -> None:
    notifier = Notifier(nobody)

    notifier.ready("ready")
    notifier.status("status")
    notifier.stopping()


def test_a_socket_that_takes_nothing_more_does_not_hold_the_robot_up(
    address: str, listener: Listener
) -> None:
    notifier = Notifier(address)

    for number in range(10_000):
        notifier.status(f"{number}")

    assert 0 < len(listener.heard()) < 10_000


def test_the_watchdog_hears_a_beat_every_third_of_its_patience(address: str, listener: Listener) -> None:
    notifier = Notifier(address, watchdog_s=3.0)

    async def story() -> None:
        beating = asyncio.ensure_future(notifier.beat())
        await asyncio.sleep(10.5)
        beating.cancel()

    virtual.run(story())

    assert BEATS_PER_WATCHDOG == 3
    assert listener.heard() == ["WATCHDOG=1"] * 11


def test_a_loop_that_hangs_falls_silent_and_does_not_catch_up_with_a_burst(
    address: str, listener: Listener
) -> None:
    notifier = Notifier(address, watchdog_s=3.0)

    async def story() -> None:
        beating = asyncio.ensure_future(notifier.beat())
        await asyncio.sleep(0.5)
        virtual.spend(30.0)  # what a handler that blocks looks like from inside the loop
        await asyncio.sleep(1.6)
        beating.cancel()

    virtual.run(story())

    assert listener.heard() == ["WATCHDOG=1"] * 3


def test_a_loop_that_turns_while_a_part_is_stuck_is_no_daemon_that_works(
    address: str, listener: Listener
) -> None:
    notifier = Notifier(address, watchdog_s=2.1)
    waits = 5
    notifier.stuck = Watch(Progress(lambda: None, lambda: None, lambda: waits)).stuck

    async def story() -> None:
        nonlocal waits
        beating = asyncio.ensure_future(notifier.beat())
        await asyncio.sleep(3.0)
        waits = 6
        await asyncio.sleep(1.0)
        beating.cancel()

    virtual.run(story())

    stuck = "STATUS=the journal is stuck"
    assert listener.heard() == [*["WATCHDOG=1"] * 3, stuck, stuck, "WATCHDOG=1"]


def test_no_watchdog_means_no_beats(address: str, listener: Listener) -> None:
    virtual.run(Notifier(address).beat())

    assert listener.heard() == []


@pytest.mark.parametrize(
    ("environ", "beat_s"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 1.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_how_often_to_beat(environ: dict[str, str], beat_s: float | None) -> None:
    assert Notifier.from_environment(environ).beat_s == beat_s


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """The unit as `robotd service install` writes it."""
    done = CliRunner().invoke(app, ["service", "install", "--prefix", str(tmp_path)])
    assert done.exit_code == 0, done.output
    return tmp_path / "etc" / "systemd" / "system" / "robotd.service"


@needs_systemd_analyze
def test_systemd_understands_every_line_of_the_unit(installed_unit: Path) -> None:
    verified = _analyze("verify", "--man=no", str(installed_unit))

    ours = [line for line in verified.stderr.splitlines() if installed_unit.name in line]
    assert ours == []


@needs_systemd_analyze
def test_systemd_calls_the_unit_well_hardened(installed_unit: Path) -> None:
    judged = _analyze("security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", str(installed_unit))

    assert judged.returncode == 0, judged.stdout[-200:]


def test_the_unit_says_what_the_daemon_and_its_guard_rely_on() -> None:
    expected = {
        "Type=notify",
        "WatchdogSec=2",
        "Restart=on-failure",
        "RestartPreventExitStatus=78",
        "StartLimitBurst=5",
        "KillMode=control-group",
        "TimeoutStopSec=5",
        "OOMPolicy=continue",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RuntimeDirectory=robotd",
        "StateDirectory=robotd",
        "LimitCORE=0",
        "LimitRTPRIO=20",
        "LimitMEMLOCK=64M",
        "DevicePolicy=closed",
        "IPAddressDeny=any",
    }
    assert expected <= set(_settings())
    assert "RestrictRealtime=yes" not in _settings()


@needs_systemd_analyze
def test_the_system_calls_that_a_stop_needs_are_allowed() -> None:
    allowed = _allowed_calls()

    assert {"kill", "mlockall", "sched_setscheduler", "sendmsg", "ioctl", "poll", "execve"} <= allowed
    assert allowed.isdisjoint({"ptrace", "mount", "setuid", "reboot", "init_module", "setpriority"})


@needs_systemd_analyze
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_daemon_and_its_guard_run_within_what_the_unit_allows(
    tmp_path: Path, address: str, listener: Listener
) -> None:
    calls = tmp_path / "calls"
    robot = subprocess.Popen(
        [
            *("strace", "--follow-forks", "--summary-only", "--output", str(calls)),
            *(sys.executable, "-c", AS_THE_UNIT, str(rover_on_any_port(tmp_path)), str(tmp_path / "journal")),
        ],
        env=os.environ
        | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000", "RUNTIME_DIRECTORY": str(tmp_path)},
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert robot.stdout is not None
        assert robot.stdout.readline().startswith("ready")
        asyncio.run(_guarded(f"unix://{tmp_path}/robotd.sock"))
        holder = re.search(r"process (\d+)", (tmp_path / "journal" / "journal.lock").read_text())
        assert holder is not None
        os.kill(int(holder[1]), signal.SIGTERM)
        assert robot.wait(30) == 0
    finally:
        robot.kill()  # and strace ends whom it follows
        robot.communicate()

    heard = listener.heard()
    assert [word.partition("=")[0] for word in heard if "WATCHDOG" not in word] == ["READY", "STOPPING"]
    assert "WATCHDOG=1" in heard
    made = {line.split()[-1] for line in calls.read_text().splitlines()[2:-2]}
    # SQLite gives its files to their owner when it runs as root, and only then.
    assert made - _allowed_calls() - {"fchown"} == set()


async def _guarded(url: str) -> None:
    """Wait for the guard of a robot."""
    async with asyncio.timeout(20), connect(url) as robot:
        while (await robot.status())["guard"]["state"] != "ready":  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.05)


AS_THE_UNIT = """
import ctypes, os, sys
NO_MEMORY_BOTH_WRITABLE_AND_EXECUTABLE = 65, 1, 0, 0, 0  # PR_SET_MDWE of Linux 6.3
ctypes.CDLL(None).prctl(*NO_MEMORY_BOTH_WRITABLE_AND_EXECUTABLE)
os.umask(0o007)
file, journal = sys.argv[1:]
os.execv(sys.executable, [sys.executable, "-m", "robotd", "run", file, "--sim", "--journal", journal])
"""


def _settings() -> list[str]:
    return [line for line in UNIT.read_text().splitlines() if line and not line.startswith(("#", "["))]


def _allowed_calls() -> set[str]:
    """What the lines `SystemCallFilter=` come to, in their order."""
    groups: dict[str, list[str]] = {}
    members: list[str] = []
    for line in _analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            members = groups[line] = []
        elif line.startswith("    ") and not line.lstrip().startswith("#"):
            members.append(line.strip())

    def calls(name: str) -> set[str]:
        return {name} if name[0] != "@" else {call for member in groups[name] for call in calls(member)}

    allowed: set[str] = set()
    for line in _settings():
        key, _, value = line.partition("=")
        if key == "SystemCallFilter":
            named = {call for name in value.lstrip("~").split() for call in calls(name)}
            allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True)
