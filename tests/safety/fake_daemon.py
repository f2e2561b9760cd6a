"""A daemon of a few lines in a process of its own, with a real guard: what kills it kills no test.

    python -I -S fake_daemon.py GUARD STOP LOCK LATCH [BOARD=DESCRIPTOR=GAP_US=FRAMES ...]

It hands over its boards and ticks. Each line of its input is a message to the guard, or one of: `quiet` (no
more ticks), `stuck` (the executor stays where it is), `hold` (its end stays open when it dies). Its output:
the guard's number and how long its start took in seconds, then each message of the guard.
"""

import array
import os
import select
import socket
import subprocess
import sys
from contextlib import suppress
from time import monotonic  # noqa: TID251  # a guard lives in real time

TICK_S = 0.02


def main(guard: str, stop: str, lock: str, latch: str, *boards: str) -> None:
    with suppress(PermissionError):
        os.nice(-10)  # as the unit for systemd has it: a busy machine would make a daemon look silent
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    began = monotonic()
    passed = [theirs.fileno(), *(int(number) for number in (stop, lock) if number != "-1")]
    command = [sys.executable, "-I", "-S", guard, str(theirs.fileno()), stop, lock, latch]
    process = subprocess.Popen(command, pass_fds=passed, stdin=subprocess.DEVNULL)
    theirs.close()
    for number in passed[1:]:
        os.close(number)
    ready = ours.recv(4096).decode()
    say(f"{process.pid} {monotonic() - began}")
    say(ready)
    for board in boards:
        name, descriptor, gap_us, frames = board.split("=")
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [int(descriptor)]))
        ours.sendmsg([f"keep {name} {gap_us} {frames}".encode()], [rights])
        os.close(int(descriptor))
    serve(ours)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def serve(ours: socket.socket) -> None:
    ticks, ticking, stuck = 0, True, False
    due = monotonic()
    while True:
        readable, _, _ = select.select([ours, sys.stdin], [], [], max(0.0, due - monotonic()))
        if ours in readable:
            message = ours.recv(4096).decode()
            if not message:
                return
            say(message)
        if sys.stdin in readable:
            match sys.stdin.readline().strip():
                case "quiet":
                    ticking = False
                case "stuck":
                    stuck = True
                case "hold":
                    if not os.fork():  # until its input ends
                        os.close(sys.stdout.fileno())
                        while os.read(sys.stdin.fileno(), 1):
                            pass
                        os._exit(0)
                case message:
                    ours.send(message.encode())
        if monotonic() >= due:
            due += TICK_S
            ticks += 1
            if ticking:
                ours.send(f"tick {monotonic()} {ticks} {0 if stuck else ticks} -".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
