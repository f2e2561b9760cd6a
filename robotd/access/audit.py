"""The audit chain: what was done to the robot, by whom, each row tied to the one before it.

It is a chain of its own beside the journal's, so that the audit rows can be proven without the rest: after a
rotation, or in an export of them alone. It has no key: whoever may write the journal can make another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from robotd.json import canonical

CHAIN_BYTES = 16
BEGINNING = "0" * (2 * CHAIN_BYTES)
"""What stands for the chain before the first row."""


class AuditRow(Protocol):
    """A row of the journal, of kind `audit`."""

    @property
    def seq(self) -> int:
        """Its number in the journal."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Its body."""


class Fault(NamedTuple):
    """Where the chain is broken."""

    seq: int
    """The row's number in the journal."""
    sentence: str


class AuditChain:
    """Makes the bodies of the rows, in order."""

    def __init__(self, last: Mapping[str, Any] | None = None) -> None:
        """`last`: the body of the newest row there is; None where there is none."""
        self._n = 0 if last is None else int(last["n"])
        self._chain = BEGINNING if last is None else str(last["chain"])

    def next(self, what: str, who: str, source: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """The body that follows: `said`, with its number and what ties it to the one before."""
        self._n += 1
        body = {**said, "n": self._n, "what": what, "who": who, "source": source, "prev": self._chain}
        self._chain = body["chain"] = chain_of(body)
        return body


def chain_of(body: Mapping[str, Any]) -> str:
    """The hash of a body, `prev` included and `chain` not: hexadecimal digits."""
    covered = {name: value for name, value in body.items() if name != "chain"}
    return blake2b(canonical(covered), digest_size=CHAIN_BYTES).hexdigest()


def verify(rows: Iterable[AuditRow]) -> list[Fault]:
    """What is wrong with these rows, oldest first; nothing where all of them are as they were written.

    What came before the first of them may be gone: a journal forgets its oldest rows.
    """
    faults: list[Fault] = []
    before: tuple[int, str] | None = None
    for row in rows:
        try:
            n, prev, chain = int(row.data["n"]), str(row.data["prev"]), str(row.data["chain"])
        except (LookupError, TypeError, ValueError):
            faults.append(Fault(row.seq, f"row {row.seq} says nothing of its place in the chain"))
            before = None
            continue
        if chain != chain_of(row.data):
            faults.append(Fault(row.seq, f"audit row {n} (row {row.seq}) was changed"))
        elif before is not None and (sentence := _break(before, n, prev)) is not None:
            faults.append(Fault(row.seq, f"{sentence} before row {row.seq}"))
        before = n, chain
    return faults


def _break(before: tuple[int, str], n: int, prev: str) -> str | None:
    last, chain = before
    if n == last + 1:
        return None if prev == chain else f"audit row {last} is not the one that was written"
    if n <= last:
        return f"audit row {n} stands after audit row {last}"
    return (
        f"audit row {n - 1} is missing" if n == last + 2 else f"audit rows {last + 1} to {n - 1} are missing"
    )
