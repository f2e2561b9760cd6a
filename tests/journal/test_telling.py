"""What people read of a row."""

from __future__ import annotations

from typing import Any

import pytest

from robotd.journal.kinds import KINDS
from robotd.journal.telling import SHOWN_READINGS, tell
from tests.journal.history import History, ann_drives


def said(kind: str, **body: Any) -> str:
    return tell(History().add(kind, "c1", **body))


def test_a_refusal_says_the_condition_and_what_it_saw() -> None:
    refusal = {"reason": "guard_false", "message": "its condition does not hold"}
    guard = {"expression": "not bumper.active", "values": {"bumper.active": True, "range.value": None}}

    sentence = said("decision", type="drive", source="ws:ann", outcome="refused", refusal=refusal | guard)

    expected = "guard_false (not bumper.active; bumper.active is true, range.value is stale)"
    assert sentence == f"drive from ws:ann refused: {expected}"


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (
            "boot",
            {"robot": "rover", "version": "0.1.0", "file": "rover.yaml", "simulated": ["arduino"]},
            "rover starts, robotd 0.1.0 with rover.yaml, simulated: arduino",
        ),
        (
            "command",
            {"type": "mast", "payload": {"angle": "30 deg", "rate": 1.0}, "source": "unix"},
            'mast angle="30 deg" rate=1 from unix is accepted',
        ),
        (
            "decision",
            {"type": "latched", "source": "unix", "outcome": "refused", "refusal": {"reason": "latched"}},
            "latched from unix refused: latched",
        ),
        (
            "decision",
            {"type": "arm", "source": "unix", "outcome": "moved", "before": ["a"], "after": ["b.c", "d"]},
            "arm from unix: a -> b.c, d",
        ),
        (
            "decision",
            {
                "type": "drive",
                "source": "unix",
                "outcome": "stayed",
                "before": ["a"],
                "after": ["a"],
                "starts": ["base.drive"],
            },
            "drive from unix: stays in a, starts base.drive",
        ),
        (
            "decision",
            {"type": "start", "source": "timer", "outcome": "moved", "before": [], "after": ["a"]},
            "start from timer: a",
        ),
        (
            "decision",
            {"type": "bump", "source": "rule:bump", "outcome": "ignored", "note": "unhandled"},
            "bump from rule:bump ignored: unhandled",
        ),
        (
            "started",
            {"action": "base.drive", "type": "drive", "source": "unix", "stream": True},
            "base.drive is renewed, by drive from unix",
        ),
        (
            "ended",
            {"type": "drive", "source": "unix", "stage": "done", "reason": "freshness", "result": 0.25},
            "drive from unix: done (freshness), result 0.25",
        ),
        (
            "dead",
            {"type": "drive", "source": "unix", "stage": "expired", "error": {"message": "too late"}},
            "dead letter: drive from unix: expired: too late",
        ),
        ("buried", {"letter": 7, "how": "dropped", "by": "unix"}, "dead letter #7 dropped by unix"),
        ("stop", {"by": "unix", "reason": "fire", "latch_id": "l1"}, "stopped by unix: fire (l1)"),
        (
            "evidence",
            {
                "latch_id": "l1",
                "evidence": {"left": {"confirmed": {}}, "mast": {"unconfirmed": {"why": "silent"}}},
            },
            "after the stop l1: left confirmed, mast unconfirmed (silent)",
        ),
        ("reset", {"latch_id": "l1", "by": "unix"}, "the latch l1 is lifted by unix"),
        ("device", {"device": "mast", "state": "faulted", "fault": "jammed"}, "mast is faulted: jammed"),
        (
            "halt",
            {"device": "left", "why": "freshness", "age_ms": 412.3, "action": "base.drive"},
            "left is halted (freshness, 412 ms after its last setpoint), moved by base.drive",
        ),
        ("limit", {"action": "base.drive", "asked": 2.0, "sent": 0.8}, "base.drive asked 2, sent 0.8"),
        ("limit", {"action": "mast", "message": "beyond 80 deg"}, "mast refused: beyond 80 deg"),
        ("session", {"source": "ws:ann", "what": "closed", "why": "silent"}, "ws:ann is gone: silent"),
        (
            "audit",
            {
                "n": 7,
                "what": "forbidden",
                "who": "token:abcd2345",
                "source": "ws:x",
                "prev": "0",
                "chain": "1",
            }
            | {"method": "send", "count": 3},
            "audit 7: forbidden by token:abcd2345 (ws:x), method=send count=3",
        ),
        ("readings", {"values": {"a": 1.23456, "b": True, "c": None}}, "a 1.235, b true, c -"),
        (
            "readings",
            {"dense": [[1.0, "a", 2.0], [2.0, "b", 3.0], [3.5, "a", 4.0]]},
            "3 readings of 2.5 s: a, b",
        ),
        ("bug", {"action": "patrol", "error": "ZeroDivisionError()"}, "patrol raised ZeroDivisionError()"),
        (
            "fall",
            {"what": "crashed", "error": "Bus error", "where": "arm.py:3 in reach"},
            "the daemon before fell: crashed (Bus error) at arm.py:3 in reach",
        ),
        ("clock", {"jump_s": -3600.0}, "the clock on the wall jumped by -3600 s"),
        (
            "journal",
            {"what": "recovered", "expired": 2, "message": "after a crash"},
            "the journal: recovered expired=2: after a crash",
        ),
        ("shutdown", {"why": "SIGTERM"}, "ends in good order: SIGTERM"),
        ("sneeze", {"loud": True}, '{"loud": true}'),
    ],
)
def test_each_kind_has_its_sentence(kind: str, body: dict[str, Any], sentence: str) -> None:
    assert said(kind, **body) == sentence


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_says_nothing_is_told_all_the_same(kind: str) -> None:
    assert "\n" not in said(kind)


def test_a_body_that_is_damaged_is_shown_as_it_is() -> None:
    row = History().add("stop", by="unix")._replace(body=b'{"by": "un\xff')

    assert tell(row).startswith('not to be understood: {"by": "un')


def test_a_sample_of_many_readings_is_cut() -> None:
    values = {f"r{number}": float(number) for number in range(SHOWN_READINGS + 3)}

    assert said("readings", values=values).endswith(", and 3 more")


def test_a_sentence_stays_on_its_line() -> None:
    assert said("bug", action="patrol", error="two\nlines") == "patrol raised two lines"


def test_a_whole_history_can_be_told() -> None:
    history = History()
    ann_drives(history)

    assert not [row for row in history.rows.rows() if "not to be understood" in tell(row)]
