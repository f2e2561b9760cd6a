"""What a session and the shell around it owe one another: bounds, ends, and what each calls.

A transport (lines over TCP, a WebSocket) is a thin shell around a session and does five things:

- at each read from the socket `begin_read(size)`, then `receive(message)` for each whole message in it. It
  reads at most `READ_BYTES` at once (`transport.max_size`), or one client's bytes delay another's stop;
- at asyncio's `pause_writing` and `resume_writing` the methods of the same name. `WRITE_HIGH_BYTES` is its
  mark and `SEND_BUFFER_BYTES` the socket's own buffer, or a reader that does not read is noticed too late;
- when the client sends nothing more but still reads, `end_of_input`; before the server ends, `shut_down`; and
  when the connection is gone, `close`;
- what the session asks of it, which is `Transport`;
- what is wrong below the messages (a line without end, a binary frame) it says with `refuse`.
"""

from __future__ import annotations

from typing import Protocol

READ_BYTES = 4096
WRITE_HIGH_BYTES = 64 * 1024
SEND_BUFFER_BYTES = 64 * 1024

CLOSED = "closed by the client"
"""Why a session ended; the first of these reasons that is met is told to the daemon."""
SLOW = "it does not read"
SHUT_DOWN = "the daemon ended"
LOST = "connection lost"
"""Followed by a colon and what the system or the transport says."""


class Transport(Protocol):
    """What a session asks of the shell around it. Nothing here waits or raises."""

    def write(self, messages: list[bytes]) -> None:
        """Frame these and write them, in one system call. Not called while writing is paused."""

    def pause_reading(self) -> None:
        """Leave what comes in the socket."""

    def resume_reading(self) -> None:
        """Read again."""

    def close(self) -> None:
        """End the connection when all that was written has gone out."""

    def abort(self, why: str) -> None:
        """End the connection now; `why` is a sentence for the log, or for a close frame."""


def why_lost(error: Exception | None) -> str:
    """Why asyncio lost a connection, for `Session.close`."""
    return CLOSED if error is None else f"{LOST}: {getattr(error, 'strerror', None) or error}"
