"""The stop: from the receive path to every actuator, with no queue, machine, lock or await in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from hal import Actuator, Evidence, Rig
from robotd.errors import Refused
from robotd.safety.latch import Latch, LatchInMemory, LatchStore

EVIDENCE_S = 0.1
"""The answer to a stop waits at most so long for the boards to confirm it. The bytes never wait for it."""
REST_S = 0.5
"""An actuator without feedback counts as at rest when nothing was commanded for so long."""


class Stop:
    """Stops the robot and keeps it stopped.

    Each stop starts a new epoch: what was queued or running before it is dead for ever. A stop while
    stopped is a new stop, with a new latch, so that a `reset` that was on its way cannot clear it.
    """

    def __init__(
        self,
        rig: Rig,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        store: LatchStore | None = None,
        wall: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`store`: where the latch outlives the daemon. `wall`: the time on the wall, in s since 1970."""
        self._rig = rig
        self._clock = clock
        self._new_id = new_id
        self._wall = wall
        self.store = store or LatchInMemory()
        self.epoch = 0
        self.latch: Latch | None = None
        self.newest_at = -math.inf
        """When the newest stop began, or was found at the start, whether or not its latch is still set."""
        self.causes: list[Callable[[], str | None]] = []
        """What keeps it stopped: each gives a sentence while its cause stands. `reset` waits for all."""
        self.slowest_s = 0.0
        """The longest that writing the stop frames has taken, from the call to the last write."""

    def trip(self, reason: str, by: str, latch_id: str | None = None) -> Latch:
        """Stop now. The stop bytes of every board have been handed to its wire when this returns.

        `latch_id`: the guard's, where it was the first to stop.
        """
        began = self._clock()
        self._rig.halt()
        self.slowest_s = max(self.slowest_s, self._clock() - began)
        self.epoch += 1
        self.newest_at = began
        self.latch = Latch(latch_id or self._new_id(), reason or "no reason given", by, began)
        self.store.keep(self.latch, self._wall())
        return self.latch

    def resume(self) -> Latch | None:
        """At the start: be stopped if the robot was when the last daemon ended. Moves and writes nothing.

        None: it was not, or it has been stopped anew since the start began.
        """
        if self.latch is None:
            now = self._clock()
            self.latch = self.store.read(now, self._wall(), self._new_id)
            if self.latch is not None:
                self.epoch += 1
                self.newest_at = now
                return self.latch
        return None

    async def evidence(self) -> dict[str, dict[str, Any]]:
        """For each actuator, what its board says of it: confirmed, or unconfirmed and why."""
        boards = list(self._rig.boards.values())
        asked = [asyncio.ensure_future(board.confirm_stop()) for board in boards]
        try:
            if asked:
                await asyncio.wait(asked, timeout=EVIDENCE_S)
        finally:
            late = {answer for answer in asked if answer.cancel()}
        found: dict[str, dict[str, Any]] = {}
        for board, answer in zip(boards, asked, strict=True):
            evidence: dict[str, Evidence] = {}
            if answer in late:
                why = f"no answer within {EVIDENCE_S * 1000:g} ms"
            elif (error := answer.exception()) is not None:
                why = str(error)
            else:
                evidence, why = answer.result(), f"{board.name} says nothing of it"
            for name, device in board.devices.items():
                if isinstance(device, Actuator):
                    found[name] = _as_data(evidence.get(name) or Evidence(False, None, None, why))
        return found

    def refusal(self) -> Refused | None:
        """Why nothing may move: the latch, as the refusal a client is told. None: it may."""
        latch = self.latch
        if latch is None:
            return None
        return Refused(
            "latched",
            f"stopped by {latch.by}: {latch.reason}",
            hint="reset with this latch_id, arm, and send a new command",
            **latch.refusal_data(self._clock()),
        )

    def check_reset(self, latch_id: str) -> None:
        """Raises `Refused` unless `latch_id` is the present stop's, no cause stands and every axis rests."""
        latch, refusal = self.latch, self.refusal()
        if latch is None or refusal is None:
            raise Refused("not_in_this_state", "nothing is latched", hint="there is nothing to reset")
        if latch_id != latch.latch_id:
            raise refusal
        now = self._clock()
        for cause in self.causes:
            if (sentence := cause()) is not None:
                raise Refused(
                    "latched", sentence, hint="mend that, then reset again", **latch.refusal_data(now)
                )
        for device in self._rig.devices.values():
            if isinstance(device, Actuator):
                rest_s = now - max(device.rest_since, self.newest_at) if device.at_rest else 0.0
                if rest_s < REST_S:
                    raise Refused(
                        "latched",
                        f"{device.name} is not at rest for {REST_S:g} s yet",
                        hint="wait and reset again",
                        retry_after_ms=1 + int((REST_S - rest_s) * 1000),
                        **latch.refusal_data(now),
                    )

    def clear(self) -> None:
        """The stop is over. Call it only after `check_reset`, and together with the `reset` event."""
        self.latch = None
        self.store.forget()


def _as_data(evidence: Evidence) -> dict[str, Any]:
    if evidence.confirmed:
        age_ms = None if evidence.age_s is None else round(evidence.age_s * 1000, 1)
        return {"confirmed": {"value": evidence.value, "age_ms": age_ms}}
    return {"unconfirmed": {"why": evidence.why}}
