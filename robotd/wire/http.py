"""The pages on the WebSocket port and who may ask for them. No I/O: a request in, an answer out.

Not responsible for reading HTTP: `websocket.py` does, with the parser of `websockets`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from robotd.access.gate import Gate
from robotd.access.table import ANYBODY, NEEDED
from robotd.errors import Refused
from robotd.json import encode
from robotd.wire.metrics import exposition
from robotd.wire.service import Service
from robotd.wire.tracing import Trace, read_traceparent

WEBSOCKET_PATH = "/ws"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Always allowed, with any port, so that `ssh -L` works."""

_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_HARDENING = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What of an HTTP request matters here. A header that came twice counts as what no list holds."""

    method: str
    path: str
    host: str | None
    origin: str | None
    peer: str
    """For the log and the latch: `http:127.0.0.1:40112`."""
    traceparent: str | None = None
    authorization: str | None = field(default=None, repr=False)
    """May hold a token: it goes to the gate and nowhere else."""
    address: str = ""
    """Of whoever asks, for the gate."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; `Content-Length` and the date are the transport's."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Access:
    """The exact lists of `Host` and `Origin`.

    `hosts` are what the file adds: `robot.local` with any port, or `robot.local:8080` with that one. An
    origin, where there is one, is the page's own (`http://` or `https://` and the request's `Host`; behind
    `tls` only the latter, for whoever is on the way can make up a page of the former), or one of `origins`.
    Without these lists any web page could drive the robot of whoever looks at it (DNS rebinding and
    cross-site WebSockets).
    """

    def __init__(self, hosts: Iterable[str] = (), origins: Iterable[str] = (), *, tls: bool = False) -> None:
        self._schemes = ("https",) if tls else ("http", "https")
        self._hosts = frozenset(host.lower() for host in (*LOOPBACK_HOSTS, *hosts))
        # Every sandboxed page and every local file calls itself `null`: to let one in would be all of them.
        self._origins = frozenset(origins) - {"null"}

    def refusal(self, request: Request) -> Refused | None:
        """Why `request` is not let in, or None where it is."""
        host = request.host.lower() if request.host is not None else ""
        if host not in self._hosts and _without_port(host) not in self._hosts:
            return Refused(
                "forbidden",
                f"the Host {request.host!r} is not one of this robot's",
                hint="add the name to 'hosts' in the robot's file",
            )
        own = [f"{scheme}://{host}" for scheme in self._schemes]
        if request.origin is not None and request.origin not in self._origins and request.origin not in own:
            return Refused(
                "forbidden",
                f"a page of {request.origin!r} may not use this robot",
                hint="add it to 'origins' in the robot's file",
            )
        return None


