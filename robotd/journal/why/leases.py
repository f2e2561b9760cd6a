"""Who had the lease, and how they lost it."""

from __future__ import annotations

from robotd.journal.kinds import LEASE, SESSION
from robotd.journal.row import Row
from robotd.journal.why.case import SAME_STORY_S, Body, Case, Fact


def lease(case: Case, row: Row) -> Fact:
    """What became of the lease; of one that lapsed, how long nothing was heard."""
    body = row.data
    who, at = body["source"], case.clock(row)
    match body["what"]:
        case "lapsed":
            return _lapsed(case, row, body)
        case "stolen":
            by = body["by"]["source"]
            sentence = f"{by} took the lease from {who}. Next: ask who that is."
            return Fact(row, f"{by} took the lease from {who} at {at}", sentence)
        case "released":
            why = body.get("why", "given back")
            return Fact(
                row, f"{who} had the lease until {at} ({why})", f"{who} has the lease no more: {why}."
            )
        case _:
            return Fact(row, f"{who} took the lease at {at}", f"{who} took the lease.")


def _lapsed(case: Case, row: Row, body: Body) -> Fact:
    who = body["source"]
    silent = f"was not heard for {body['silent_ms']:.0f} ms"

    def is_its_end(_: Row, other: Body) -> object:
        return other["source"] == who and other["what"] == "closed"

    taken = case.last(LEASE, where=lambda _, other: other["what"] == "taken", below=row.seq, boot=row.boot)
    closed = case.last(SESSION, where=is_its_end, below=row.seq, boot=row.boot)
    if closed is not None and taken is not None and closed.seq < taken.seq:
        closed = None
    return Fact(
        row,
        f"the client {who} {silent}",
        f"The client {who} {silent}, longer than its lease lasts ({body['window_ms']:g} ms): what it moved "
        "was halted. Next: see to its network; it must take the lease again (lease.acquire).",
        closed,
    )


def has_lapsed(body: Body, source: str) -> bool:
    """Whether a row of the lease says that this client was not heard in time."""
    return bool(body["what"] == "lapsed" and body["source"] == source)


def loss(case: Case, row: Row) -> Row | None:
    """How the lease was lost without which what `row` tells of could not go on."""

    def is_loss(_: Row, body: Body) -> object:
        return body["what"] != "taken"

    return case.near(row, LEASE, where=is_loss, within_s=SAME_STORY_S)
