"""The guard: a process of its own that stops the robot when the daemon cannot. First what it decides.

    python -I -S guard.py SOCKET STOP LOCK LATCH [INPUT KIND LINE ACTIVE]

SOCKET, STOP, LOCK and INPUT are inherited descriptors (-1: none): its end of a SEQPACKET pair with the daemon;
a datagram socket that stops; a file that is locked while this has it open; a line that stops when it is ACTIVE
(`low`, `high`): LINE cts, dsr, dcd or ri of a `port`, or a `gpio` line. LATCH: the file that says why (-: none).
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from operator import itemgetter
from typing import NamedTuple, TypeAlias

SILENT_S = 0.15
"""A daemon that does not tick for so long is ended; counted from its first tick."""
STUCK_S = 1.5
"""So long may a part of the daemon that has something to do stay where it is while ticks come."""
PARTS = ("dispatcher", "executor", "journal")
TICKS_A_TOCK = 10
ROUND_S, ROUNDS = 0.02, 3
"""So often the stop frames are written before the latch is saved; after that until the daemon is gone."""
GAP_S, PAUSE_S = 0.01, 0.001
"""How long a round waits at most for a gap on a half-duplex bus, and how often it looks for one."""
LINGER_S = 0.1
"""Closing a port waits up to 30 s for what it has not sent: after so long that is discarded."""
MESSAGE_BYTES, REASON_LETTERS = 65_536, 200
IGNORED = ("TERM", "INT", "ABRT", "HUP", "QUIT", "TSTP", "TTIN", "TTOU", "USR1", "USR2", "ALRM")
"""What ends or freezes a daemon may be sent to its guard, too."""
LINES = {"cts": termios.TIOCM_CTS, "dsr": termios.TIOCM_DSR, "dcd": termios.TIOCM_CD, "ri": termios.TIOCM_RI}
GPIO = (0xC010B40E, bytes(8) + (1).to_bytes(8, sys.byteorder), 1)
"""GPIO_V2_LINE_GET_VALUES_IOCTL of linux/gpio.h, its argument (values and mask), and the bit of the level."""
LOCK_ALL, PRIORITY = 1 | 2 | 4, 10
"""MCL_CURRENT, MCL_FUTURE and MCL_ONFAULT of sys/mman.h: what was in memory once stays there."""

Words: TypeAlias = tuple[str, ...]
Next: TypeAlias = "tuple[State, tuple[Words, ...]]"


class State(NamedTuple):
    """All that the guard knows at a time. With a latch it has tripped, for good."""

    name: str  # no other guard has it: latch ids begin with it
    ports: Mapping[str, tuple[float, bytes]] = {}
    """By board: how long a half-duplex line is quiet before one may speak (else 0), and the stop frames."""
    ticks: int = 0
    progress: tuple[tuple[str, float], ...] = (("-", 0.0),) * len(PARTS)
    """How far each of `PARTS` is, and since when."""
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
        return min(self.silent_at, self.round_at)


def step(state: State, now: float, event: Words) -> Next:
    """What becomes of `event` at the time `now`, in seconds: the next state, and what to do, in this order.

    Events: the daemon's messages `tick`, `keep`, `back`, `bye`; `gone`, its end; `stop REASON`, from anyone;
    `input SENTENCE`, a line that stops or cannot be read; `time`. What is malformed means nothing.
    Actions: `write`, a round of stop frames to all ports; `kill` the daemon; `save` the latch; `sync` it to the
    disk; `tell MESSAGE` to the daemon; `close BOARD`; `exit`. Ports and latch are those of the next state.
    """
    match event:
        case _ if state.over:
            pass
        case ("tick", *counters) if len(counters) == len(PARTS):
            return _tick(state, now, counters)
        case ("keep", board, gap_us, frames):
            with suppress(ValueError):
                port = (float(gap_us) / 1e6, bytes.fromhex(frames.removeprefix("-")))
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
            return _round(state, now, last=state.gone and state.rounds + 1 >= ROUNDS)
    return state, ()


def _tick(state: State, now: float, counters: list[str]) -> Next:
    progress = tuple(
        before if counter == before[0] != "-" else (counter, now)
        for counter, before in zip(counters, state.progress, strict=True)
    )
    state = state._replace(ticks=state.ticks + 1, silent_at=now + SILENT_S, progress=progress)
    for part, (_, since) in zip(PARTS, progress, strict=True):
        if now - since >= STUCK_S:
            return _hung(state, now, "daemon_stuck", f"the daemon's {part} did not move on for {STUCK_S:g} s")
    return state, () if state.ticks % TICKS_A_TOCK else (("tell", "tock"),)


def _hung(state: State, now: float, why: str, sentence: str) -> Next:
    """The daemon is ended first, or it might wake up between the stop frames."""
    state = state._replace(silent_at=inf, progress=State("").progress)
    state, actions = (state, ()) if state.latch else _trip(state, now, why, sentence)
    return state, (("kill",), *actions)


def _trip(state: State, now: float, why: str, sentence: str) -> Next:
    """Stop. While stopped it is a new stop, which the reset of the one before does not clear."""
    latch = {"latch_id": f"{state.name}-{state.stops + 1:x}", "reason": sentence, "by": f"guard:{why}"}
    tell = ("tell", f"tripped {latch['latch_id']} {why} {sentence}")
    state = state._replace(latch=latch, stops=state.stops + 1)
    if state.rounds:  # they go on as they were: a flood of stops must not put off what comes after them
        return state, (tell, ("save",)) if state.rounds >= ROUNDS else (tell,)
    state, actions = _round(state, now, last=False)
    return state, (*actions, tell)


def _round(state: State, now: float, *, last: bool) -> Next:
    """Write. The latch is saved in the third round, or the last, and is durable before the end."""
    state = state._replace(rounds=state.rounds + 1, round_at=now + ROUND_S, over=last)
    saves = state.rounds == ROUNDS or (last and state.rounds < ROUNDS)
    latch = [("save",)] * saves + [("sync",)] * last if state.latch else []
    return state, (("write",), *latch, *[("exit",)] * last)


class Guard:
    """Does what `step` decides. Nothing keeps it waiting but the disk, after three rounds."""

    def __init__(self, daemon: socket.socket, stop: socket.socket | None, latch: str, *line: str) -> None:
        self._daemon, self._stop, self._line, self.ioctl = daemon, stop, line, fcntl.ioctl
        self._path = latch if latch != "-" else "/dev/null/-"  # where no file can be
        # Who made the pair: unlike the parent's number it is the daemon's, whoever is our parent by now.
        pid = daemon.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4)
        self._pid = int.from_bytes(pid, sys.byteorder)
        self._ports: dict[str, int] = {}
        self._state = State(os.urandom(6).hex())
        self._poll = select.poll()
        for source in filter(None, (daemon, stop)):
            self._poll.register(source, select.POLLIN)

    def run(self) -> None:
        """Guard until the daemon is gone or says `bye`."""
        try:
            while not self._state.over:
                self._turn()
        finally:  # ports are left by an unforeseen error alone; the daemon hears of our end and halts, too
            for board, port in self._ports.items():
                with suppress(Exception):
                    self._stop_port(port, 0.0, self._state.ports[board][1])

    def _turn(self) -> None:
        wait_s = min(self._state.due - time.monotonic(), SILENT_S)
        for source, _ in self._poll.poll(max(0.0, wait_s * 1e3)):
            if source == self._daemon.fileno():
                self._hear()
            elif self._stop:
                reason = self._stop.recv(MESSAGE_BYTES, socket.MSG_DONTWAIT).decode(errors="replace")
                self._step("stop", reason[:REASON_LETTERS])
        if self._line:
            self._look(*self._line)
        self._step("time")

    def _hear(self) -> None:
        try:
            data, passed, _, _ = socket.recv_fds(self._daemon, MESSAGE_BYTES, 1, socket.MSG_DONTWAIT)
        except ConnectionResetError:  # the end, with a word of ours unread: its own last words come next
            return
        if not data:
            self._poll.unregister(self._daemon)
        words = data.decode(errors="replace").split() or ["gone"]
        match words, passed:
            case ["keep", board, _, _], [port]:
                self._close(board)
                os.set_blocking(port, False)
                self._ports[board] = port
            case ["keep", board, *_], _ if board not in self._ports:
                return
            case _, [unasked]:
                os.close(unasked)
        self._step(*words)

    def _look(self, number: str, kind: str, name: str, active: str) -> None:
        request, argument, mask = GPIO if kind == "gpio" else (termios.TIOCMGET, bytes(4), LINES[name])
        try:
            level = int.from_bytes(self.ioctl(int(number), request, argument)[:8], sys.byteorder) & mask
        except OSError as error:
            self._step("input", f"the input line {name} cannot be read: {error.strerror}")
        else:
            if bool(level) == (active == "high"):
                self._step("input", f"the input line {name} is {active}")

    def _step(self, *event: str) -> None:
        self._state, actions = step(self._state, time.monotonic(), event)
        for verb, *words in actions:
            with suppress(OSError):  # what cannot be done holds up nothing
                getattr(self, f"_{verb}")(*words)

    def _write(self) -> None:
        for board, (gap_s, frames) in sorted(self._state.ports.items(), key=itemgetter(1)):
            self._stop_port(self._ports[board], gap_s, frames)

    def _stop_port(self, port: int, gap_s: float, frames: bytes) -> None:
        """It takes them now or in the next round: a dead port delays no other. Those with a gap come last."""
        unsent = _count(port, termios.TIOCOUTQ)
        if unsent > len(frames) or self._state.rounds <= 1:
            _discard(port)
        elif unsent:  # stop frames on their way: a slow line would never get to their end
            return
        _await_gap(port, gap_s)
        with suppress(OSError):
            os.write(port, frames)

    def _kill(self) -> None:
        if 0 < self._pid == os.getppid():
            os.kill(self._pid, signal.SIGKILL)

    def _tell(self, message: str) -> None:
        self._daemon.send(message.encode(), socket.MSG_DONTWAIT)

    def _close(self, board: str) -> None:
        port = self._ports.pop(board, None)
        if port is not None:
            if self._state.rounds:
                _discard(port)
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
        while any(_count(port, termios.TIOCOUTQ) for port in self._ports.values()) and time.monotonic() < end:
            time.sleep(PAUSE_S)
        for board in list(self._ports):
            self._close(board)


def _count(port: int, what: int) -> int:
    """Of bytes unsent or unread."""
    with suppress(OSError):  # it does not say
        return int.from_bytes(fcntl.ioctl(port, what, bytes(4)), sys.byteorder)
    return 0


def _discard(port: int) -> None:
    with suppress(termios.error):  # it is gone, or no serial port
        termios.tcflush(port, termios.TCOFLUSH)


def _await_gap(port: int, gap_s: float) -> None:
    began = since = time.monotonic()
    unread = _count(port, termios.FIONREAD)
    while time.monotonic() < min(since + gap_s, began + GAP_S):
        time.sleep(PAUSE_S)
        before, unread = unread, _count(port, termios.FIONREAD)
        if unread != before or _count(port, termios.TIOCOUTQ):
            since = time.monotonic()


def main(daemon: str, stop: str, _lock: str, latch: str, *line: str) -> None:
    """Guard, with the words of the command line."""
    for name in IGNORED:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
    fifo = locked = "-"
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        fifo = "fifo"
    with suppress(ImportError):
        import ctypes  # not at the top: the daemon, which imports `step`, has no use for it

        locked = "-" if ctypes.CDLL(None).mlockall(LOCK_ALL) else "locked"
    pair = socket.socket(fileno=int(daemon))
    with suppress(OSError):
        pair.send(f"ready {fifo} {locked}".encode())
    Guard(pair, None if stop == "-1" else socket.socket(fileno=int(stop)), latch, *line).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
