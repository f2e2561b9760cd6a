"""The table of a region: leaves, and the order in which their transitions are tried."""

from __future__ import annotations

from robotd.core.chart import ALWAYS, State
from robotd.core.flatten import FlatRegion
from tests.core.making import arrow, region

NESTED = region(
    State("a", initial="a.b", history="deep"),
    State("a.b", initial="a.b.c", history="shallow"),
    "a.b.c",
    "a.b.d",
    "a.e",
    "z",
    transitions=[
        arrow("go", "a", "z"),
        arrow("go", "a.b.c", "a.e"),
        arrow("go stay", "a.b", None),
        arrow("", "z a.e", "a"),
    ],
)


def tried(leaf: str, trigger: str, *, built_in: bool = False) -> list[tuple[str, str | None]]:
    arrows = FlatRegion(NESTED, built_in=built_in).arrows()
    return [(a.source, a.transition.dest) for at, on, a in arrows if (at, on) == (leaf, trigger)]


def test_only_states_without_others_inside_are_leaves() -> None:
    assert FlatRegion(NESTED, built_in=False).leaves == ("a.b.c", "a.b.d", "a.e", "z")


def test_the_built_in_states_are_leaves_of_the_region_that_has_them() -> None:
    assert FlatRegion(NESTED, built_in=True).leaves[-2:] == ("estopped", "down")


def test_the_transitions_of_a_leaf_are_tried_from_the_inside_out() -> None:
    assert tried("a.b.c", "go") == [("a.b.c", "a.e"), ("a.b", None), ("a", "z")]
    assert tried("a.e", "go") == [("a", "z")]


def test_a_transition_without_a_trigger_has_a_name_of_its_own() -> None:
    assert tried("z", ALWAYS) == [("z", "a")]


def test_built_in_triggers_have_one_meaning() -> None:
    assert tried("a.e", "estop", built_in=True) == [("a.e", "estopped")]
    assert tried("estopped", "reset", built_in=True) == [("estopped", "a")]
    assert tried("a.e", "reset", built_in=True) == []
    assert tried("down", "estop", built_in=True) == []


def test_a_source_that_is_named_twice_counts_once() -> None:
    flat = FlatRegion(region("a", transitions=[arrow("go", "a a", "a")]), built_in=False)

    assert len(list(flat.arrows())) == 1


def test_entering_a_state_ends_in_its_initial_leaf_or_in_what_is_remembered() -> None:
    flat = FlatRegion(NESTED, built_in=False)

    assert flat.leaf_of("a", {}) == "a.b.c"
    assert flat.leaf_of("a", {"a": "a.e"}) == "a.e"
    assert flat.leaf_of("a", {"a.b": "a.b.d"}) == "a.b.d"
    assert flat.leaf_of("z", {"a": "a.e"}) == "z"


def test_the_states_around_both_ends_are_kept_and_the_dest_never_is() -> None:
    flat = FlatRegion(NESTED, built_in=False)

    assert flat.kept("a.b.c", "a.b.d") == 2
    assert flat.kept("a.b.c", "a.e") == 1
    assert flat.kept("a.b.c", "z") == 0
    assert flat.kept("a.b.c", "a.b.c") == 2
    assert flat.kept("a.b.c", "a.b") == 1
    assert flat.kept("a.b.c", "a") == 0
    assert flat.kept("z", "a.b.c") == 0


def test_each_state_with_history_that_is_left_remembers_in_its_own_way() -> None:
    flat = FlatRegion(NESTED, built_in=False)

    assert dict(flat.memories("a.b.d", 0)) == {"a": "a.b.d", "a.b": "a.b.d"}
    assert dict(flat.memories("a.b.d", 1)) == {"a.b": "a.b.d"}
    assert dict(flat.memories("z", 0)) == {}
