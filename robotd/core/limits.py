"""The bounds of all that a client can make grow, with their defaults; `limits:` in the file changes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Counts, bytes, and rates and durations in seconds; all greater than zero.

    In the robot's file a duration loses its suffix and carries its unit: `ping_s` is `ping: 1 s`.
    """

    connections: int = 64
    """Over all transports together."""
    connections_per_address: int = 8
    """From one IP address, or from one user on the Unix socket."""
    unauthenticated: int = 16
    """Of all connections, those that have not said yet who they are, where the robot asks for tokens..."""
    hello_s: float = 2.0
    """...and how long each may take to say it."""
    handshake_s: float = 3.0
    """A WebSocket opening, from the first byte to the upgrade."""
    ping_s: float = 1.0
    """How often a WebSocket client is asked whether it is still there..."""
    pong_s: float = 1.0
    """...and how long it may take to say so."""

    message_bytes: int = 16 * 1024
    json_depth: int = 16
    """Objects and lists inside one another."""
    string_bytes: int = 4 * 1024
    """Of UTF-8, keys included."""
    list_items: int = 256
    """In a list, or of keys in an object."""

    in_flight: int = 64
    """Commands of one client that have not ended; also the most calls in one batch."""
    rate_per_s: float = 100.0
    """Messages of one client that are not streamed setpoints; more of them are read later."""
    setpoint_rate_per_s: float = 200.0
    """Streamed setpoints of one client; of more of them the newest wins."""
    burst: int = 50
    """How many of either may come at once after a silence."""

    queue_safety: int = 64
    queue_command: int = 256
    queue_event: int = 1024
    queue_background: int = 256

    outbox_messages: int = 256
    """Waiting for one client's socket to take more; telemetry beyond is thinned out first..."""
    outbox_bytes: int = 256 * 1024
    """...and answers beyond cut the client off."""
    slow_reader_s: float = 5.0
    """A client whose socket takes nothing for this long is cut off."""
