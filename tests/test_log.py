"""What the log says, where, and that it never gets in the way."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from robotd import log
from robotd.core.chart import State
from robotd.core.decision import Decision, Entry, Outcome, Refusal, Start
from tests import virtual
from tests.core.making import command, do, event


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leaves logging as it was found."""
    levels = {name: logging.getLogger(name).level for name in ("transitions", "websockets")}
    yield
    structlog.reset_defaults()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def decision(**more: Any) -> Decision:
    said = {"outcome": Outcome.STAYED, "before": ("a",), "after": ("a",)} | more
    return Decision(message=command("go"), **said)


def test_off_a_terminal_each_line_is_an_object():
    out = io.StringIO()
    log.configure("info", out)
    log.get("daemon").info("hello", robot="rover", odd=object)
    [line] = lines(out)

    assert (line["event"], line["level"], line["part"], line["robot"]) == ("hello", "info", "daemon", "rover")
    assert line["timestamp"].endswith("Z")


def test_a_bug_is_told_with_its_traceback_in_both_manners():
    for pretty in (True, False):
        out = io.StringIO()
        log.configure("info", out, pretty=pretty)
        try:
            raise ZeroDivisionError("oops")
        except ZeroDivisionError as error:
            log.get("daemon").error("handler failed", exc_info=error)

        assert "ZeroDivisionError" in out.getvalue()
        assert "oops" in out.getvalue()
        structlog.reset_defaults()


def test_what_is_below_the_level_is_not_written():
    out = io.StringIO()
    log.configure("warning", out)
    logger = log.get("daemon")
    logger.info("quiet")
    logger.warning("loud")

    assert [line["event"] for line in lines(out)] == ["loud"]
    assert not log.DecisionLog(logger).wanted


class FullDisk(io.StringIO):
    """A stream on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise ValueError("I/O operation on closed file")


def test_a_full_disk_is_nobodys_trouble():
    log.configure("info", FullDisk())

    log.get("daemon").warning("stopped")


def test_decisions_are_collected_and_written_together():
    async def body() -> None:
        out = io.StringIO()
        log.configure("info", out)
        decisions = log.DecisionLog(log.get("daemon"))
        assert decisions.wanted
        for _ in range(3):
            decisions.observe(decision())
        assert out.getvalue() == ""
        await asyncio.sleep(log.FLUSH_S)
        await asyncio.sleep(0)
        assert len(lines(out)) == 3
        decisions.observe(decision())
        decisions.flush()
        assert len(lines(out)) == 4
        await asyncio.sleep(1)
        assert len(lines(out)) == 4

    virtual.run(body())


def test_more_decisions_than_can_wait_are_counted():
    async def body() -> None:
        out = io.StringIO()
        log.configure("info", out)
        decisions = log.DecisionLog(log.get("daemon"))
        for _ in range(log.LINES_AT_MOST + 5):
            decisions.observe(decision())
        decisions.flush()
        decisions.flush()
        said = lines(out)

        assert len(said) == log.LINES_AT_MOST + 1
        assert (said[-1]["event"], said[-1]["count"]) == ("decisions not logged", 5)

    virtual.run(body())


def test_an_ignored_event_is_of_interest_only_to_who_debugs():
    async def body() -> None:
        out = io.StringIO()
        log.configure("info", out)
        decisions = log.DecisionLog(log.get("daemon"))
        decisions.observe(decision(outcome=Outcome.IGNORED, note="unhandled"))
        decisions.flush()

        assert out.getvalue() == ""

    virtual.run(body())


def test_the_line_of_a_decision_says_what_happened_and_why():
    stays = log.line(decision())
    assert stays == {
        "trigger": "go",
        "outcome": "stayed",
        "trace_id": "0" * 32,
        "id": "c",
        "source": "test",
        "state": "a",
    }
    entry = Entry(1, State("b"))
    moves = log.line(decision(after=("b",), starts=(Start(do("base.drive"), entry),)))
    assert (moves["before"], moves["state"], moves["starts"]) == ("a", "b", ["base.drive"])
    refused = log.line(decision(refusal=Refusal("guard_false", "go: no", {}), note="stale"))
    assert (refused["reason"], refused["why"], refused["note"]) == ("guard_false", "go: no", "stale")
    follows = event("go.done")
    follows.correlation_id = "c"
    assert log.line(Decision(follows, Outcome.IGNORED, ("a",), ("a",)))["correlation_id"] == "c"
