"""Which faults are in force when. No clock: the test is the clock."""

import math

from hal.faults import parse_fault
from hal.faults.plan import Plan


def told(plan: Plan, now: float) -> list[tuple[float, str, str]]:
    """What changed by `now`: when, what, and whether it began or ended."""
    changes = []
    while (change := plan.take(now)) is not None:
        begins = "begins" if change.begins else "ends"
        changes.append((change.at, f"{change.fault.kind} {change.fault.name}".strip(), begins))
    return changes


def test_the_first_faults_count_from_the_first_start_only():
    plan = Plan([parse_fault("stall 1 s after 2 s")])
    assert (plan.next_at, plan.quiet) == (math.inf, False)
    plan.start(10.0)
    plan.start(11.0)

    assert plan.next_at == 12.0
    assert told(plan, 20.0) == [(12.0, "stall", "begins")]
    assert plan.quiet


def test_one_that_happens_once_only_begins_and_one_that_lasts_ends_too():
    plan = Plan()
    for text in ("unplug 5 s after 1 s", "drop 1% for 3 s", "deaf", "split for 0 s after 2 s"):
        plan.add(parse_fault(text), 0.0)

    assert told(plan, 0.5) == [(0.0, "drop", "begins"), (0.0, "deaf", "begins")]
    assert plan.next_at == 1.0
    assert told(plan, 9.0) == [
        (1.0, "unplug", "begins"),
        (2.0, "split", "begins"),
        (2.0, "split", "ends"),
        (3.0, "drop", "ends"),
    ]
    assert [str(fault) for fault in plan.lasting] == ["deaf"]
    assert (plan.next_at, plan.quiet) == (math.inf, False)


def test_what_is_due_at_one_moment_happens_in_the_order_in_which_it_was_asked_for():
    plan = Plan()
    for text in ("nak after 1 s", "deaf after 1 s", "garbage 1 B after 1 s", "split after 1 s"):
        plan.add(parse_fault(text), 0.0)

    assert [name for _, name, _ in told(plan, 1.0)] == ["nak", "deaf", "garbage", "split"]


def test_a_newer_one_takes_over_from_one_of_its_kind_whose_end_is_then_none():
    plan = Plan()
    plan.add(parse_fault("drop 1% for 3 s"), 0.0)
    plan.add(parse_fault("drop 2% for 5 s"), 1.0)

    assert told(plan, 4.0) == [(0.0, "drop", "begins"), (1.0, "drop", "begins")]
    assert [str(fault) for fault in plan.lasting] == ["drop 2% for 5 s"]
    assert told(plan, 6.0) == [(6.0, "drop", "ends")]


def test_one_quantity_has_one_fault_and_two_have_two():
    plan = Plan()
    for at, text in enumerate(("freeze a", "stuck b", "stuck a for 9 s")):
        plan.add(parse_fault(text), float(at))
    told(plan, 5.0)

    assert sorted(str(fault) for fault in plan.lasting) == ["stuck a for 9 s", "stuck b"]
    assert told(plan, 20.0) == [(11.0, "stuck a", "ends")]


def test_clearing_forgets_what_is_to_come_and_tells_what_was_in_force():
    plan = Plan([parse_fault("nak")])
    plan.add(parse_fault("deaf for 3 s"), 0.0)
    plan.add(parse_fault("split after 1 s"), 0.0)
    told(plan, 0.0)

    assert [str(fault) for fault in plan.clear()] == ["deaf for 3 s"]
    plan.start(0.0)
    assert told(plan, 9.0) == []
    assert plan.quiet
