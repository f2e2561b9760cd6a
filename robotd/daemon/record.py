"""What happens in the engine, as rows of the journal."""

from __future__ import annotations

import hashlib
import platform
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from hal import Actuator, Device
from robotd.access.audit import AuditChain
from robotd.config import RobotConfig
from robotd.core.decision import Decision, Outcome
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Message
from robotd.core.portable import rules_to_data, to_data
from robotd.errors import Refused
from robotd.journal import kinds
from robotd.journal.decided import LANES, decided
from robotd.journal.journal import Journal
from robotd.runtime.failure import explain_bug
from robotd.runtime.readings import ReadingTable
from robotd.runtime.result import plain
from robotd.safety.latch import Latch
from robotd.safety.lease import Held
from robotd.version import VERSION

DAEMON = "daemon"
NOBODY = "nobody"
"""Who is behind a source that did not prove who it is: a stop is taken from anybody."""
TRACEBACK_LINES = 40
"""So many of the last lines of a traceback are kept."""


class Record:
    """Writes one row for each thing that happens; see `robotd.journal.kinds` for what is in them."""

    def __init__(
        self,
        journal: Journal,
        machine: StateMachine,
        table: ReadingTable,
        config: RobotConfig,
        last_audit: Mapping[str, Any] | None = None,
    ) -> None:
        """`last_audit`: the body of the newest audit row that the journal has."""
        self._journal = journal
        self._machine = machine
        self._table = table
        self._rules = {rule.name: rule.when for rule in config.rules}
        self._chain = AuditChain(last_audit)
        self._principals: dict[str, str] = {}
        """Who is behind each source that is connected."""

    # -- the daemon ---------------------------------------------------------------------------------

    def boot(self, config: RobotConfig, devices: Mapping[str, Device], simulated: frozenset[str]) -> None:
        """It starts: all that is needed to understand the rows that follow."""
        self._journal.write(
            kinds.BOOT,
            {
                "robot": config.robot,
                "version": VERSION,
                "python": platform.python_version(),
                "file": str(config.path),
                "source": config.document.text,
                "chart": to_data(config.chart),
                "rules": rules_to_data(config.rules),
                "simulated": sorted(simulated),
                "moves": [name for name, info in config.commands.items() if info.moves],
                "motions": [name for name, info in config.actions.items() if info.moves],
                "actuators": {
                    name: list(device.boards)
                    for name, device in devices.items()
                    if isinstance(device, Actuator)
                },
                "units": dict(config.readings),
            },
        )
        text = config.document.text.encode()
        self.audit(
            "started",
            source=DAEMON,
            version=VERSION,
            file=str(config.path),
            sha256=hashlib.sha256(text).hexdigest(),
        )

    def shutdown(self, why: str) -> None:
        """It ends in good order."""
        self._journal.write(kinds.SHUTDOWN, {"why": why, "state": self._machine.digest()})

    # -- commands and decisions ---------------------------------------------------------------------

    def command(self, command: Command, digest: str | None) -> int:
        """As `robotd.runtime.record.Record`."""
        data: dict[str, Any] = {
            "type": command.type,
            "source": command.source,
            "principal": command.principal,
            "lane": LANES[command.lane],
            "at": command.at,
        }
        if command.payload:
            data["payload"] = command.payload
        if command.expires_at is not None:
            data["valid_for_ms"] = round((command.expires_at - command.at) * 1000, 3)
        if command.correlation_id is not None:
            data["correlation_id"] = command.correlation_id
        if command.version is not None:
            data["version"] = command.version
        if digest is not None:
            data["digest"] = digest
        return self._journal.write(kinds.COMMAND, data, command.id, command.trace_id)

    def decided(self, decision: Decision, saw: Mapping[str, float | bool | None]) -> int:
        """As `robotd.runtime.record.Record`."""
        message = decision.message
        rule = self._rules.get(message.type) if message.source.startswith("rule:") else None
        if rule is not None:
            saw = rule.saw(self._table, {}, self._machine.active) | dict(saw)
        state = self._machine.digest() if decision.outcome is Outcome.MOVED else None
        return self._journal.write(
            kinds.DECISION, decided(decision, saw, state), message.id, message.trace_id
        )

    def started(self, cause: Message, action: str, *, stream: bool) -> int:
        """As `robotd.runtime.record.Record`."""
        data: dict[str, Any] = {"action": action, "type": cause.type, "source": cause.source}
        if stream:
            data["stream"] = True
        return self._journal.write(kinds.STARTED, data, cause.id, cause.trace_id)

    def ended(
        self,
        command: Command,
        stage: str,
        reason: str | None,
        result: Any,
        error: Mapping[str, Any] | None,
        *,
        started: bool,
        dead: bool,
    ) -> int:
        """As `robotd.runtime.record.Record`."""
        data: dict[str, Any] = {
            "stage": stage,
            "state": self._machine.leaves[0],
            "type": command.type,
            "source": command.source,
        }
        if reason is not None:
            data["reason"] = reason
        if result is not None:
            data["result"] = result
        if error is not None:
            data["error"] = error
        if not started:
            data["started"] = False
        kind = kinds.DEAD if dead else kinds.ENDED
        return self._journal.write(kind, data, command.id, command.trace_id)

    # -- what happens to devices --------------------------------------------------------------------

    def halted(self, device: str, what: Mapping[str, Any], cause: Message | None) -> int:
        """As `robotd.runtime.record.Record`."""
        data = {"device": device, **what}
        if cause is None:
            return self._journal.write(kinds.HALT, data)
        return self._journal.write(kinds.HALT, {**data, "cause": cause.id}, cause.id, cause.trace_id)

    def limited(
        self,
        device: str,
        action: str,
        cause: Message | None,
        asked: Mapping[str, float],
        sent: Mapping[str, float],
    ) -> int:
        """As `robotd.runtime.record.Record`."""
        data: dict[str, Any] = {"device": device, "action": action, "asked": asked, "sent": sent}
        if cause is None:
            return self._journal.write(kinds.LIMIT, data)
        return self._journal.write(kinds.LIMIT, {**data, "command": cause.id}, cause.id, cause.trace_id)

    def violated(self, device: str, sentence: str) -> None:
        """What comes back from a device lies beyond a limit."""
        self._journal.write(kinds.LIMIT, {"device": device, "feedback": sentence})

    def lived(self, device: Device) -> None:
        """A device is in another part of its life."""
        data: dict[str, Any] = {"device": device.name, "state": device.state.value}
        if device.fault:
            data["fault"] = device.fault
        self._journal.write(kinds.DEVICE, data)

    def failed(self, cause: Message, action: str, error: BaseException) -> int:
        """As `robotd.runtime.record.Record`."""
        lines = "".join(traceback.format_exception(error)).splitlines()[-TRACEBACK_LINES:]
        data = {
            "action": action,
            "error": explain_bug(error).message,
            "traceback": "\n".join(str(plain(line)) for line in lines),
        }
        return self._journal.write(kinds.BUG, data, cause.id, cause.trace_id)

    # -- stops and clients --------------------------------------------------------------------------

    def stopped(self, latch: Latch, epoch: int, trace: str) -> None:
        """The robot was stopped; or found stopped at the start."""
        data: dict[str, Any] = {
            "reason": latch.reason,
            "by": latch.by,
            "latch_id": latch.latch_id,
            "epoch": epoch,
        }
        if latch.kept:
            data["kept"] = True
        self._journal.write(kinds.STOP, data, None, trace)
        if not latch.kept:
            self.audit("stop", source=latch.by, trace=trace, reason=latch.reason, latch_id=latch.latch_id)

    def evidence(self, found: Mapping[str, Any], trace: str) -> None:
        """What the actuators said of a stop."""
        self._journal.write(kinds.EVIDENCE, found, None, trace)

    def reset(self, by: str, latch_id: str, trace: str) -> None:
        """The latch was taken back."""
        self._journal.write(kinds.RESET, {"by": by, "latch_id": latch_id}, None, trace)
        self.audit("reset", source=by, trace=trace, latch_id=latch_id)

    def lease(self, what: str, held: Held, more: Mapping[str, Any], trace: str | None) -> None:
        """Somebody took the lease, or has it no more."""
        data = {
            "what": what,
            "lease_id": held.lease_id,
            **held.holder.as_data(),
            "window_ms": round(held.window_s * 1000),
            **({"explicit": True} if held.explicit else {}),
            **more,
        }
        self._journal.write(kinds.LEASE, data, None, trace)
        if "by" in more:  # who has stolen it
            by, lost = more["by"], held.holder.as_data()
            self.audit(
                "lease.stolen",
                source=by["source"],
                who=by["principal"],
                role=by["role"],
                lease_id=held.lease_id,
                holder=lost,
            )

    def joined(self, source: str, principal: str) -> None:
        """A client has come."""
        self._principals[source] = principal
        self._journal.write(kinds.SESSION, {"source": source, "what": "opened", "principal": principal})

    def left(self, source: str, why: str, last_at: float) -> None:
        """A client has gone."""
        self._principals.pop(source, None)
        data = {"source": source, "what": "closed", "why": why, "last_at": last_at}
        self._journal.write(kinds.SESSION, data)

    def audit(
        self, what: str, *, source: str, who: str | None = None, trace: str | None = None, **said: Any
    ) -> int:
        """Something that somebody may have to answer for; returns its row.

        `who`: a principal; left out, whoever is connected as `source`. `said` is JSON, and no secret.
        """
        principal = who or self._principals.get(source, NOBODY if ":" in source else source)
        return self._journal.write(kinds.AUDIT, self._chain.next(what, principal, source, said), None, trace)

    # -- what can be relied on ----------------------------------------------------------------------

    def refusal(self) -> Refused | None:
        """As `robotd.runtime.record.Record`."""
        trouble = self._journal.trouble
        if trouble is None:
            return None
        return Refused(
            "journal_unavailable", str(trouble), hint="nothing moves until the journal is well: df -h, dmesg"
        )

    def when_durable(self, row: int, call: Callable[[], None]) -> None:
        """As `robotd.runtime.record.Record`."""
        self._journal.when_durable(row, call)
