"""The audit chain, without a journal."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.access.audit import AuditChain, verify
from robotd.json import encode, parse
from tests.counts import cases

SAID: list[tuple[str, str, str, dict[str, Any]]] = [
    ("started", "daemon", "daemon", {"version": "1"}),
    ("token.accepted", "token:abcdefgh", "ws:10.0.0.7:4711", {"role": "operator"}),
    ("stop", "nobody", "tcp:10.0.0.9:4712", {"reason": "too near"}),
    ("reset", "token:abcdefgh", "ws:10.0.0.7:4711", {"latch_id": "b-1"}),
    ("token.refused", "nobody", "tcp:10.0.0.9:4713", {"count": 17}),
]


class Kept(NamedTuple):
    """As the journal gives it back."""

    seq: int
    data: Any


def written(chain: AuditChain | None = None) -> list[Kept]:
    chain = chain or AuditChain()
    # Other rows of the journal lie between.
    return [Kept(7 + 3 * place, parse(encode(chain.next(*said)))) for place, said in enumerate(SAID)]


def sentences(rows: list[Kept]) -> list[str]:
    return [fault.sentence for fault in verify(rows)]


def test_rows_as_they_were_written_have_no_fault():
    rows = written()

    assert verify(rows) == []
    assert [row.data["n"] for row in rows] == [1, 2, 3, 4, 5]


def test_a_later_daemon_goes_on_with_the_chain():
    rows = written()
    later = [row._replace(seq=row.seq + 100) for row in written(AuditChain(rows[-1].data))]

    assert verify(rows + later) == []
    assert later[0].data["n"] == 6


def test_a_journal_that_forgot_its_oldest_rows_is_whole():
    assert verify(written()[2:]) == []


def test_a_row_that_was_changed_is_named():
    rows = written()
    rows[2] = Kept(rows[2].seq, {**rows[2].data, "who": "token:abcdefgh"})

    assert sentences(rows) == ["audit row 3 (row 13) was changed"]


def test_rows_that_were_taken_out_are_named():
    rows = written()

    assert sentences(rows[:2] + rows[3:]) == ["audit row 3 is missing before row 16"]
    assert sentences(rows[:1] + rows[4:]) == ["audit rows 2 to 4 are missing before row 19"]


def test_a_row_that_was_put_in_the_place_of_another_is_found():
    rows = written()
    forged = AuditChain(rows[0].data)
    rows[1] = Kept(rows[1].seq, forged.next("token.accepted", "token:zzzzzzzz", "ws:10.0.0.7:4711", {}))

    assert sentences(rows) == ["audit row 2 is not the one that was written before row 13"]


def test_rows_in_another_order_and_rows_without_a_place_are_found():
    rows = written()

    assert sentences([rows[1], rows[0]]) == ["audit row 1 stands after audit row 2 before row 7"]
    assert sentences([rows[0], Kept(8, {"what": "stop"}), rows[1]]) == [
        "row 8 says nothing of its place in the chain"
    ]


@settings(max_examples=cases(500), deadline=None)
@given(data=st.data())
def test_no_change_of_a_single_value_goes_unseen(data: st.DataObject):
    rows = written()
    place = data.draw(st.integers(0, len(rows) - 1))
    body = dict(rows[place].data)
    name = data.draw(st.sampled_from(sorted(body)))
    body[name] = data.draw(
        (st.text() | st.integers(-(2**53), 2**53)).filter(lambda value: value != body[name])
    )
    rows[place] = Kept(rows[place].seq, body)

    assert verify(rows) != []


@pytest.mark.parametrize("body", [{}, {"n": None}, {"n": "x", "prev": "", "chain": ""}])
def test_a_body_that_is_none_is_no_crash(body: dict[str, Any]):
    assert len(verify([Kept(1, body)])) == 1
