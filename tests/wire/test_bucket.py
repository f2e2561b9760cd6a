from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.wire.bucket import TokenBucket
from tests.counts import cases


def test_a_burst_passes_and_then_the_rate():
    bucket = TokenBucket(rate_per_s=100.0, burst=50, now=0.0)

    assert [bucket.take(0.0) for _ in range(51)] == [True] * 50 + [False]
    assert bucket.ready_at() == 0.01
    assert bucket.take(0.01)
    assert not bucket.take(0.015)


def test_silence_earns_no_more_than_a_burst():
    bucket = TokenBucket(rate_per_s=100.0, burst=3, now=0.0)

    assert [bucket.take(3600.0) for _ in range(4)] == [True, True, True, False]


def test_a_batch_passes_whole_and_is_paid_for_afterwards():
    bucket = TokenBucket(rate_per_s=10.0, burst=5, now=0.0)

    assert bucket.take(0.0, tokens=15)
    assert bucket.ready_at() == 1.1
    assert not bucket.take(1.0)
    assert bucket.take(1.1)


@settings(max_examples=cases(1_000), deadline=None)
@given(st.floats(0.5, 1e6), st.integers(1, 100), st.lists(st.floats(0, 1), max_size=50), st.floats(0, 1e8))
def test_it_is_ready_when_it_said_so_or_a_rounding_error_later(rate_per_s, burst, pauses_s, start):
    now = start
    bucket = TokenBucket(rate_per_s, burst, now)
    for pause_s in pauses_s:
        now += pause_s
        tries = 0
        while not bucket.take(now):
            now = bucket.ready_at()
            tries += 1
        assert tries <= 3
        for _ in range(burst):
            bucket.take(now)
