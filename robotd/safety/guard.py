"""The guard: a process of its own that stops the robot when the daemon cannot. First what it decides.

    python -I -S guard.py SOCKET STOP LOCK LATCH [INPUT KIND LINE ACTIVE]

Inherited descriptors (-1: none): SOCKET, one end of the daemon's SEQPACKET pair; STOP, a datagram socket that
stops; LOCK, a file held open, and so locked; INPUT, a line that stops when it is ACTIVE (low, high): LINE is
cts, dsr, dcd or ri of KIND port, 0 of KIND gpio. LATCH is the file that keeps the reason (-: none).
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import NamedTuple, TypeAlias

SILENT_S = 0.15  # a daemon that does not tick for so long is ended; counted from its first tick
CALM_S, BURST = 0.1, 16  # so long ticks may lie unread: to wake up costs more than to read
LOOK_S, LATE_S = 0.04, 0.02  # how often it looks at an input line; what a tick counts that was long unread
STUCK_S = 1.5  # so long may a part of it that has something to do stay where it is while ticks come
PARTS, TICKS_A_TOCK = ("dispatcher", "executor", "journal"), 10
ROUND_S, ROUNDS = 0.02, 3  # of stop frames, before the latch is saved; after that until the daemon is gone
SENDING_ROUNDS, GAP_US = 5, 10_000  # so many a slow line has to send the frames; so long a bus to be quiet
LINGER_S, PAUSE_S = 0.1, 0.001  # for what is unsent at the end: closing a port waits up to 30 s for that
MESSAGE_BYTES, RIGHTS_BYTES, REASON_BYTES = 16_384, socket.CMSG_LEN(4), 200
IGNORED = ("TERM", "INT", "ABRT", "HUP", "QUIT", "TSTP", "TTIN", "TTOU", "USR1", "USR2", "ALRM")
LINES = {"cts": termios.TIOCM_CTS, "dsr": termios.TIOCM_DSR, "dcd": termios.TIOCM_CD, "ri": termios.TIOCM_RI}
GPIO = (0xC010B40E, struct.pack("QQ", 0, 1), 1)  # GPIO_V2_LINE_GET_VALUES_IOCTL: values and mask; its bit
LAST_WORDS_S, PRIORITY, LOCK_ALL, PR_SET_PDEATHSIG = 0.005, 10, 1 | 2 | 4, 1  # memory that is in use stays

Words: TypeAlias = tuple[str, ...]
Next: TypeAlias = "tuple[State, tuple[Words, ...]]"


class State(NamedTuple):
    """All that the guard knows at a time. With a latch it has tripped, for good."""

    name: str  # no other guard has it: latch ids begin with it
    ports: Mapping[str, tuple[float, Sequence[bytes]]] = {}  # by board: a bus's quiet in s; a stop a round
    ticks: int = 0
    counters: Sequence[str] = ("-",) * len(PARTS)
    moved_at: Sequence[float] = (0.0,) * len(PARTS)
    silent_at: float = inf
    latch: Mapping[str, str] = {}
    stops: int = 0
    rounds: int = 0
    round_at: float = inf
    gone: bool = False
    over: bool = False

    @property
    def due(self) -> float:
        """When it wants to hear that time has passed; infinite: never."""
        return inf if self.over else min(self.silent_at, self.round_at)


def step(state: State, now: float, event: Words) -> Next:
    """What becomes of `event` at the time `now`, in seconds: the next state, and what to do, in this order.

    Events: the daemon's messages `tick TIME COUNTERS`, `keep`, `back` and `bye`; `gone`, its end;
    `stop REASON`; `input SENTENCE`; `time`. What is malformed means nothing.
    Actions: `write` a round, the next stop of each board; `kill` the daemon; `save` the latch; `sync` it to
    the disk; `tell MESSAGE` to the daemon; `close BOARD`; `exit`. Ports and latch: those of the next state.
    """
    match event:
        case _ if state.over:
            pass
        case ("tick", at, *counters) if len(counters) == len(PARTS):
            with suppress(ValueError):
                return _tick(state, now, float(at), counters)
        case ("keep", board, gap_us, frames):
            with suppress(ValueError):
                stops = [bytes.fromhex(one) for one in frames.removeprefix("-").split(",")]
                port = (min(max(0, int(gap_us)), GAP_US) / 1e6, stops)
                return state._replace(ports={**state.ports, board: port}), (("tell", f"kept {board}"),)
        case ("back", board):
            others = {name: port for name, port in state.ports.items() if name != board}
            return state._replace(ports=others), (("close", board), ("tell", f"gave {board}"))
        case ("bye",):
            return _round(state, now, last=True)
        case ("gone",):
            state = state._replace(gone=True, silent_at=inf)
            if not state.latch:
                return _trip(state, now, "daemon_died", "the daemon died")
        case ("stop", reason):
            return _trip(state, now, "stop", reason or "no reason given")
        case ("input", sentence) if not state.latch:
            return _trip(state, now, "input", sentence)
        case ("time",) if now >= state.silent_at:
            return _hung(state, now, "daemon_silent", f"the daemon was silent for {SILENT_S * 1e3:g} ms")
        case ("time",) if now >= state.round_at:
            longest = max((len(stops) for _, stops in state.ports.values()), default=1)
            return _round(state, now, last=state.gone and state.rounds + 1 >= ROUNDS * longest)
    return state, ()


def _tick(state: State, now: float, at: float, counters: list[str]) -> Next:
    before = zip(counters, state.counters, state.moved_at, strict=True)
    moved_at = [since if counter == old != "-" else now for counter, old, since in before]
    ticks, oldest = state.ticks + 1, min(moved_at)
    silent_at = max(min(now, at) + SILENT_S, now + LATE_S)  # a guard that was late has more of them to read
    state = state._replace(ticks=ticks, silent_at=silent_at, counters=counters, moved_at=moved_at)
    if now - oldest >= STUCK_S:
        part = PARTS[moved_at.index(oldest)]
        return _hung(state, now, "daemon_stuck", f"the daemon's {part} did not move on for {STUCK_S:g} s")
    return state, () if ticks % TICKS_A_TOCK else (("tell", "tock"),)


def _hung(state: State, now: float, why: str, sentence: str) -> Next:
    state = state._replace(silent_at=inf, counters=("-",) * len(PARTS))
    state, actions = (state, ()) if state.latch else _trip(state, now, why, sentence)
    return state, (("kill",), *actions)  # in this order, or it might wake up between the stop frames


def _trip(state: State, now: float, why: str, sentence: str) -> Next:
    latch = {"latch_id": f"{state.name}-{state.stops + 1:x}", "reason": sentence, "by": f"guard:{why}"}
    tell = ("tell", f"tripped {latch['latch_id']} {why} {sentence}")
    state = state._replace(latch=latch, stops=state.stops + 1)  # a new one, also while stopped
    if state.rounds:  # they go on as they were: a flood of stops must not put off what comes after them
        return state, (tell, ("save",)) if state.rounds >= ROUNDS else (tell,)
    state, actions = _round(state, now, last=False)
    return state, (*actions, tell)


def _round(state: State, now: float, *, last: bool) -> Next:
    state = state._replace(rounds=state.rounds + 1, round_at=now + ROUND_S, over=last)
    saves = state.rounds == ROUNDS or (last and state.rounds < ROUNDS)  # and durable before the end
    latch = [("save",)] * saves + [("sync",)] * last if state.latch else []
    return state, (("write",), *latch, *[("exit",)] * last)


class Guard:
    """Does what `step` decides. Nothing keeps it waiting but the disk, after three rounds."""

    def __init__(self, daemon: str, stop: str, _lock: str, latch: str, *line: str) -> None:
        self._daemon = socket.socket(fileno=int(daemon))
        self._stop = socket.socket(type=socket.SOCK_DGRAM, fileno=int(stop) if stop != "-1" else None)
        self._path = latch if latch != "-" else "/dev/null/-"  # where no file can be
        self._line, self.ioctl = line, fcntl.ioctl
        # Who made the pair: unlike the parent's number it is the daemon's, whoever is our parent by now.
        (self._pid,) = struct.unpack("i", self._daemon.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4))
        self._ports: dict[str, int] = {}
        self._state = State(os.urandom(6).hex())
        self._end, self.end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)  # a byte in it: the daemon is dead
        self._poll = select.poll()
        for source in (self._stop.fileno(), self._end):
            self._poll.register(source, select.POLLIN)

    def run(self, first: str) -> None:
        """Tell the daemon `first`; guard until it is gone, or says `bye`."""
        try:
            with suppress(OSError):
                self._tell(first)
            while not self._state.over:
                self._turn()
        finally:  # ports are left by an unforeseen error alone; the daemon hears of our end and halts, too
            for board, port in self._ports.items():
                with suppress(Exception):
                    self._stop_port(port, 0.0, self._state.ports[board][1][0], anew=True)

    def _turn(self) -> None:
        self._poll.register(self._daemon, 0 if self._state.ticks else select.POLLIN)  # 0: its end alone
        wait_s = max(0.0, min(self._state.due - time.monotonic(), LOOK_S if self._line else CALM_S))
        time.sleep(wait_s) if self._state.gone else self._poll.poll(1e3 * wait_s)
        if self._line:
            self._look(*self._line)
        for take in (self._hear, self._heed, self._bury):
            with suppress(BlockingIOError, ConnectionResetError):  # all is read; another was faster; its end
                for _ in range(BURST):
                    take()
        if time.monotonic() >= self._state.due:
            self._step("time")

    def _bury(self) -> None:
        if os.read(self._end, 1):
            self._step("gone")

    def _heed(self) -> None:
        if not self._state.over:  # or it is left to the next guard
            self._step("stop", self._stop.recv(REASON_BYTES, socket.MSG_DONTWAIT).decode(errors="replace"))

    def _hear(self) -> None:
        data, rights, _, _ = self._daemon.recvmsg(MESSAGE_BYTES, RIGHTS_BYTES, socket.MSG_DONTWAIT)
        passed = [struct.unpack("i", right)[0] for _, _, right in rights] if rights else []
        words = data.decode(errors="replace").split() or ["gone"]
        match words, passed:
            case ["keep", board, _, _], [port]:
                self._close(board)
                os.set_blocking(port, False)
                self._ports[board] = port
            case ["keep", board, *_], [] if board not in self._ports:
                return
            case _, [unasked]:
                os.close(unasked)
        self._step(*words)

    def _look(self, port: str, kind: str, name: str, active: str) -> None:
        request, argument, mask = GPIO if kind == "gpio" else (termios.TIOCMGET, bytes(4), LINES[name])
        try:
            level = int.from_bytes(self.ioctl(int(port), request, argument)[:8], sys.byteorder) & mask
            said = f"is {active}"
        except OSError as error:
            level, said = active == "high", f"cannot be read: {error.strerror}"
        if bool(level) == (active == "high"):
            self._step("input", f"the input line {name} {said}")

    def _step(self, *event: str) -> None:
        self._state, actions = step(self._state, time.monotonic(), event)
        for verb, *words in actions:
            with suppress(OSError):  # what cannot be done holds up nothing
                getattr(self, f"_{verb}")(*words)

    def _write(self) -> None:
        turn, anew = self._state.rounds - 1, self._state.over or self._state.rounds % SENDING_ROUNDS == 1
        for board, (gap_s, stops) in sorted(self._state.ports.items(), key=lambda item: item[1]):
            self._stop_port(self._ports[board], gap_s, stops[turn % len(stops)], anew=anew)

    def _stop_port(self, port: int, gap_s: float, frames: bytes, *, anew: bool) -> None:
        if (unsent := _traffic(port)[0]) > len(frames) or anew:
            with suppress(termios.error):  # it is gone, or no serial port
                termios.tcflush(port, termios.TCOFLUSH)
        elif unsent:  # stop frames on their way
            return
        end, traffic = time.monotonic() + GAP_US / 1e6, (-1, -1)
        while gap_s and time.monotonic() < end and traffic != (traffic := _traffic(port)):
            time.sleep(gap_s)
        with suppress(OSError):  # it takes them now or in the next round: a dead port delays no other
            os.write(port, frames)

    def _kill(self) -> None:
        for end in (signal.SIGABRT, signal.SIGKILL):  # the first lets it write down what it hangs in
            if 0 < self._pid == os.getppid():
                os.kill(self._pid, end)
                time.sleep(LAST_WORDS_S)

    def _tell(self, message: str) -> None:
        self._daemon.send(message.encode(), socket.MSG_DONTWAIT)

    def _close(self, board: str) -> None:
        if (port := self._ports.pop(board, None)) is not None:
            if self._state.rounds and _traffic(port)[0]:  # else nothing of ours is left in it
                self._stop_port(port, 0.0, b"", anew=True)
            os.close(port)

    def _save(self) -> None:
        new = os.open(f"{self._path}.guard", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with suppress(OSError):  # the disk is full: an empty file says that there was a stop
            os.write(new, json.dumps({**self._state.latch, "wall": time.time()}).encode())
        os.close(new)
        os.replace(f"{self._path}.guard", self._path)

    def _sync(self) -> None:
        for path in (self._path, os.path.dirname(self._path)):
            os.fsync(os.open(path, os.O_RDONLY))  # closed by the end of the process, which comes next

    def _exit(self) -> None:
        end = time.monotonic() + LINGER_S
        while any(_traffic(port)[0] for port in self._ports.values()) and time.monotonic() < end:
            time.sleep(PAUSE_S)
        for board in list(self._ports):
            self._close(board)


def _traffic(port: int) -> tuple[int, int]:  # bytes unsent, bytes unread; 0 where it does not say
    with suppress(OSError):
        counts = fcntl.ioctl(port, termios.TIOCOUTQ, bytes(4)) + fcntl.ioctl(port, termios.FIONREAD, bytes(4))
        return struct.unpack("ii", counts)
    return 0, 0


def main(*words: str) -> None:
    """Guard, with the words of the command line."""
    for name in IGNORED:  # what ends or freezes a daemon may be sent to its guard, too
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
    guard, fifo, locked = Guard(*words), "-", "-"
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        fifo = "fifo"
    signal.signal(signal.SIGRTMAX, lambda *_: None)  # which nobody else sends
    signal.set_wakeup_fd(guard.end)
    with suppress(ImportError):
        import ctypes  # not at the top: the daemon, which imports `step`, has no use for it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGRTMAX)  # the end of file may wait for a disk
        locked = "-" if ctypes.CDLL(None).mlockall(LOCK_ALL) else "locked"
    guard.run(f"ready {fifo} {locked}")


if __name__ == "__main__":
    main(*sys.argv[1:])
