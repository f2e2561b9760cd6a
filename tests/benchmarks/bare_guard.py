"""The least that a process does which hears 50 ticks a second: it waits, and reads. A yardstick."""

import select
import socket
import sys

there = socket.socket(fileno=int(sys.argv[1]))
waiting = select.poll()
waiting.register(there, select.POLLIN)
there.send(b"ready - -")
message = b"-"
while message:
    waiting.poll()
    message = there.recv(4096)
    if message.startswith(b"keep"):
        there.send(b"kept board")
