"""How often somebody may guess."""

from __future__ import annotations

from robotd.access.throttle import (
    FORGOTTEN_S,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    MANY_FAILURES,
    MOST_ADDRESSES,
    Throttle,
)


def fail(throttle: Throttle, address: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        throttle.failed(address, now)


def test_a_few_failures_cost_nothing_and_then_each_costs_twice_as_much_up_to_the_longest():
    throttle, now, waits = Throttle(), 0.0, []
    for _ in range(12):
        throttle.failed("192.0.2.1", now)
        waits.append(throttle.wait_s("192.0.2.1", now))
        now += waits[-1]

    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_the_wait_runs_out():
    throttle = Throttle()
    fail(throttle, "192.0.2.1", FREE_FAILURES)

    assert [throttle.wait_s("192.0.2.1", now) for now in (0.0, 0.4, 1.0)] == [1.0, 0.6, 0.0]


def test_nobody_else_waits():
    throttle = Throttle()
    fail(throttle, "192.0.2.1", 1000)

    assert throttle.wait_s("192.0.2.1", 0.0) == LONGEST_WAIT_S
    assert throttle.wait_s("192.0.2.2", 0.0) == 0.0


def test_whoever_has_not_failed_for_long_begins_anew():
    throttle = Throttle()
    fail(throttle, "192.0.2.1", 10)
    later = FORGOTTEN_S + 1
    fail(throttle, "192.0.2.1", FREE_FAILURES - 1, later)

    assert throttle.wait_s("192.0.2.1", later) == 0.0


def test_all_addresses_of_one_ipv6_network_are_one():
    throttle = Throttle()
    for host in range(FREE_FAILURES):
        throttle.failed(f"2001:db8:0:7::{host + 1:x}", 0.0)

    assert throttle.wait_s("2001:db8:0:7:aaaa:bbbb:cccc:dddd", 0.0) > 0
    assert throttle.wait_s("2001:db8:0:8::1", 0.0) == 0.0


def test_an_ipv4_address_is_the_same_however_it_is_written():
    throttle = Throttle()
    fail(throttle, "::ffff:192.0.2.1", FREE_FAILURES)

    assert throttle.wait_s("192.0.2.1", 0.0) > 0
    assert throttle.wait_s("::ffff:192.0.2.2", 0.0) == 0.0


def test_the_loopback_a_link_local_address_and_a_user_are_counted_too():
    throttle = Throttle()
    for address in ("::1", "fe80::1%eth0", "unix:1000"):
        fail(throttle, address, FREE_FAILURES)
        assert throttle.wait_s(address, 0.0) > 0

    assert throttle.wait_s("unix:1001", 0.0) == 0.0


def test_when_many_addresses_fail_one_failure_is_enough_and_none_is_still_none():
    throttle = Throttle()
    for number in range(MANY_FAILURES):
        throttle.failed(f"10.0.{number // 256}.{number % 256}", 0.0)
    throttle.failed("192.0.2.1", 0.0)

    assert throttle.wait_s("192.0.2.1", 0.0) > 0
    assert throttle.wait_s("192.0.2.2", 0.0) == 0.0


def test_what_many_did_long_ago_does_not_count_against_one():
    throttle = Throttle()
    for number in range(MANY_FAILURES):
        throttle.failed(f"10.0.{number // 256}.{number % 256}", 0.0)
    throttle.failed("192.0.2.1", 61.0)

    assert throttle.wait_s("192.0.2.1", 61.0) == 0.0


def test_however_many_fail_only_so_many_are_remembered():
    throttle = Throttle()
    fail(throttle, "192.0.2.1", FREE_FAILURES)
    for number in range(3 * MOST_ADDRESSES):
        throttle.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", 1000.0)

    assert len(throttle) == MOST_ADDRESSES
