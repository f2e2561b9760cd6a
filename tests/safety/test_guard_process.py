"""The guard as a process: its ports are pseudo-terminals, and its daemon is one of a few lines.

Where a daemon has to die the guard is a real process. Elsewhere it runs in this one, with real descriptors.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, time  # noqa: TID251  # a guard lives in real time

import pytest

from robotd.safety import guard
from robotd.safety.guard import GPIO, IGNORED, LINGER_S, PR_SET_PDEATHSIG, ROUND_S, ROUNDS, Guard
from tests.safety import fake_daemon

FRAMES = b"\xf7\xc0\x00"
PATIENCE_S = 10.0


class Port:
    """A pseudo-terminal: the guard gets `slave`, the test is the board."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)

    def fill(self) -> int:
        """Write to it until it takes no more, as nobody reads; how many bytes that were."""
        os.set_blocking(self.slave, False)
        written = 0
        with suppress(BlockingIOError):
            while True:
                written += os.write(self.slave, b"\xe0" * 64)
        return written

    def read(self, count: int, within_s: float = PATIENCE_S) -> bytes:
        """The next `count` bytes; what came if they do not come."""
        data, end = b"", monotonic() + within_s
        while len(data) < count and (rest_s := end - monotonic()) > 0:
            if select.select([self.master], [], [], rest_s)[0]:
                try:
                    data += os.read(self.master, count - len(data))
                except OSError:  # hung up: nobody has it open any more
                    break
        return data

    def stops(self, frames: bytes = FRAMES) -> int:
        """How many stops came in all, now that the guard is gone, and nothing else.

        A busy system takes longer than a round to carry bytes through a pseudo-terminal; the next round then
        discards them before it writes its own. So there may be fewer than were written, but never none.
        """
        data = self.read(1 << 20, 0.1)
        assert data == frames * (len(data) // len(frames))
        return len(data) // len(frames)

    def hung_up(self, within_s: float = PATIENCE_S) -> bool:
        """Whether nobody has it open any more but the board."""
        poll = select.poll()
        poll.register(self.master, 0)
        return bool(poll.poll(within_s * 1000))

    def close(self) -> None:
        for descriptor in (self.master, self.slave):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    port.close()


@pytest.fixture
def other() -> Iterator[Port]:
    port = Port()
    yield port
    port.close()


class GuardHere(Guard):
    """A guard in this process. What it is to hear is said before it runs, for it runs to its end."""

    turns = 0

    def _turn(self) -> None:
        self.turns += 1
        super()._turn()

    def close(self) -> None:
        self._daemon.close()
        self._stop.close()
        for end in (self._end, self.end):
            os.close(end)


class Bench:
    """The daemon's end of a guard in this process."""

    def __init__(self, *line: str, latch: Path | None = None) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.stops, stop = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.guard = GuardHere(
            str(theirs.detach()), str(stop.detach()), "-1", "-" if latch is None else str(latch), *line
        )

    def say(self, message: str, *descriptors: int) -> None:
        socket.send_fds(self.socket, [message.encode()], list(descriptors))

    def keep(self, port: int, board: str = "arduino", frames: bytes = FRAMES, gap_us: int = 0) -> None:
        self.say(f"keep {board} {gap_us} {frames.hex()}", port)

    def die(self) -> None:
        """Its end is the daemon's; what the guard says can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def run(self) -> float:
        """To the guard's end; how long that took."""
        began = monotonic()
        self.guard.run("ready - -")
        return monotonic() - began

    def heard(self) -> list[str]:
        self.socket.setblocking(False)
        said = []
        with suppress(BlockingIOError):
            while message := self.socket.recv(4096):
                said.append(message.decode())
        return said

    def close(self) -> None:
        self.guard.close()
        self.socket.close()
        self.stops.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


# In this process.


def test_a_daemon_that_ends_without_a_word_is_three_stops_on_every_port(
    bench: Bench, port: Port, other: Port
):
    bench.keep(port.slave)
    bench.keep(other.slave, "other", b"\x01\x02")
    bench.die()
    took_s = bench.run()

    assert 1 <= port.stops() <= ROUNDS
    assert 1 <= other.stops(b"\x01\x02") <= ROUNDS
    assert took_s >= (ROUNDS - 1) * ROUND_S
    assert bench.heard()[:3] == ["ready - -", "kept arduino", "kept other"]


def test_it_sleeps_between_the_rounds_or_at_its_priority_nobody_would_read_the_port(bench: Bench):
    bench.die()
    bench.run()

    assert bench.guard.turns < 10


def test_it_has_closed_every_port_at_its_end(bench: Bench, port: Port):
    bench.keep(port.slave)
    os.close(port.slave)
    bench.die()
    bench.run()

    assert 1 <= port.stops() <= ROUNDS
    assert port.hung_up()


def test_the_latch_file_says_why(tmp_path: Path):
    bench = Bench(latch=tmp_path / "latch.json")
    (tmp_path / "latch.json").write_text("an older one")
    before = time()
    bench.die()
    bench.run()
    bench.close()

    said = json.loads((tmp_path / "latch.json").read_text())
    assert set(said) == {"latch_id", "reason", "by", "wall"}
    assert (said["reason"], said["by"]) == ("the daemon died", "guard:daemon_died")
    assert before <= said["wall"] <= before + PATIENCE_S
    assert list(tmp_path.iterdir()) == [tmp_path / "latch.json"]


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_stop_less(tmp_path: Path, port: Port):
    bench = Bench(latch=tmp_path / "nowhere" / "latch.json")
    bench.keep(port.slave)
    bench.die()
    bench.run()
    bench.close()

    assert 1 <= port.stops() <= ROUNDS


def test_on_a_full_disk_an_empty_latch_file_is_a_latch_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bench = Bench(latch=tmp_path / "latch.json")

    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    bench.die()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_room)
        bench.run()
    bench.close()

    assert (tmp_path / "latch.json").read_bytes() == b""


