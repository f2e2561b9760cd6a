import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.limits import Limits
from robotd.wire.hub import Update
from robotd.wire.outbox import Outbox
from tests.counts import cases


def said(topic: str, number: int, key: object = None) -> Update:
    return Update(topic, {"n": number, "id": str(key)}, topic if key is None else key)


def told(messages: list[bytes]) -> list[tuple[Any, ...]]:
    """Topic, number and gap of each update; an answer as it is."""
    found: list[tuple[Any, ...]] = []
    for message in messages:
        value = json.loads(message)
        params = value["params"]
        if value["method"] == "stage":
            found.append(("stage", params["n"], params.get("gap", 0)))
        else:
            found.append((params["topic"], params["data"]["n"], params.get("gap", 0)))
    return found


def test_while_the_socket_takes_everything_nothing_is_left_out():
    outbox = Outbox(Limits())
    for number in range(3):
        outbox.offer(said("state", number))

    assert told(outbox.take(0.0)) == [("state", 0, 0), ("state", 1, 0), ("state", 2, 0)]


def test_a_slow_reader_gets_the_newest_of_each_key_and_the_count_of_the_rest():
    outbox = Outbox(Limits())
    outbox.blocked = True
    for number in range(5):
        outbox.offer(said("reading.battery", number))
        outbox.offer(said("state", number))

    assert outbox.take(0.0) == []
    outbox.blocked = False
    assert told(outbox.take(0.0)) == [("reading.battery", 4, 4), ("state", 4, 4)]
    outbox.offer(said("state", 5))
    assert told(outbox.take(0.0)) == [("state", 5, 0)]


def test_the_stages_of_two_commands_do_not_replace_each_other():
    outbox = Outbox(Limits())
    outbox.blocked = True
    for number, command in enumerate(["a", "b", "a"]):
        outbox.offer(said("stage", number, ("stage", command)))
    outbox.blocked = False

    assert told(outbox.take(0.0)) == [("stage", 2, 1), ("stage", 1, 0)]


def test_of_too_many_keys_the_oldest_goes_and_is_counted():
    outbox = Outbox(Limits(outbox_messages=3))
    outbox.blocked = True
    for number in range(5):
        outbox.offer(said("log", number, object()))
    outbox.blocked = False

    assert told(outbox.take(0.0)) == [("log", 2, 2), ("log", 3, 0), ("log", 4, 0)]


def test_a_burst_within_one_turn_is_bounded_as_well():
    outbox = Outbox(Limits(outbox_messages=3))
    for number in range(5):
        outbox.offer(said("state", number))

    assert told(outbox.take(0.0)) == [("state", 0, 0), ("state", 1, 0), ("state", 2, 0), ("state", 4, 1)]


def test_a_rate_asked_for_thins_out_without_a_gap():
    outbox = Outbox(Limits())
    outbox.limit(["state"], 0.1)
    heard = []
    for tick in range(30):
        outbox.offer(said("state", tick))
        heard += told(outbox.take(tick * 0.01))

    assert heard == [("state", 0, 0), ("state", 10, 0), ("state", 20, 0)]


def test_what_waits_for_its_rate_says_when_it_is_due():
    outbox = Outbox(Limits())
    outbox.limit(["state"], 0.1)
    outbox.offer(said("state", 1))
    outbox.take(5.0)
    assert outbox.wakes_at is None

    outbox.offer(said("state", 2))
    assert outbox.take(5.05) == []
    assert outbox.wakes_at == 5.1
    assert told(outbox.take(5.1)) == [("state", 2, 0)]


def test_after_a_silence_no_rate_is_made_up_for():
    outbox = Outbox(Limits())
    outbox.limit(["state"], 0.1)
    outbox.offer(said("state", 1))
    outbox.take(0.0)
    outbox.offer(said("state", 2))
    assert len(outbox.take(60.0)) == 1

    outbox.offer(said("state", 3))
    assert outbox.take(60.0) == []
    assert outbox.wakes_at == 60.1


def test_what_is_no_longer_wanted_does_not_go_out():
    outbox = Outbox(Limits())
    outbox.blocked = True
    outbox.offer(said("state", 1))
    outbox.offer(said("state", 2))
    outbox.offer(said("log", 3))
    outbox.forget(["state"])
    outbox.blocked = False
    outbox.offer(said("state", 4))

    assert told(outbox.take(0.0)) == [("state", 4, 0), ("log", 3, 0)]


def test_answers_are_kept_and_counted_in_messages_and_bytes():
    outbox = Outbox(Limits(outbox_messages=4, outbox_bytes=100))
    for _ in range(2):
        outbox.put(b"x")
    assert (outbox.half_full, outbox.full) == (True, False)
    outbox.put(b"x" * 98)
    assert (outbox.full, outbox.empty) == (True, False)
    assert len(outbox.take(0.0)) == 3
    assert (outbox.full, outbox.half_full, outbox.empty) == (False, False, True)


@settings(max_examples=cases(1_000), deadline=None)
@given(
    st.lists(
        st.sampled_from(["block", "free", "take"])
        | st.tuples(st.sampled_from(["state", "log", "stage"]), st.integers(0, 3)),
        max_size=60,
    )
)
def test_everything_offered_is_told_or_counted_in_a_gap(script):
    outbox = Outbox(Limits(outbox_messages=4))
    offered = dict.fromkeys(("state", "log", "stage"), 0)
    messages: list[bytes] = []
    # A gap is told with the next update of its topic, so each topic says one thing more at the end.
    last = [("state", 4), ("log", 4), ("stage", 4)]
    for number, step in enumerate([*script, "free", "take", *last, "take"]):
        if step == "take":
            messages += outbox.take(0.0)
        elif isinstance(step, str):
            outbox.blocked = step == "block"
        else:
            topic, key = step
            offered[topic] += 1
            outbox.offer(said(topic, number, object() if topic == "log" else (topic, key)))

    counted = dict.fromkeys(offered, 0)
    for topic, _, gap in told(messages):
        counted[topic] += 1 + gap
    assert counted == offered
