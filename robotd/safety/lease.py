"""Who moves the robot: one session at a time, as long as it is heard. It decides only; time is an argument.

    free -> held -> lost -> free        its holder was not heard in time
    free -> held -> free                given back, or taken by itself and no longer used

Whoever uses it calls `tick` when `due` says so, and before each question: it answers for that moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from robotd.config.safety import LEAST_WINDOW_S, MOST_WINDOW_S
from robotd.core.role import Role
from robotd.errors import Refused

LOST_S = 2.0
"""So long after it was lost it waits for its holder to take it again. Then the machine is told."""
RENEWALS = 5
"""In one window its holder should renew it so many times: a lost message is no lost operator."""


class Holder(NamedTuple):
    """Who has it: a session, and who is behind that."""

    source: str
    """Of the session; no other that lives has the same."""
    principal: str
    role: Role

    def as_data(self) -> dict[str, str]:
        """For answers and rows."""
        return {"source": self.source, "principal": self.principal, "role": str(self.role)}


@dataclass(slots=True, eq=False)
class Held:
    """The lease, from being taken to its end."""

    lease_id: str
    holder: Holder
    window_s: float
    taken_at: float
    heard_at: float
    """When its holder was last heard."""
    explicit: bool
    """It was asked for, and must always be renewed. One that a command took lasts as long as the motion."""
    closed: bool = False
    """The session of its holder is over, or will say nothing more."""
    silent: bool = False
    """Its holder's stream of setpoints fell silent, and nothing was heard since."""
    kept_at: float = -math.inf
    """When it was last kept by a motion that it covers, instead of a word."""
    lost_at: float | None = None
    """When it lapsed."""

    @property
    def due(self) -> float:
        """When it must have been heard of again; of a lost one, when it is free."""
        if self.lost_at is not None:
            return self.lost_at + LOST_S
        return max(self.heard_at, self.kept_at) + self.window_s


class Taken(NamedTuple):
    """Somebody took it."""

    held: Held
    before: Held | None
    """What they took it from; it may have been theirs."""

    @property
    def goes_on(self) -> bool:
        """Whether what moves may go on: nobody had it, or the same one, perhaps over another session."""
        before = self.before
        if before is None or before.lost_at is not None:
            return True
        same = before.holder.source == self.held.holder.source
        return same or (before.closed and before.holder.principal == self.held.holder.principal)


class Ended(StrEnum):
    """What became of a lease in `tick`."""

    LAPSED = "lapsed"
    """Its holder is lost: what it moves must halt."""
    IDLE = "idle"
    """It was taken by a command and nothing moves any more: it is free, and nobody was lost."""
    FREED = "freed"
    """It had lapsed, and nobody has taken it again."""


