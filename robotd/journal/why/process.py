"""The daemon itself: its clients, its start and end, its journal."""

from __future__ import annotations

from robotd.journal.kinds import FALL, JOURNAL, SHUTDOWN
from robotd.journal.row import Row
from robotd.journal.telling import tell
from robotd.journal.why.case import SAME_STORY_S, Body, Case, Fact, quoted
from robotd.journal.why.motion import Robot, under_way

TROUBLE = ("slow", "full")


def trouble(case: Case, row: Row) -> Row | None:
    """What was wrong with the journal when `row` was written."""

    def is_trouble(_: Row, body: Body) -> object:
        return body["what"] in TROUBLE

    found = case.near(row, JOURNAL, where=is_trouble, within_s=SAME_STORY_S)
    return found or case.last(JOURNAL, where=is_trouble, below=row.seq, boot=row.boot)


def session(case: Case, row: Row) -> Fact:
    """A client came or went."""
    body = row.data
    why = f" ({body['why']})" if body.get("why") else ""
    what = {"opened": "connected", "closed": "was gone"}.get(body["what"], body["what"])
    phrase = f"{body['source']} {what} at {case.clock(row)}{why}"
    since = f" It had been silent since {case.clock(row, body['last_at'])}." if "last_at" in body else ""
    return Fact(row, phrase, f"The client {body['source']} {what}{why}.{since}")


def boot(case: Case, row: Row) -> Fact:
    """The daemon started, after an end in good order or without one."""
    body = row.data
    phrase = f"robotd started at {case.clock(row)}"
    sentence = (
        f"robotd started ({body.get('robot', '')}, version {body.get('version', '')}). A start moves nothing."
    )
    before = case.at(row.seq - 1)
    if before is None or before.kind == SHUTDOWN:
        return Fact(row, phrase, sentence, before)
    return Fact(row, phrase, sentence, crash(case, before))


def crash(case: Case, last: Row) -> Fact:
    """A daemon whose `last` row does not tell of its end, with what moved then."""
    found = under_way(case, Robot.of(case, last.boot))
    moved = f", {found[1]}" if found is not None else ""
    after = case.at(last.seq + 1)
    told = None if after is None else case.next(FALL, above=last.seq, boot=after.boot)
    if told is not None:
        return fall(case, told, f" after {case.clock(last)}{moved}")
    return Fact(
        last,
        f"robotd ended without a word after {case.clock(last)} (crash, kill or power cut){moved}",
        f"This is the last that robotd wrote: it crashed, was killed or lost power{moved}. Next: journalctl "
        "-u robotd tells more; start it again. What was queued or running then is never run again.",
    )


def fall(case: Case, row: Row, when: str = "") -> Fact:
    """How a daemon ended that left a traceback; `when`, and what moved then."""
    body = row.data
    at = f" in {body['where']}" if body.get("where") else ""
    how, means = _FALLS.get(body["what"], _CRASHED)
    return Fact(
        row,
        f"robotd {how}{at}{when}",
        f"robotd {how}{at}{when} ({quoted(body['error'])}). {means} robotd journal show {row.seq} has its "
        "traceback. What was queued or running then is never run again.",
    )


_WAIT = "Next: make that code shorter, or a handler of its own with blocking=True."
_FALLS = {
    "blocked": ("ended itself because its loop stood still", _WAIT),
    "aborted": ("was ended by SIGABRT from the guard, systemd's watchdog or its own C code,", _WAIT),
}
_CRASHED = ("crashed", "Next: report it, with the traceback.")


def shutdown(case: Case, row: Row) -> Fact:
    """The daemon ended in good order."""
    why = f" ({row.data['why']})" if row.data.get("why") else ""
    sentence = (
        f"robotd ended in good order{why}. Next: start it again (robotd run, or systemctl start robotd)."
    )
    return Fact(row, f"robotd ended at {case.clock(row)}{why}", sentence)


def journal(case: Case, row: Row) -> Fact:
    """What the journal says of itself."""
    body = row.data
    message = f" ({body['message']})" if body.get("message") else ""
    phrase = f"the journal was {body['what']} at {case.clock(row)}{message}"
    return Fact(
        row, phrase, f"{tell(row).capitalize().rstrip('.')}. {_JOURNAL_NEXT.get(body['what'], '')}".strip()
    )


_JOURNAL_NEXT = {
    "full": "Nothing new moves until there is room. Next: make room on its disk.",
    "slow": "Nothing new moves until its disk answers in time. Next: look at that disk (dmesg).",
}