def test_bye_is_one_stop_and_no_latch(tmp_path: Path, port: Port):
    bench = Bench(latch=tmp_path / "latch.json")
    bench.keep(port.slave)
    bench.say("bye")
    bench.run()
    bench.close()

    assert port.stops() == 1
    assert list(tmp_path.iterdir()) == []


def test_bye_is_heard_though_the_daemon_never_read_a_word(tmp_path: Path, port: Port):
    bench = Bench(latch=tmp_path / "latch.json")
    bench.keep(port.slave)
    bench.guard._tell("ready - -")  # unread at the end of the pair: its reader gets a reset first, and once
    bench.say("bye")
    bench.socket.close()
    bench.run()
    bench.close()

    assert port.stops() == 1
    assert list(tmp_path.iterdir()) == []


def test_renewed_frames_are_what_is_written(bench: Bench, port: Port):
    bench.keep(port.slave)
    bench.say("keep arduino 0 f7c001")
    bench.say("bye")
    bench.run()

    assert port.stops(b"\xf7\xc0\x01") == 1


def test_frames_for_a_port_that_it_does_not_hold_are_not_kept(bench: Bench):
    bench.say("keep arduino 0 f7c001")
    bench.say("bye")
    bench.run()

    assert bench.heard() == ["ready - -"]


def test_a_board_that_comes_again_gives_up_its_old_port(bench: Bench, port: Port, other: Port):
    bench.keep(port.slave)
    os.close(port.slave)
    bench.keep(other.slave)
    bench.say("bye")
    bench.run()

    assert port.hung_up()
    assert port.stops() == 0
    assert other.stops() == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_a_port_that_is_taken_back_is_closed_before_the_answer(bench: Bench, port: Port, stopped: bool):
    bench.keep(port.slave)
    os.close(port.slave)
    if stopped:
        bench.say("stop now")
    bench.say("back arduino")
    bench.say("bye")
    bench.run()

    assert port.hung_up()
    assert bench.heard()[-1] == "gave arduino"
    assert port.stops() == stopped


@pytest.mark.parametrize(
    "message",
    [
        "keep arduino 0 f7c",
        "keep arduino",
        "keep",
        "tick",
        "tick 0 1 2 3 4",
        "\xff\x00",
        "dance",
        "x" * 70_000,
    ],
)
def test_a_malformed_message_is_ignored_and_its_descriptor_closed(bench: Bench, port: Port, message: str):
    bench.say(message, port.slave)
    os.close(port.slave)
    bench.say("bye")
    bench.run()

    assert bench.heard() == ["ready - -"]
    assert port.hung_up()


