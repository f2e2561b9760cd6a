"""The kinds of rows, and what the body of each says. A key that has nothing to say is left out.

Times in a body are seconds on the robot's monotonic clock, as `Row.at`; values are SI.
"""

from __future__ import annotations

BOOT = "boot"
"""The daemon started: `robot`, `version`, `file`, `source` (the text of the robot's file), `chart` and
`rules` (the machine and its events as `robotd.core.portable` writes them), `simulated` (names of boards),
`python`; `moves` (the commands that may move something) and `motions` (the actions that may), `actuators`
(by name, the boards of each), `units` (of readings, by full name)."""
COMMAND = "command"
"""A command was accepted, the stage `journaled`: `type`, `payload`, `source`, `principal`, `lane`, `at`,
`valid_for_ms`, `correlation_id`, `version`; `digest` of what was asked, where the client chose the id."""
DECISION = "decision"
"""The machine decided: `type`, `payload`, `source`, `lane`, `at` (of the message), `command` (true for one),
`correlation_id`, `stamp`, `version`; `outcome`, `before`, `after` (the leaf of each region), `entered` and
`left` (paths), `starts` (names of actions), `refusal` {`reason`, `message`, `expression`, `values`}, `note`;
`saw` (each reading that a guard looked at, or the rule whose event it is, null for a stale one); `state`,
the digest of the machine after it, where it moved."""
STARTED = "started"
"""An action may move something from here on: `action`, `type` of the message, `source`; `stream`, true
for a setpoint that renews one under way. `id` is that of the message that caused it."""
ENDED = "ended"
"""A command's terminal stage: `stage`, `state`, `type`, `source`, `reason`, `result`, `error`;
`started`, false where nothing of it ever ran."""
DEAD = "dead"
"""The same, of a command that is a dead letter as well: refused after it was accepted, expired, dropped,
failed with nobody to take the failure, or unknown after a crash."""
BURIED = "buried"
"""A person has dealt with a dead letter: `letter` (its seq), `by`, `how` (`dropped` or `resent`)."""
STOP = "stop"
"""The robot was stopped: `reason`, `by`, `latch_id`, `epoch`; `kept`, true where that was before the start of
this daemon, which found it so."""
EVIDENCE = "evidence"
"""What the actuators said of a stop: `latch_id`, `epoch`, `evidence`."""
RESET = "reset"
"""The latch was taken back: `by`, `latch_id`."""
DEVICE = "device"
"""A device changed its life: `device`, `state` (`absent`, `inactive`, `active`, `faulted`), `fault`."""
HALT = "halt"
"""An actuator that moved is told to stand still: `device`, `why` (`freshness`, `halted`, `left`, `stopped`,
`device_gone`, `device_silent`, `limit`...: the reason), `action` and `command` (the message's id) that
moved it; `cause`, the id of the message whose decision, stop or cancellation did it, where one did; `age_ms`
since its last setpoint, where it lapsed; `message`, a sentence, where there is one."""
LIMIT = "limit"
"""A soft limit cut what was asked: `device`, `action`, `command` (the message's id), `asked` and `sent` by
name. A stream that asks for the same again is said once. What a hard limit refuses is in `ended`. Or what
comes back from it lies beyond a limit: `device`, `feedback` (a sentence)."""
LEASE = "lease"
"""Who may move the robot: `what` (`taken`, `lapsed`, `stolen`, `released`), `lease_id`; `source`, `principal`
and `role` (whose it is or was), `window_ms`, `explicit` (true where it was asked for and no command took it);
`from` and `by`, who had it and who has it now, {`source`, `principal`, `role`}; `silent_ms`, since its holder
was last heard; `why` it was released. Renewals are not written."""
SESSION = "session"
"""A client: `source`, `what` (`opened`, `closed`), `why`, `principal`, `last_at` (when it last
said something)."""
READINGS = "readings"
"""A sample: `values` (by full name, null for a stale one); or around a fault `dense`, a list of
[`at`, full name, value]."""
BUG = "bug"
"""User code raised: `action`, `error`, `traceback`."""
FALL = "fall"
"""The daemon before this one fell, and left a traceback: `what` (`blocked`: its own switch ended it, because
its loop stood still; `aborted`: SIGABRT, from the guard or systemd's watchdog; `crashed`: another signal),
`error`, `where` (`patrol.py:14 in patrol`), `traceback` (of that thread, the innermost frame first)."""
CLOCK = "clock"
"""The clock on the wall jumped: `jump_s`."""
JOURNAL = "journal"
"""Of the journal itself: `what` (`recovered`, `quarantined`, `acknowledged`, `trimmed`, `slow`, `full`,
`well`) and what belongs to it."""
AUDIT = "audit"
"""Something that somebody may have to answer for: `what` (`started`, `stop`, `reset`, `token.accepted`...),
`who` (a principal), `source`, what belongs to it, and the chain that ties it to the one before: `n`, `prev`,
`chain` (`robotd.access.audit`)."""
SHUTDOWN = "shutdown"
"""The daemon ended in good order: `why`; `state`, the digest of the machine."""

KINDS = (
    *(BOOT, COMMAND, DECISION, STARTED, ENDED, DEAD, BURIED, STOP, EVIDENCE, RESET, DEVICE, HALT, LIMIT),
    *(LEASE, SESSION, READINGS, BUG, FALL, CLOCK, JOURNAL, AUDIT, SHUTDOWN),
)
TERMINAL = frozenset({ENDED, DEAD})
"""Rows that end a command."""
