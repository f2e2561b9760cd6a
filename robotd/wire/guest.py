"""Who one client is: a stranger where the robot asks for tokens, until it says one that counts."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from robotd.access.table import NEEDED
from robotd.access.who import Who
from robotd.wire.admission import Admission
from robotd.wire.service import Service

LATE = "it did not say who it is"
"""Why a stranger is sent away; the first of a session's reasons, see `robotd.wire.transport`."""
NOW_ANOTHER = "it says that it is somebody else"


class Entry(NamedTuple):
    """How a client came in."""

    admission: Admission
    address: str
    """What its failures are counted by: an IP address, or a user."""
    who: Who
    """As far as is known so far."""


class Stay(Protocol):
    """The session of a guest."""

    def end(self, why: str) -> None:
        """When it has its answers, it has to go."""

    def cut_off(self, why: str) -> None:
        """It has to go now."""


class Guest:
    """One client, from its connection to its end."""

    def __init__(self, service: Service, entry: Entry, stay: Stay) -> None:
        self._service = service
        self._admission, self._address, self.who = entry
        self._gate = self._admission.gate
        self._stay = stay
        self._loop = asyncio.get_running_loop()
        self._late: asyncio.TimerHandle | None = None

    @property
    def who(self) -> Who:
        """Who it is by now."""
        return self._who

    @who.setter
    def who(self, who: Who) -> None:
        self._who = who
        self.may_send = who.role >= NEEDED["send"]
        """Asked for each command."""

    @property
    def is_stranger(self) -> bool:
        """Whether it has not proved yet who it is."""
        return self._who.is_stranger

    def enter(self) -> None:
        """It is in. A stranger has little time to say who it is."""
        if self.is_stranger:
            self._late = self._loop.call_later(self._service.limits.hello_s, self._stay.end, LATE)
        else:
            self._service.joined(self._who.source, self._who.principal)

    def hello(self, token: object) -> None:
        """It says a token; None: it says none. Raises `Refused`, and then it is who it was."""
        gate, before = self._gate, self._who
        if not gate.asks or (token is None and not self.is_stranger):
            return
        who, found = gate.prove(token, self._address, before.source)
        if who.principal == before.principal:
            return
        if self._late is not None:
            self._late.cancel()
        if self.is_stranger:
            self._admission.recognise()
        else:
            self._service.left(before.source, NOW_ANOTHER, self._loop.time())
        self.who = who
        gate.welcome(self, found)
        self._service.joined(who.source, who.principal)

    def require(self, what: str) -> None:
        """Raises `Refused` unless it may ask for `what`, a method."""
        self._gate.require(self._who, what)

    def expel(self, why: str) -> None:
        """As `robotd.access.gate.Guest`."""
        self._stay.cut_off(why)

    def leave(self, why: str, last_at: float) -> None:
        """It is gone."""
        if self._late is not None:
            self._late.cancel()
        self._gate.goodbye(self)
        if not self.is_stranger:
            self._service.left(self._who.source, why, last_at)