def test_an_empty_message_is_the_end(bench: Bench, port: Port):
    bench.keep(port.slave)
    bench.say(" ")
    bench.run()

    assert 1 <= port.stops() <= ROUNDS


def test_a_full_port_that_nobody_reads_delays_no_other(bench: Bench, port: Port, other: Port):
    other.fill()
    bench.keep(other.slave, "dead")
    bench.keep(port.slave)
    bench.die()
    bench.run()

    assert 1 <= port.stops() <= ROUNDS


def test_unsent_output_is_discarded(bench: Bench, port: Port):
    written = port.fill()
    bench.keep(port.slave)
    bench.die()
    bench.run()
    data = port.read(written + 9, 0.2)

    assert data.endswith(FRAMES)
    assert len(data) < written / 2  # what the far end's buffer had taken is out of reach


def test_a_port_that_is_gone_is_passed_over(bench: Bench, port: Port, other: Port):
    bench.keep(other.slave, "gone")
    os.close(other.master)
    bench.keep(port.slave)
    bench.die()
    bench.run()

    assert 1 <= port.stops() <= ROUNDS


def test_what_is_no_serial_port_is_written_to_all_the_same(bench: Bench):
    reader, writer = os.pipe()
    bench.keep(writer)
    bench.die()
    bench.run()
    os.close(writer)

    assert os.read(reader, 100) == FRAMES * ROUNDS
    os.close(reader)


def test_units_that_take_one_frame_at_a_time_are_stopped_one_after_the_other(bench: Bench):
    reader, writer = os.pipe()
    beside, single = os.pipe()
    bench.say("keep line 1000 0102,0304", writer)
    bench.keep(single)
    bench.die()
    bench.run()
    os.close(writer)
    os.close(single)

    assert os.read(reader, 100) == b"\x01\x02\x03\x04" * ROUNDS
    assert os.read(beside, 100) == FRAMES * 2 * ROUNDS
    os.close(reader)
    os.close(beside)


def test_what_is_on_its_way_is_not_torn_until_the_last_round(bench: Bench):
    renewed = b"\xf7" * 2_000
    near, far = socket.socketpair()  # says how much is unread at the far end, as a slow line what is unsent
    with near, far:
        bench.keep(near.fileno())
        bench.say("stop now")
        bench.say(f"keep arduino 0 {renewed.hex()}")
        bench.die()
        bench.run()
        near.close()

        assert b"".join(iter(lambda: far.recv(65536), b"")) == FRAMES + renewed


def test_the_end_waits_for_a_slow_line_only_so_long(bench: Bench):
    frames = b"\xf7" * 30_000
    with ExitStack() as open_:
        listener = open_.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow = open_.enter_context(socket.socket())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        slow.connect(listener.getsockname())
        far, _ = listener.accept()
        open_.enter_context(far)
        bench.keep(slow.fileno(), "slow", frames)
        bench.die()
        took_s = bench.run()
        slow.close()
        sent = b"".join(iter(lambda: far.recv(65536), b""))

    assert took_s >= (ROUNDS - 1) * ROUND_S + LINGER_S
    assert len(sent) < 2 * len(frames)


def test_a_half_duplex_bus_is_written_to_after_a_quiet_time(bench: Bench, port: Port):
    bench.keep(port.slave, gap_us=5_000)
    bench.die()
    took_s = bench.run()

    assert took_s >= (ROUNDS - 1) * ROUND_S + 0.005
    assert 1 <= port.stops() <= ROUNDS


def test_a_bus_that_is_never_quiet_is_written_to_after_10_ms(bench: Bench, port: Port):
    quiet = threading.Event()

    def chatter() -> None:
        while not quiet.wait(0.0005):
            with suppress(BlockingIOError):
                os.write(port.master, b"x")

    bench.keep(port.slave, gap_us=3_000)
    bench.die()
    thread = threading.Thread(target=chatter)
    thread.start()
    bench.run()
    quiet.set()
    thread.join()

    assert 1 <= port.stops() <= ROUNDS


