"""Every way in, opened together and closed together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from robotd.access.gate import Gate
from robotd.clock import WallClock, wall_time
from robotd.config import RobotConfig
from robotd.errors import RobotdError
from robotd.wire.admission import Admission
from robotd.wire.http import Access
from robotd.wire.listen import Listen, listen_tcp
from robotd.wire.service import Service
from robotd.wire.tcp import serve_tcp
from robotd.wire.tls import Tls
from robotd.wire.unix import serve_unix
from robotd.wire.websocket import serve_websocket

if TYPE_CHECKING:
    from robotd.access.tls import ServerTls


class CannotStart(RobotdError):  # noqa: N818  # it says what it is
    """The daemon cannot be what its file says: an address is taken, or a wire is held by another program."""


class Listeners:
    """The WebSocket, TCP and Unix servers of one daemon, as an async context."""

    def __init__(
        self,
        config: RobotConfig,
        service: Service,
        *,
        gate: Gate,
        listen: Listen = listen_tcp,
        wall_clock: WallClock = wall_time,
        log: Any,
    ) -> None:
        self._config = config
        self._service = service
        self._listen = listen
        self._wall_clock = wall_clock
        self._log = log
        self._admission = Admission(config.limits, gate)
        self._open = AsyncExitStack()
        self.websocket: str | None = None
        """Where each really listens, once open; None for one that the file closes."""
        self.tcp: str | None = None
        self.unix: str | None = None
        self.certificate: ServerTls | None = None
        """What the WebSocket and the TCP server prove themselves with; None: they speak plainly."""

    async def __aenter__(self) -> Self:
        listen, service, admission = self._config.listen, self._service, self._admission
        self.certificate = self._read_certificate()
        tls = None if self.certificate is None else Tls(service, self.certificate.present)
        try:
            async with AsyncExitStack() as opening:
                if listen.websocket is not None:
                    access = Access(self._config.hosts, self._config.origins, tls=tls is not None)
                    host, port = await opening.enter_async_context(
                        serve_websocket(
                            service,
                            *listen.websocket,
                            access=access,
                            admission=admission,
                            listen=self._listen,
                            wall_clock=self._wall_clock,
                            tls=tls,
                        )
                    )
                    self.websocket = _address(host, port)
                if listen.tcp is not None:
                    host, port = await opening.enter_async_context(
                        serve_tcp(service, *listen.tcp, admission=admission, listen=self._listen, tls=tls)
                    )
                    self.tcp = _address(host, port)
                if listen.unix is not None:
                    self.unix = await opening.enter_async_context(
                        serve_unix(service, listen.unix, admission=admission)
                    )
                if tls is not None:
                    opening.callback(tls.close)
                self._open = opening.pop_all()
        except OSError as error:
            raise CannotStart(str(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def reload(self) -> None:
        """Read the certificate again. New connections get it; where it is unusable, the one before."""
        if self.certificate is None:
            return
        from robotd.access.certificate import BadCertificate

        try:
            self.certificate.reload()
        except BadCertificate as error:
            self._log.warning("the certificate stays as it was", why=str(error))
        else:
            self._tell(self.certificate)

    def _read_certificate(self) -> ServerTls | None:
        access = self._config.access
        if access.certificate is None or access.key is None:
            return None
        # `cryptography` takes a tenth of a second to import, which a robot without TLS does not wait for.
        from robotd.access.certificate import BadCertificate
        from robotd.access.tls import ServerTls

        try:
            certificate = ServerTls(access.certificate, access.key, self._wall_clock)
        except BadCertificate as error:
            raise CannotStart(str(error)) from error
        self._tell(certificate)
        return certificate

    def _tell(self, tls: ServerTls) -> None:
        ends = f"{tls.certificate.ends:%Y-%m-%d}"
        self._log.info("certificate", fingerprint=tls.certificate.fingerprint, ends=ends)
        if doubt := tls.doubt():
            self._log.warning(doubt)

    def count(self) -> int:
        """How many clients are connected."""
        return len(self._admission)

    def let_nobody_in(self) -> None:
        """From now on no new client; those who are there get their answers."""
        self._admission.close()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
