"""Where clients come in, how much of anything they may use, and under which names they may come."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple

from pydantic import Field, create_model

from hal import PositiveDuration
from robotd.config.models import Entry, ListenModel
from robotd.config.place import Place
from robotd.config.safety import AccessSettings
from robotd.core.limits import Limits

OFF = "off"
PORT_LIMIT = 65535
UNIX_PATH_LIMIT_BYTES = 107
"""Of a Unix socket's address, less its closing zero byte (unix(7))."""


class Address(NamedTuple):
    """A host, as text, and a port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listen:
    """The three ways in; None where one is closed."""

    websocket: Address | None
    """Also serves HTTP."""
    tcp: Address | None
    unix: str | None
    """A file name in the run-time folder, or an absolute path."""


def read_listen(place: Place, access: AccessSettings) -> Listen:
    """The section `listen`; what it leaves out is where the defaults say, `off` closes.

    Other machines are let in only where `access` asks them who they are, and nobody can listen in.
    """
    if place.value is not None:
        place.read(ListenModel, gaps=True)
    guarded = access.tokens is not None and access.certificate is not None
    websocket, tcp = (_address(place, name, guarded=guarded) for name in ("websocket", "tcp"))
    if websocket and websocket == tcp and websocket.port:
        (place / "tcp").refuse(
            f"websocket and tcp both listen at {tcp}", "choose another port for one of them"
        )
    return Listen(websocket, tcp, _unix(place))


def read_limits(place: Place) -> Limits:
    """The section `limits`: the defaults, and what the file says instead."""
    model = None if place.value is None else place.read(LimitsModel)
    if model is None:
        return Limits()
    given = model.model_dump(exclude_unset=True)
    return Limits(**{name: given[key] for name, key in _LIMIT_KEYS.items() if key in given})


def _key(name: str) -> str:
    """A duration loses its suffix in the file, where it carries its unit; a rate keeps its own."""
    return name if name.endswith("_per_s") else name.removesuffix("_s")


_LIMIT_KEYS = {field.name: _key(field.name) for field in fields(Limits)}


def _limits_model() -> type[Entry]:
    types: dict[str, Any] = {}
    for field in fields(Limits):
        kind: Any = (
            Annotated[int, Field(ge=1)] if isinstance(field.default, int) else Annotated[float, Field(gt=0)]
        )
        if _LIMIT_KEYS[field.name] != field.name:
            kind = PositiveDuration
        types[_LIMIT_KEYS[field.name]] = (kind, field.default)
    return create_model(
        "LimitsModel", __base__=Entry, __doc__="What a client may use; see `Limits`.", **types
    )


LimitsModel = _limits_model()


def _value(place: Place, name: str) -> Any:
    """What the file says, `off` and nothing at all made None; the default where it is silent."""
    value = (place / name).value if name in place else ListenModel.model_fields[name].default
    return None if value == OFF else value


def _address(place: Place, name: str, *, guarded: bool) -> Address | None:
    value, entry = _value(place, name), place / name
    if value is None:
        return None
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or not port.isdecimal() or not port.isascii() or int(port) > PORT_LIMIT:
        entry.refuse("an address is due here: host:port", "for example: 127.0.0.1:8080, or off")
        return None
    if host == "localhost":
        return Address(host, int(port))
    if not guarded and not _is_loopback(host):
        entry.refuse(
            f"{host} can be reached from other machines, and without tokens and TLS they could all drive",
            "say access: {tokens: ..., certificate: ..., key: ...}, or listen at "
            f"127.0.0.1:{port} and let clients come through 'ssh -L {port}:127.0.0.1:{port} robot'",
        )
        return None
    if not _is_ip(host):
        entry.refuse(f"'{host}' is no IP address", f"0.0.0.0:{port} listens in every network")
        return None
    return Address(host, int(port))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_ip(host) and ipaddress.ip_address(host).is_loopback


def _unix(place: Place) -> str | None:
    value, entry = _value(place, "unix"), place / "unix"
    if value is None or (
        isinstance(value, str)
        and value
        and "\0" not in value
        and len(value.encode()) <= UNIX_PATH_LIMIT_BYTES
    ):
        return value
    entry.refuse(
        f"the name of a socket is due here, at most {UNIX_PATH_LIMIT_BYTES} bytes", "for example: robotd.sock"
    )
    return None
