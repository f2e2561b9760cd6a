"""Every way in, opened together and closed together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from robotd.clock import WallClock, wall_time
from robotd.config import RobotConfig
from robotd.errors import RobotdError
from robotd.wire.admission import Admission
from robotd.wire.http import Access
from robotd.wire.listen import Listen, listen_tcp
from robotd.wire.service import Service
from robotd.wire.tcp import serve_tcp
from robotd.wire.unix import serve_unix
from robotd.wire.websocket import serve_websocket


class CannotStart(RobotdError):  # noqa: N818  # it says what it is
    """The daemon cannot be what its file says: an address is taken, or a wire is held by another program."""


class Listeners:
    """The WebSocket, TCP and Unix servers of one daemon, as an async context."""

    def __init__(
        self,
        config: RobotConfig,
        service: Service,
        *,
        listen: Listen = listen_tcp,
        wall_clock: WallClock = wall_time,
    ) -> None:
        self._config = config
        self._service = service
        self._listen = listen
        self._wall_clock = wall_clock
        self._admission = Admission(config.limits)
        self._open = AsyncExitStack()
        self.websocket: str | None = None
        """Where each really listens, once open; None for one that the file closes."""
        self.tcp: str | None = None
        self.unix: str | None = None

    async def __aenter__(self) -> Self:
        listen, service, admission = self._config.listen, self._service, self._admission
        try:
            async with AsyncExitStack() as opening:
                if listen.websocket is not None:
                    access = Access(self._config.hosts, self._config.origins)
                    host, port = await opening.enter_async_context(
                        serve_websocket(
                            service,
                            *listen.websocket,
                            access=access,
                            admission=admission,
                            listen=self._listen,
                            wall_clock=self._wall_clock,
                        )
                    )
                    self.websocket = _address(host, port)
                if listen.tcp is not None:
                    host, port = await opening.enter_async_context(
                        serve_tcp(service, *listen.tcp, admission=admission, listen=self._listen)
                    )
                    self.tcp = _address(host, port)
                if listen.unix is not None:
                    self.unix = await opening.enter_async_context(
                        serve_unix(service, listen.unix, admission=admission)
                    )
                self._open = opening.pop_all()
        except OSError as error:
            raise CannotStart(str(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def count(self) -> int:
        """How many clients are connected."""
        return len(self._admission)

    def let_nobody_in(self) -> None:
        """From now on no new client; those who are there get their answers."""
        self._admission.close()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