class Pages:
    """The routes: a table from path and method to a function that answers."""

    def __init__(self, service: Service, access: Access, gate: Gate | None = None) -> None:
        """Without a `gate` nobody is asked for a token."""
        self._service = service
        self._access = access
        self._gate = Gate() if gate is None else gate
        self.routes: Mapping[str, Mapping[str, Callable[[Request], Answer | Awaitable[Answer]]]] = {
            "/": {"GET": self._page},
            "/healthz": {"GET": self._health},
            "/readyz": {"GET": self._readiness},
            "/metrics": {"GET": self._metrics},
            "/api/v1/status": {"GET": self._status},
            "/api/v1/estop": {"POST": self._estop},
        }
        """What answers, by path and method."""

    def answer(self, request: Request) -> Answer | Awaitable[Answer] | None:
        """The answer, now or after the evidence of a stop; None: go on with the WebSocket handshake.

        A stop has happened when this returns. Never waits.
        """
        if (refusal := self._access.refusal(request)) is not None:
            return _refused(HTTPStatus.FORBIDDEN, refusal)
        path = request.path.partition("?")[0]
        if path == WEBSOCKET_PATH:
            return None
        methods = self.routes.get(path)
        if methods is None:
            known = ", ".join((*self.routes, WEBSOCKET_PATH))
            return _refused(
                HTTPStatus.NOT_FOUND,
                Refused("method_not_found", f"there is no page {path[:64]!r}", hint=f"pages: {known}"),
            )
        act = methods.get(request.method)
        if act is None:
            allowed = ", ".join(methods)
            refusal = Refused("method_not_found", f"{path} takes {allowed} only", hint=f"use {allowed}")
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED, refusal, ("Allow", allowed))
        try:
            self._check(request, f"{request.method} {path}")
        except Refused as refused:
            return _denied(refused)
        return act(request)

    def _check(self, request: Request, page: str) -> None:
        """Raises `Refused` unless whoever asks may have this page."""
        gate = self._gate
        who = gate.comer(request.peer)
        if who.is_stranger and NEEDED.get(page) is not ANYBODY:
            who, _ = gate.prove(_bearer(request.authorization), request.address, request.peer)
        gate.require(who, page)

    def _page(self, request: Request) -> Answer:
        page, policy = _page_and_policy()
        # 'self' covers WebSockets in present browsers only; the host was checked above, so it may stand here.
        policy = f"{policy}; connect-src 'self' ws://{request.host} wss://{request.host}"
        return _made(HTTPStatus.OK, "text/html; charset=utf-8", page, ("Content-Security-Policy", policy))

    def _health(self, request: Request) -> Answer:
        """The process lives and its loop turns: else this would not be said."""
        return _made(HTTPStatus.OK, _TEXT, b"ok\n")

    def _readiness(self, request: Request) -> Answer:
        """Whether every board is there and no stop is latched."""
        status = self._service.status()
        missing = [
            f"{name}: {board['state']}"
            for name, board in status["boards"].items()
            if board["state"] != "online"
        ]
        if status["latch"] is not None:
            missing.append(f"stopped by {status['latch']['by']}")
        if missing:
            return _made(
                HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, "".join(f"{line}\n" for line in missing).encode()
            )
        return _made(HTTPStatus.OK, _TEXT, b"ready\n")

    def _metrics(self, request: Request) -> Answer:
        return _made(HTTPStatus.OK, _PROMETHEUS, exposition(self._service.status()).encode())

    def _status(self, request: Request) -> Answer:
        return self._traced(self._trace(request), self._service.status())

    def _estop(self, request: Request) -> Awaitable[Answer]:
        trace = self._trace(request)
        evidence = self._service.estop("POST /api/v1/estop", request.peer, trace.id)

        async def told() -> Answer:
            return self._traced(trace, await evidence)

        return told()

    def _trace(self, request: Request) -> Trace:
        """The one that the request names, or a new one."""
        return read_traceparent(request.traceparent) or Trace(self._service.new_trace_id())

    def _traced(self, trace: Trace, result: Mapping[str, Any]) -> Answer:
        """The answer of a method, with its trace as on the other transports, and as a header."""
        header = "traceparent", trace.traceparent(self._service.new_id())
        return _made(HTTPStatus.OK, _JSON, encode({**result, "trace_id": trace.id}), header)


def unavailable(refusal: Refused) -> Answer:
    """There is no place for one more client now."""
    return _refused(HTTPStatus.SERVICE_UNAVAILABLE, refusal, ("Retry-After", "1"))


def unreadable() -> Answer:
    """What came is no HTTP request that can be served here."""
    refusal = Refused(
        "invalid_request", "not a request without a body", hint="a stop is POST, with no body at all"
    )
    return _refused(HTTPStatus.BAD_REQUEST, refusal)


def _bearer(authorization: str | None) -> str | None:
    """The token in the header (RFC 6750, section 2.1); None where there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _denied(refused: Refused) -> Answer:
    """The answer to who may not ask."""
    if refused.reason == "unauthenticated":
        return _refused(HTTPStatus.UNAUTHORIZED, refused, ("WWW-Authenticate", 'Bearer realm="robotd"'))
    if refused.reason == "forbidden":
        return _refused(HTTPStatus.FORBIDDEN, refused)
    wait_s = -(-refused.data["retry_after_ms"] // 1000)
    return _refused(HTTPStatus.TOO_MANY_REQUESTS, refused, ("Retry-After", str(wait_s)))


@cache
def _page_and_policy() -> tuple[bytes, str]:
    """The page, and a policy that lets nothing run but its own script and style, by their hashes."""
    page = files("robotd.wire").joinpath("page.html").read_bytes()
    sources = {
        element: " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
            for text in re.findall(rb"<%s>(.*?)</%s>" % (element, element), page, re.DOTALL)
        )
        for element in (b"script", b"style")
    }
    policy = (
        f"default-src 'none'; script-src {sources[b'script']}; style-src {sources[b'style']}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _made(status: HTTPStatus, content_type: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", content_type), *_HARDENING, *headers), body)


def _refused(status: HTTPStatus, refusal: Refused, *headers: tuple[str, str]) -> Answer:
    return _made(status, _JSON, encode({"error": refusal.as_error()}), *headers)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and (":" not in name or name.endswith("]")) else host
