"""The gate: who somebody is by what it says, and who is sent away when that counts no more.

It answers every failure alike, looks at fewer and fewer of them, and tells the audit of what happens. It has
no timer: somebody calls `look` every `LOOK_S`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from robotd.access.table import refusal, unauthenticated
from robotd.access.tally import Tally
from robotd.access.throttle import Throttle
from robotd.access.tokens import Token, Tokens, TokensUnreadable
from robotd.access.users import Users
from robotd.access.who import NOBODY, Who, stranger
from robotd.clock import WallClock, wall_time
from robotd.errors import Refused

LOOK_S = 0.5
"""The session of a token that was revoked ends within twice as long."""
DAEMON = "daemon"
EXPIRED = "its token has expired"
REVOKED = "its token was revoked or changed"


class TokenSource(Protocol):
    """Where the tokens are: `robotd.access.tokens.TokenFile`."""

    def mark(self) -> object:
        """Something that changes when the tokens may have."""

    def read(self) -> Tokens:
        """What they are now. Raises `TokensUnreadable`."""


class Guest(Protocol):
    """Somebody who is in. Hashable."""

    who: Who

    def expel(self, why: str) -> None:
        """It has to go, now; `why` is a sentence."""


class Audit(Protocol):
    """Writes down what somebody may have to answer for."""

    def __call__(self, what: str, *, source: str, who: str | None = None, **said: Any) -> object:
        """`said` is JSON, and no secret."""


def no_audit(what: str, *, source: str, who: str | None = None, **said: Any) -> None:
    """Nobody wants to know."""


class Gate:
    """One for the whole daemon. Without `tokens` nobody is asked for one."""

    def __init__(
        self,
        tokens: TokenSource | None = None,
        *,
        users: Users | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        wall_clock: WallClock = wall_time,
        audit: Audit = no_audit,
        tell: Callable[[str], object] = lambda _sentence: None,
    ) -> None:
        """`clock`: seconds that only go forward. `tell` hears, in a sentence, what whoever keeps the robot
        must know at once.
        """
        self._source = tokens
        self._users = users or Users()
        self._clock = clock
        self._wall_clock = wall_clock
        self._audit = audit
        self._tell = tell
        self._tokens = Tokens()
        self._mark: object = None
        self._holders: dict[Guest, Token] = {}
        self._throttle = Throttle()
        self._tally = Tally(lambda count: audit("others", source=DAEMON, count=count))
        self.trouble: str | None = None
        """Why no token counts at all; None: all is well."""
        self.compared = 0
        """How many tokens were looked at."""
        if tokens is not None:
            self._mark = tokens.mark()
            self._read(tokens, first=True)

    @property
    def asks(self) -> bool:
        """Whether a client has to prove who it is, the system's own users aside."""
        return self._source is not None

    def as_data(self) -> dict[str, Any]:
        """What `status` tells: how many tokens there are (None: nobody is asked), and why none counts."""
        return {"tokens": len(self._tokens) if self.asks else None, "trouble": self.trouble}

    # -- who somebody is ----------------------------------------------------------------------------

    def comer(self, source: str, user: int | None = None) -> Who:
        """Who has just connected; `user` is whom the system says it is, on the Unix socket."""
        if user is not None:
            return Who(source, f"unix:{user}", self._users.role(user))
        return stranger(source) if self.asks else Who(source)

    def prove(self, said: object, address: str, source: str) -> tuple[Who, Token]:
        """Who holds the token that was `said` (None: none was). Raises `Refused`, always in the same words.

        Only for one that has to wait they are others: it was not looked at.
        """
        if said is None:
            raise unauthenticated()
        now = self._clock()
        wait_s = self._throttle.wait_s(address, now)
        if wait_s > 0:
            self._refused("throttled", address, source)
            raise Refused(
                "busy",
                "too many tokens from this address did not count",
                hint="wait, then say hello with a valid one",
                retry_after_ms=math.ceil(wait_s * 1000),
            )
        self.compared += 1
        found, why = self._tokens.find(said, self._wall_clock())
        if found is None:
            self._throttle.failed(address, now)
            self._refused(why, address, source)
            raise unauthenticated()
        who = Who(source, f"token:{found.id}", found.role)
        self._tally.note(
            ("accepted", who.principal, address),
            now,
            lambda count: self._audit(
                "token.accepted", source=source, who=who.principal, role=str(found.role), **_times(count)
            ),
        )
        return who, found

    def require(self, who: Who, what: str) -> None:
        """Raises `Refused` unless `who` may ask for `what`, a method or a page."""
        refused = refusal(who.role, what)
        if refused is None:
            return
        if not who.is_stranger:
            self._tally.note(
                ("forbidden", who.principal, what),
                self._clock(),
                lambda count: self._audit(
                    "forbidden", source=who.source, who=who.principal, method=what, **_times(count)
                ),
            )
        raise refused

    def _refused(self, why: str, address: str, source: str) -> None:
        self._tally.note(
            ("refused", why, address),
            self._clock(),
            lambda count: self._audit("token.refused", source=source, who=NOBODY, why=why, **_times(count)),
        )

    # -- who is in ----------------------------------------------------------------------------------

    def welcome(self, guest: Guest, token: Token) -> None:
        """It is in by this token, and goes when that counts no more."""
        self._holders[guest] = token

    def goodbye(self, guest: Guest) -> None:
        """It is gone."""
        self._holders.pop(guest, None)

    def look(self) -> None:
        """Read the tokens again if they changed, and send away whose token counts no more."""
        self._tally.look(self._clock())
        if self._source is None:
            return
        mark = self._source.mark()
        if mark != self._mark:
            self._mark = mark
            self._read(self._source)
        wall = self._wall_clock()
        for guest, token in [*self._holders.items()]:
            if (why := self._why_not(token, wall)) is not None:
                self.goodbye(guest)
                self._audit("token.expelled", source=guest.who.source, who=guest.who.principal, why=why)
                guest.expel(why)

    def close(self) -> None:
        """The daemon ends: what was only counted is told."""
        self._tally.flush()

    def _why_not(self, token: Token, wall: datetime) -> str | None:
        if token not in self._tokens:
            return REVOKED
        return EXPIRED if token.expired(wall) else None

    def _read(self, source: TokenSource, *, first: bool = False) -> None:
        before = self._tokens
        try:
            self._tokens, self.trouble = source.read(), None
        except TokensUnreadable as error:
            self._tokens, self.trouble = Tokens(), str(error)
            self._tell(f"nobody comes in by a token: {error}")
            self._audit("tokens.unreadable", source=DAEMON, message=str(error))
            return
        if first:
            self._audit("tokens.read", source=DAEMON, tokens=len(self._tokens))
            return
        added = [_named(token) for token in self._tokens if token not in before]
        removed = [_named(token) for token in before if token not in self._tokens]
        self._audit("tokens.changed", source=DAEMON, tokens=len(self._tokens), added=added, removed=removed)


def _named(token: Token) -> str:
    return f"{token.id} {token.name} {token.role}"


def _times(count: int) -> dict[str, int]:
    """How often, where it was more than once."""
    return {} if count == 1 else {"count": count}
