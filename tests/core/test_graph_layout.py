"""The layout under the drawing, by its promises: rows, order, columns, tracks, wrapped text."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.graph.boxes import Box, Edge
from robotd.core.graph.columns import gap, place_columns
from robotd.core.graph.layered import Link, Node, Rows, crossings, ranks, sort_rows
from robotd.core.graph.layout import lay_out
from robotd.core.graph.straight import is_straight, straighten
from robotd.core.graph.text import ELLIPSIS, HELD, Span, columns, wrap
from robotd.core.graph.tracks import CLEAR, Turn, tracks
from tests.counts import cases

ALIKE = dict.fromkeys("abcdef", 100.0)


def rows_of(arcs: str, *, limit: float = 1000.0) -> list[str]:
    """The rows of a graph of the nodes a to f: `ab bc` is an arc from a to b and one from b to c."""
    rank = ranks("abcdef", [(arc[0], arc[1]) for arc in arcs.split()], ALIKE, limit)
    rows = [""] * (max(rank.values()) + 1)
    for node, row in rank.items():
        rows[row] += node
    return rows


@pytest.mark.parametrize(
    ("arcs", "rows"),
    [
        ("ab bc cd de ef", ["a", "b", "c", "d", "e", "f"]),
        ("ab ac bd cd de ef", ["a", "bc", "d", "e", "f"]),
        ("ab bc ca cd de ef", ["a", "b", "c", "d", "e", "f"]),
        ("ab bc cd de fe", ["a", "b", "c", "df", "e"]),
    ],
    ids=["a chain", "a diamond", "a circle", "a second beginning"],
)
def test_arcs_lead_down(arcs: str, rows: list[str]) -> None:
    assert rows_of(arcs) == rows


def test_what_nothing_leads_to_or_from_stands_below_all_else() -> None:
    assert rows_of("ab cd") == ["ac", "bd", "ef"]


def test_a_wide_row_is_broken() -> None:
    assert rows_of("ab ac ad ae af", limit=200.0) == ["a", "bc", "de", "f"]


def test_a_chain_of_a_thousand_is_no_hardship() -> None:
    nodes = range(2000)

    rank = ranks(nodes, pairwise(nodes), dict.fromkeys(nodes, 1.0), 10.0)

    assert list(rank.values()) == list(nodes)


@st.composite
def graphs(draw: st.DrawFn) -> Rows:
    """Rows of nodes, and any links from each row to the next."""
    rows = Rows()
    for number in range(draw(st.integers(1, 5))):
        widths = draw(st.lists(st.integers(0, 200), min_size=1, max_size=6))
        rows.nodes.append([Node(float(width), 20.0) for width in widths])
        if number:
            upper, lower = rows.nodes[-2:]
            pairs = st.tuples(
                st.sampled_from(upper), st.sampled_from(lower), st.floats(0, 1), st.floats(0, 1)
            )
            rows.links.append(
                [
                    Link(one, other, one.width * start, other.width * end)
                    for one, other, start, end in draw(st.lists(pairs, max_size=8))
                ]
            )
    return rows


@settings(max_examples=cases(2000), deadline=None)
@given(graphs())
def test_no_order_that_was_tried_has_fewer_crossings(rows: Rows) -> None:
    before, content = crossings(rows), [set(row) for row in rows.nodes]

    sort_rows(rows)

    assert crossings(rows) <= before
    assert [set(row) for row in rows.nodes] == content


@settings(max_examples=cases(2000), deadline=None)
@given(graphs())
def test_nodes_of_a_row_keep_their_distance_and_their_order(rows: Rows) -> None:
    sort_rows(rows)
    place_columns(rows)
    straighten(rows, [[link] for links in rows.links for link in links])

    for row in rows.nodes:
        for left, right in pairwise(row):
            assert left.x + left.width + gap(left, right) <= right.x + 0.2
    assert min(node.x for row in rows.nodes for node in row) >= 0


def test_a_long_line_is_straight_past_what_stands_beside_it() -> None:
    boxes = [Node(width, 20.0) for width in (80.0, 300.0, 160.0, 80.0)]
    passing = [Node(0.0, passed=True), Node(60.0, 20.0, passed=True)]
    rows = Rows(
        [[boxes[0]], [boxes[1], passing[0]], [boxes[2], passing[1]], [boxes[3]]],
        [
            [Link(boxes[0], boxes[1], 40, 150), Link(boxes[0], passing[0], 40, 0)],
            [Link(boxes[1], boxes[2], 150, 80), Link(passing[0], passing[1], 0, 30)],
            [Link(boxes[2], boxes[3], 80, 40), Link(passing[1], boxes[3], 30, 40)],
        ],
    )

    place_columns(rows)

    assert is_straight(rows.links[1][1])


def test_a_line_is_moved_to_where_it_ends_if_there_is_room() -> None:
    start, passing, end = Node(80.0), Node(0.0, passed=True, x=40.0), Node(80.0, x=3.0)
    links = [Link(start, passing, 70.0, 0.0), Link(passing, end, 0.0, 40.0)]

    straighten(Rows([[start], [passing], [end]], [links[:1], links[1:]]), [links])

    assert passing.x == 70.0
    assert [is_straight(link) for link in links] == [True, False]


TURNS = st.lists(st.builds(Turn, st.integers(0, 40).map(float), st.integers(0, 40).map(float)), max_size=12)


@settings(max_examples=cases(2000), deadline=None)
@given(TURNS.map(lambda turns: [Turn(turn.start * 10, turn.end * 10) for turn in turns]))
def test_turns_on_one_track_keep_apart(turns: list[Turn]) -> None:
    placed = list(zip(turns, tracks(turns), strict=True))

    for (one, its), (other, others) in combinations(placed, 2):
        assert its != others or one.right + CLEAR <= other.left or other.right + CLEAR <= one.left


def test_turns_that_lead_the_same_way_do_not_cross() -> None:
    assert tracks([Turn(10, 60), Turn(30, 80), Turn(50, 100)]) == [2, 1, 0]
    assert tracks([Turn(60, 10), Turn(80, 30), Turn(100, 50)]) == [0, 1, 2]


@settings(max_examples=cases(2000), deadline=None)
@given(st.lists(st.text("ab日 ", max_size=30), max_size=8), st.integers(4, 20), st.integers(1, 4))
def test_wrapped_text_fits(texts: list[str], limit: int, most: int) -> None:
    lines = wrap([Span(text, text) for text in texts], limit, most)

    assert len(lines) <= most
    assert all(columns("".join(span.text for span in line)) <= limit for line in lines)
    shown = " ".join("".join(span.text for span in line) for line in lines)
    if ELLIPSIS not in shown:
        assert shown.split() == " ".join(texts).split()


def test_a_held_blank_is_broken_at_only_if_it_must_be() -> None:
    text = f"a{HELD}<{HELD}b and ccccc{HELD}>{HELD}ddddd"

    shown = ["".join(span.text for span in line) for line in wrap([Span(text, "guard")], 9, 9)]

    assert shown == ["a < b and", "ccccc >", "ddddd"]


def test_a_box_grows_around_what_is_in_it_and_a_line_leads_out_of_it() -> None:
    inner, beside = Box(80.0, 40.0), Box(80.0, 40.0)
    outer = Box(50.0, 30.0, [inner])
    edge = Edge(inner, beside, 60.0, 20.0)

    lay_out(Box(0.0, 0.0, [outer, beside]), [edge])

    assert outer.x < inner.x
    assert inner.x + 80 < outer.x + outer.width
    assert outer.y + 30 < inner.y
    assert inner.y + 40 < outer.y + outer.height < edge.y < edge.y + 20 < beside.y
    assert edge.path[0][1] == inner.y + 40
    assert edge.path[-1][1] == beside.y
    assert all(one[0] == other[0] or one[1] == other[1] for one, other in pairwise(edge.path))


def test_a_box_is_high_enough_for_the_lines_to_itself() -> None:
    box = Box(80.0, 30.0)
    loops = [Edge(box, box, 50.0, 40.0), Edge(box, box, 70.0, 20.0)]

    lay_out(Box(0.0, 0.0, [box]), loops)

    for loop in loops:
        assert box.x + box.width == loop.path[0][0] == loop.path[-1][0]
        assert box.y < loop.path[0][1] < loop.path[-1][1] < box.y + box.height
    assert loops[0].y + 40 < loops[1].y
