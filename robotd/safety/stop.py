"""The stop: from the receive path to every actuator, with no queue, machine, lock or await in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hal import Actuator, Evidence, Rig
from robotd.errors import Refused

EVIDENCE_S = 0.1
"""The answer to a stop waits at most so long for the boards to confirm it. The bytes never wait for it."""
REST_S = 0.5
"""An actuator without feedback counts as at rest when nothing was commanded for so long."""


@dataclass(frozen=True, slots=True)
class Latch:
    """Why the robot is stopped. It stays until `reset` names this very stop."""

    latch_id: str
    reason: str
    by: str
    at: float

    def refusal_data(self, now: float) -> dict[str, Any]:
        """For refusals, where `reason` is the refusal's own."""
        return {
            "latch_id": self.latch_id,
            "why": self.reason,
            "who": self.by,
            "age_s": round(now - self.at, 3),
        }

    def as_data(self, now: float) -> dict[str, Any]:
        """For answers: how long ago instead of when."""
        return {
            "latch_id": self.latch_id,
            "reason": self.reason,
            "by": self.by,
            "age_s": round(now - self.at, 3),
        }


class Stop:
    """Stops the robot and keeps it stopped.

    Each stop starts a new epoch: what was queued or running before it is dead for ever. A stop while
    stopped is a new stop, with a new latch, so that a `reset` that was on its way cannot clear it.
    """

    def __init__(self, rig: Rig, clock: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._rig = rig
        self._clock = clock
        self._new_id = new_id
        self.epoch = 0
        self.latch: Latch | None = None
        self.newest_at = -math.inf
        """When the newest stop began, whether or not its latch is still set."""
        self.causes: list[Callable[[], str | None]] = []
        """What keeps it stopped: each gives a sentence while its cause stands. `reset` waits for all."""
        self.slowest_s = 0.0
        """The longest that writing the stop frames has taken, from the call to the last write."""

    def trip(self, reason: str, by: str) -> Latch:
        """Stop now. The stop bytes of every board have been handed to its wire when this returns."""
        began = self._clock()
        self._rig.halt()
        self.slowest_s = max(self.slowest_s, self._clock() - began)
        self.epoch += 1
        self.newest_at = began
        self.latch = Latch(self._new_id(), reason or "no reason given", by, began)
        return self.latch

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
                rest_s = now - max(device.rest_since, latch.at) if device.at_rest else 0.0
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


def _as_data(evidence: Evidence) -> dict[str, Any]:
    if evidence.confirmed:
        age_ms = None if evidence.age_s is None else round(evidence.age_s * 1000, 1)
        return {"confirmed": {"value": evidence.value, "age_ms": age_ms}}
    return {"unconfirmed": {"why": evidence.why}}