def test_a_datagram_stops_and_the_daemon_is_told_why(tmp_path: Path, port: Port):
    bench = Bench(latch=tmp_path / "latch.json")
    bench.keep(port.slave)
    bench.stops.send(b"somebody cried")
    bench.stops.send(b"\xff" * 1000)
    thread = threading.Thread(target=bench.run)
    thread.start()
    assert port.read(10 * len(FRAMES)) == FRAMES * 10  # it goes on and on
    bench.say("bye")
    thread.join()
    told = bench.heard()
    bench.close()

    assert [words.split(" ", 2)[2] for words in told[2:]] == ["stop somebody cried", f"stop {'�' * 200}"]
    assert json.loads((tmp_path / "latch.json").read_text())["by"] == "guard:stop"


def test_a_stop_that_comes_with_the_bye_is_left_to_the_next_guard(bench: Bench):
    bench.say("bye")
    bench.stops.send(b"late")
    bench.run()

    assert bench.heard() == ["ready - -"]
    assert bench.guard._stop is not None
    assert bench.guard._stop.recv(100) == b"late"


def test_it_waits_for_nobody_who_does_not_read(bench: Bench, port: Port):
    bench.keep(port.slave)
    bench.guard._daemon.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            bench.guard._daemon.send(b"x" * 1000)
    bench.stops.send(b"cry")
    bench.say("bye")
    bench.run()

    assert port.stops() >= 1


@pytest.mark.parametrize(
    ("kind", "line", "bits", "active", "stops"),
    [
        ("port", "cts", termios.TIOCM_CTS, "high", True),
        ("port", "cts", termios.TIOCM_CTS, "low", False),
        ("port", "cts", termios.TIOCM_DSR, "low", True),
        ("port", "dsr", termios.TIOCM_DSR, "high", True),
        ("port", "dcd", termios.TIOCM_CD, "high", True),
        ("port", "ri", termios.TIOCM_RI, "high", True),
        ("gpio", "0", 1, "high", True),
        ("gpio", "0", 0, "high", False),
        ("gpio", "0", 0, "low", True),
        ("gpio", "0", 1, "low", False),
    ],
)
def test_a_line_stops_while_it_is_active(kind: str, line: str, bits: int, active: str, stops: bool):
    asked: list[tuple[int, int]] = []

    def ioctl(descriptor: int, request: int, argument: bytes) -> bytes:
        asked.append((descriptor, request))
        return struct.pack("QQ", bits, 1) if kind == "gpio" else struct.pack("i", bits)

    bench = Bench("77", kind, line, active)
    bench.guard.ioctl = ioctl  # type: ignore[assignment]  # it is asked for bytes alone
    bench.say("tick 0 - - -")  # it looks with every tick
    bench.say("bye")
    bench.run()
    told = bench.heard()
    bench.close()

    assert asked[0] == (77, GPIO[0] if kind == "gpio" else termios.TIOCMGET)
    assert any(f"input the input line {line} is {active}" in words for words in told) is stops


def test_a_line_that_cannot_be_read_stops(port: Port):
    bench = Bench(str(port.slave), "port", "cts", "low")  # a pseudo-terminal has no such line
    bench.keep(port.slave)
    bench.die()
    bench.run()
    told = bench.heard()
    bench.close()

    assert 1 <= port.stops() <= ROUNDS
    assert [words for words in told if "input" in words or "died" in words] != []


def test_an_unforeseen_error_is_a_stop_on_every_port_first(port: Port, other: Port):
    bench = Bench("77", "port", "cts", "low")

    def broken(*_: object) -> bytes:
        raise RuntimeError("a bug")

    bench.keep(port.slave)
    bench.keep(other.slave, "other", b"\x01")
    bench.say("keep strange 0 odd", other.slave)  # is held, but there is nothing to write
    threading.Timer(0.1, lambda: setattr(bench.guard, "ioctl", broken)).start()
    bench.guard.ioctl = lambda *_: struct.pack("i", termios.TIOCM_CTS)  # type: ignore[assignment]  # as above
    with pytest.raises(RuntimeError, match="a bug"):
        bench.run()
    bench.close()

    assert port.stops() == 1
    assert other.stops(b"\x01") == 1


A_PAIR = (
    "import socket, sys, time; a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
    "there = socket.socket(fileno=int(sys.argv[1]));"
    "socket.send_fds(there, [b'x'], [a.fileno(), b.fileno()])"
)
"""For a process of its own: make the pair, and hand both ends over."""


