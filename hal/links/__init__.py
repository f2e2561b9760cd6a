"""Wires: serial ports, TCP, pseudo-terminals, memory. `open_link` makes the one that a port's name means."""

from __future__ import annotations

from urllib.parse import urlsplit

from hal.errors import LinkError
from hal.link import Link, Parity
from hal.links.tcp import TcpLink


def open_link(port: str, baud: int, parity: Parity = "none") -> Link:
    """A link, not yet open, to `/dev/ttyACM0`, `usb:2341:0043` or `tcp://192.0.2.1:5000`.

    `baud` and `parity` are for serial ports. Raises `LinkError` for a name that means nothing; whether there
    is such a port is found out by `Link.open`.
    """
    if port.startswith("tcp://"):
        return TcpLink(*_tcp_address(port))
    if "://" in port or not port:
        raise LinkError(f"'{port}' is no port: write /dev/..., usb:VID:PID or tcp://host:port")
    # pyserial takes 20 ms to import, which a robot of TCP boards, or a simulated one, need not spend.
    from hal.links.serial import SerialLink

    return SerialLink(port, baud, parity)


def _tcp_address(port: str) -> tuple[str, int]:
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port
    except ValueError:  # a port number beyond 65535, or none at all
        host = number = None
    if not host or not number or parts.path or parts.query or parts.fragment or parts.username:
        raise LinkError(f"'{port}' is no TCP port: write tcp://host:port, for example tcp://192.0.2.1:5000")
    return host, number