class Lease:
    """At most one `Held` at a time."""

    def __init__(self, window_s: float, teleop_window_s: float) -> None:
        """`window_s`: where nobody asks for another; `teleop_window_s`: of who begins with a setpoint."""
        self._window_s = window_s
        self._teleop_window_s = teleop_window_s
        self.held: Held | None = None
        """Also while it is lost."""
        self._mute: dict[str, None] = {}
        """Sessions that are there, and will never be heard again."""
        self._losers: dict[str, None] = {}
        """Sessions that lost it and go on: what they send by habit must not take it again."""

    @property
    def holder(self) -> Holder | None:
        """Who may move the robot now."""
        held = self.held
        return None if held is None or held.lost_at is not None else held.holder

    @property
    def due(self) -> float | None:
        """When `tick` is to be called; it may come to be later than that."""
        return None if self.held is None else self.held.due

    def acquire(
        self,
        who: Holder,
        at: float,
        new_id: Callable[[], str],
        *,
        window_s: float | None = None,
        steal: bool = False,
        at_rest: bool,
    ) -> Taken:
        """Take it, asked for at `at`. Raises `Refused`.

        `window_s` is None for the usual one; `at_rest`: nothing moves that needs it.
        """
        window_s = self._window_s if window_s is None else window_s
        if not LEAST_WINDOW_S <= window_s <= MOST_WINDOW_S:
            raise Refused(
                "invalid_params",
                f"a lease lasts {LEAST_WINDOW_S * 1000:g} to {MOST_WINDOW_S * 1000:g} ms unheard",
                parameter="window_ms",
                limit=[LEAST_WINDOW_S * 1000, MOST_WINDOW_S * 1000],
                unit="ms",
            )
        if not self._yields(who, steal=steal, at_rest=at_rest):
            raise self.refusal(who, at)
        return self._take(who, at, new_id, window_s, explicit=True)

    def use(
        self,
        who: Holder,
        at: float,
        new_id: Callable[[], str],
        *,
        streamed: bool,
        at_rest: bool,
        takes: bool = True,
    ) -> Taken | None:
        """Somebody sends what moves the robot: renew their lease (None), or take a free one (if it `takes`).

        What came before it was taken it does not cover. Raises `Refused`.
        """
        held = self.held
        if held is not None and self._is_mine(held, who):
            if at < held.taken_at:
                raise Refused("no_lease", "it came before the lease was taken", hint="send a new one")
            if at >= held.due:
                raise self.refusal(who, at)
            self._hear(held, at)
            return None
        if who.source in self._losers or not self._yields(who, steal=False, at_rest=at_rest):
            raise self.refusal(who, at)
        if not takes:
            return None
        window_s = self._teleop_window_s if streamed else self._window_s
        return self._take(who, at, new_id, window_s, explicit=False)

    def renew(self, who: Holder, lease_id: str, at: float) -> Held:
        """Its holder is heard of, by what arrived at `at`. Raises `Refused`: what is lost is not revived."""
        held = self.held
        mine = held is not None and held.lease_id == lease_id and self._is_mine(held, who)
        if held is None or not mine or at >= held.due:
            raise self.refusal(who, at)
        self._hear(held, at)
        return held

    def release(self, who: Holder, lease_id: str) -> Held:
        """Its holder gives it back. Raises `Refused`."""
        held = self.held
        if held is None or held.lease_id != lease_id or not self._is_mine(held, who):
            raise self.refusal(who, 0.0 if held is None else held.due)
        self.held = None
        return held

    def mute(self, source: str) -> None:
        """A session says nothing more, though it may still listen: as far as the lease goes, it is over."""
        self._mute[source] = None
        if self.held is not None and self.held.holder.source == source:
            self.held.closed = True

    def close(self, source: str) -> None:
        """A session is over. The lease is not: it lapses by its own time."""
        self._losers.pop(source, None)
        self._mute.pop(source, None)
        if self.held is not None and self.held.holder.source == source:
            self.held.closed = True

    def fell_silent(self, source: str) -> None:
        """A stream of setpoints of this session was not renewed in time."""
        if self.held is not None and self.held.holder.source == source:
            self.held.silent = True

    def tick(self, now: float, *, at_rest: bool, is_used: bool) -> Ended | None:
        """What became of it by `now`. `is_used`: a motion with an end that its holder caused is under way."""
        held = self.held
        if held is None or now < held.due:
            return None
        if held.lost_at is not None:
            self.held = None
            return Ended.FREED
        if is_used and not held.explicit and not held.closed:
            held.kept_at = now
            return None
        if at_rest and not held.explicit and not held.silent:
            self.held = None
            return Ended.IDLE
        held.lost_at = now
        self._lose(held)
        return Ended.LAPSED

    def refusal(self, who: Holder | None, now: float) -> Refused:
        """Why `who` (or what nobody is behind) may not move the robot now: the holder, and what to do."""
        held = self.held
        if held is None or (who is not None and self._is_mine(held, who)):
            lost = who is not None and (held is not None or who.source in self._losers)
            message = "this session lost the lease" if lost else "nobody has the lease"
            return Refused("no_lease", message, hint="lease.acquire takes it", holder=None)
        holder = held.holder
        free_s = max(0.0, held.due - now)
        message = f"{holder.source} ({holder.principal}) has the lease"
        if held.lost_at is not None:
            message += " and is not heard"
            hint = "take it over: lease.acquire with steal, or wait"
        else:
            hint = "wait until it is given back; a higher role may steal it: lease.acquire with steal"
        return Refused(
            "no_lease",
            message,
            hint=hint,
            holder=holder.as_data(),
            retry_after_ms=1 + int(free_s * 1000),
        )

    # ------------------------------------------------------------------------------------------------

    def _is_mine(self, held: Held, who: Holder) -> bool:
        return held.holder.source == who.source and not held.closed and held.lost_at is None

    def _yields(self, who: Holder, *, steal: bool, at_rest: bool) -> bool:
        """Whether `who` may have it now."""
        held = self.held
        if held is None:
            return True
        if held.closed:
            return at_rest or held.holder.principal == who.principal
        if held.holder.source == who.source:
            return True
        return steal and (held.lost_at is not None or who.role > held.holder.role)

    def _take(
        self, who: Holder, at: float, new_id: Callable[[], str], window_s: float, *, explicit: bool
    ) -> Taken:
        before, taken_at = self.held, at
        if before is not None and self._is_mine(before, who):
            taken_at = before.taken_at
        elif before is not None:
            self._lose(before)
        self._losers.pop(who.source, None)
        closed = who.source in self._mute
        self.held = held = Held(new_id(), who, window_s, taken_at, at, explicit, closed)
        return Taken(held, before)

    def _lose(self, held: Held) -> None:
        if not held.closed:
            self._losers[held.holder.source] = None

    @staticmethod
    def _hear(held: Held, at: float) -> None:
        # A message may be told to be older than one before it; the newest counts.
        held.heard_at = max(held.heard_at, at)
        held.silent = False