def test_a_daemon_whose_files_are_still_open_is_dead_all_the_same(bench: Bench, port: Port):
    """As when a thread of it waits for a disk: that cannot be killed, and closes nothing until then."""
    bench.keep(port.slave)
    bench.say(f"tick {monotonic()} 1 - -")
    os.write(bench.guard.end, b"!")  # so the kernel's signal comes
    bench.run()

    assert 1 <= port.stops() <= ROUNDS


def test_it_ends_only_the_daemon_and_only_while_that_is_its_parent(monkeypatch: pytest.MonkeyPatch):
    """The process that made the pair is ended for its silence, when it is said to be the parent."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-S", "-c", f"{A_PAIR}; time.sleep(60)", str(theirs.fileno())]
    with ours, theirs, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        _, (near, far), _, _ = socket.recv_fds(ours, 1, 2)
        with socket.socket(fileno=near) as daemon:
            for parent in (1, process.pid):
                monkeypatch.setattr(os, "getppid", lambda parent=parent: parent)
                here = GuardHere(str(os.dup(far)), "-1", "-1", "-")
                daemon.send(f"tick {monotonic()} 1 - -".encode())
                later = threading.Timer(0.4, daemon.send, [b"bye"])
                later.start()
                here.run("ready - -")
                here.close()
                later.join()
                assert process.poll() is None or parent != 1
        os.close(far)

        assert process.wait(PATIENCE_S) == -signal.SIGABRT


@contextmanager
def a_process_as_before() -> Iterator[None]:
    handlers = {name: signal.getsignal(getattr(signal, f"SIG{name}")) for name in IGNORED}
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    waking = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0)
        signal.set_wakeup_fd(waking)
        signal.signal(signal.SIGRTMAX, signal.SIG_DFL)
        for name, handler in handlers.items():
            signal.signal(getattr(signal, f"SIG{name}"), handler)
        os.sched_setscheduler(0, policy, priority)
        ctypes.CDLL(None).munlockall()


def test_the_command_line_makes_a_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"bye")
    number = theirs.detach()
    monkeypatch.setattr(sys, "argv", ["guard.py", str(number), "-1", "-1", str(tmp_path / "latch.json")])
    with a_process_as_before(), pytest.warns(ResourceWarning, match="unclosed"):
        runpy.run_path(str(guard.__file__), run_name="__main__")

    word, fifo, locked = ours.recv(100).decode().split()
    assert (word, fifo in ("fifo", "-"), locked in ("locked", "-")) == ("ready", True, True)
    ours.close()


# In a process of its own.


class Robot:
    """A daemon of a few lines, its guard, and what they leave."""

    def __init__(self, folder: Path, *ports: Port, prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.latch = folder / "latch.json"
        self.lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.stops = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.stops.bind(str(folder / "stop"))
        boards = [f"board{n}={port.slave}=0={FRAMES.hex()}" for n, port in enumerate(ports)]
        passed = [self.lock, self.stops.fileno(), *(port.slave for port in ports)]
        self.daemon = subprocess.Popen(
            [
                *(*prefix, sys.executable, "-I", "-S", fake_daemon.__file__, str(guard.__file__)),
                *(str(self.stops.fileno()), str(self.lock), str(self.latch), *boards),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=passed,
        )
        for port in ports:
            os.close(port.slave)
        os.close(self.lock)
        self.pid = int(self.line().split()[0])
        self.guard = os.pidfd_open(self.pid)
        self.ready = self.line()
        for n in range(len(ports)):
            assert self.line() == f"kept board{n}"

    def line(self) -> str:
        assert self.daemon.stdout is not None
        return self.daemon.stdout.readline().decode().rstrip("\n")

    def say(self, message: str) -> None:
        assert self.daemon.stdin is not None
        self.daemon.stdin.write(message.encode() + b"\n")
        self.daemon.stdin.flush()

    def until(self, beginning: str) -> str:
        while not (line := self.line()).startswith(beginning):
            assert line
        return line

    def wait_for_the_guard(self) -> None:
        """Until it is gone, and the next daemon may come."""
        assert select.select([self.guard], [], [], PATIENCE_S)[0]

    def reason(self) -> str:
        said = json.loads(self.latch.read_text())
        assert set(said) == {"latch_id", "reason", "by", "wall"}
        return str(said["by"])

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.daemon.kill()
        self.daemon.communicate()
        self.wait_for_the_guard()
        os.close(self.guard)
        self.stops.close()


@contextmanager
def robot(folder: Path, *ports: Port, prefix: Sequence[str] = ()) -> Iterator[Robot]:
    robot = Robot(folder, *ports, prefix=prefix)
    try:
        yield robot
    finally:
        robot.close()


def test_the_kernel_tells_of_a_death_while_the_files_of_the_daemon_are_still_open(tmp_path: Path, port: Port):
    with robot(tmp_path, port) as it:
        it.until("tock")
        it.say("hold")
        it.until("tock")
        it.until("tock")
        it.daemon.kill()

        it.wait_for_the_guard()
        assert 1 <= port.stops() <= ROUNDS
        assert it.reason() == "guard:daemon_died"


def test_a_killed_daemon_is_a_stop_on_every_port_a_reason_and_the_end(
    tmp_path: Path, port: Port, other: Port
):
    with robot(tmp_path, port, other) as it:
        it.daemon.kill()

        it.wait_for_the_guard()
        assert 1 <= port.stops() <= ROUNDS
        assert 1 <= other.stops() <= ROUNDS
        assert it.reason() == "guard:daemon_died"
        lock = os.open(tmp_path / "lock", os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(lock)


def test_a_frozen_daemon_is_stopped_for_and_killed(tmp_path: Path, port: Port):
    with robot(tmp_path, port) as it:
        it.until("tock")
        it.daemon.send_signal(signal.SIGSTOP)

        it.wait_for_the_guard()
        assert port.stops() >= 1  # and more, until the daemon is gone
        assert it.daemon.wait(PATIENCE_S) == -signal.SIGKILL
        assert it.reason() == "guard:daemon_silent"


@pytest.mark.parametrize(("word", "reason"), [("quiet", "daemon_silent"), ("stuck", "daemon_stuck")])
def test_a_daemon_that_does_not_work_is_killed_and_the_robot_stopped(
    tmp_path: Path, port: Port, word: str, reason: str
):
    with robot(tmp_path, port) as it:
        it.until("tock")
        it.say(word)

        it.wait_for_the_guard()
        assert port.stops() >= 1  # and more, until the daemon is gone
        assert it.daemon.wait(PATIENCE_S) == -signal.SIGABRT  # so it may say what it hangs in
        assert it.reason() == f"guard:{reason}"


def test_a_datagram_stops_until_the_daemon_is_gone(tmp_path: Path, port: Port):
    with robot(tmp_path, port) as it:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as anybody:
            anybody.sendto(b"the dog is in the way", str(tmp_path / "stop"))

        assert it.until("tripped").endswith("-1 stop the dog is in the way")
        assert port.read(30) == FRAMES * 10
        assert it.reason() == "guard:stop"
        it.say("bye")
        it.wait_for_the_guard()
        assert it.latch.exists()
        assert port.stops() >= 0


def test_a_clean_end_is_one_stop_and_no_latch(tmp_path: Path, port: Port):
    with robot(tmp_path, port) as it:
        it.say("bye")
        it.wait_for_the_guard()

        assert port.stops() == 1
        assert not it.latch.exists()


def test_signals_that_end_a_daemon_do_not_end_its_guard(tmp_path: Path, port: Port):
    with robot(tmp_path, port) as it:
        for name in IGNORED:
            os.kill(it.pid, getattr(signal, f"SIG{name}"))
        it.until("tock")
        it.daemon.kill()
        it.wait_for_the_guard()

        assert 1 <= port.stops() <= ROUNDS


REFUSING = (
    *("prlimit", "--memlock=65536", "--rtprio=0"),
    *(("setpriv", "--bounding-set=-sys_nice,-ipc_lock") if os.getuid() == 0 else ()),
)


@pytest.mark.skipif(not all(map(shutil.which, ("prlimit", "setpriv"))), reason="needs util-linux")
def test_where_priority_and_locked_memory_are_refused_it_guards_all_the_same(tmp_path: Path, port: Port):
    with robot(tmp_path, port, prefix=REFUSING) as it:
        it.daemon.kill()
        it.wait_for_the_guard()

        assert it.ready == "ready - -"
        assert 1 <= port.stops() <= ROUNDS
        assert it.reason() == "guard:daemon_died"
