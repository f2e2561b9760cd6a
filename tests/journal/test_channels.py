"""A journal as channels: what is on each, in the order of time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from robotd.journal.channels import HELD_NS, Message, messages
from robotd.journal.row import Row
from tests.journal.history import NOON, History, ann_drives

NOON_NS = int(NOON.timestamp()) * 1_000_000_000
SIMPLE = {"string", "number", "integer", "boolean", "object", "array"}
PYTHON = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
}


def told(history: History) -> list[Message]:
    return list(messages(history.rows.rows()))


def on(history: History, topic: str) -> list[Mapping[str, Any]]:
    return [message.data for message in told(history) if message.channel.topic == topic]


def a_little_of_everything() -> History:
    history = History()
    ann_drives(history)
    return history


def test_the_state_of_each_region_is_there_from_the_first_decision_on() -> None:
    assert on(a_little_of_everything(), "/state") == [
        {"main": "armed.teleop", "health": "fine"},
        {"main": "estopped", "health": "fine"},
    ]


def test_without_the_row_of_its_boot_a_region_goes_by_its_place() -> None:
    history = History()
    history.add("decision", "m1", type="arm", source="unix", outcome="moved", before=["a"], after=["b"])

    assert on(history, "/state") == [{"region0": "a"}, {"region0": "b"}]


def test_rows_may_be_chosen_without_their_boot_as_long_as_it_is_known() -> None:
    boot, *rows = a_little_of_everything().rows.rows()
    damaged = boot._replace(body=b"{")

    with_it = [message.data for message in messages(rows, [boot])]
    without = [message.data for message in messages(rows, [damaged])]

    assert {"value": 12.1, "unit": "V"} in with_it
    assert {"main": "estopped", "health": "fine"} in with_it
    assert {"value": 12.1, "unit": ""} in without
    assert {"region0": "estopped", "region1": "fine"} in without


def test_the_stages_of_a_command_follow_one_another() -> None:
    stages = [said["stage"] for said in on(a_little_of_everything(), "/stage") if said["id"] == "c1"]

    assert stages == ["journaled", "started", "done"]


def test_a_reading_is_a_number_with_its_unit_on_a_channel_of_its_own() -> None:
    history = a_little_of_everything()

    assert on(history, "/reading/battery/value") == [{"value": 12.1, "unit": "V"}]
    assert on(history, "/reading/bumper/active") == [{"value": 0.0, "unit": "bool"}]
    assert on(history, "/reading/range/value") == []  # it was stale


def test_the_log_has_the_stop_and_the_dead_letter_but_no_ordinary_command() -> None:
    lines = on(a_little_of_everything(), "/log")

    assert [(line["name"], line["level"], line["line"]) for line in lines] == [
        ("boot", 2, 1),
        ("session", 2, 3),
        ("dead", 3, 10),
        ("stop", 4, 11),
    ]
    assert lines[-1]["message"] == "stopped by unix: somebody on the track (latch-1)"


def test_a_damaged_body_is_news_and_what_follows_goes_on() -> None:
    history = a_little_of_everything()
    rows = [row._replace(body=b"{") if row.seq == 4 else row for row in history.rows.rows()]

    lines = [message.data for message in messages(rows) if message.channel.topic == "/log"]

    assert [line["line"] for line in lines if "not to be understood" in line["message"]] == [4]


def test_readings_around_a_fault_take_their_place_in_time() -> None:
    history = History()
    history.add("readings", after_s=1.0, values={"a.value": 1.0})
    history.add("readings", after_s=1.0, values={"a.value": 2.0})
    history.add("readings", after_s=1.0, dense=[[1.5, "a.value", 1.5], [2.5, "a.value", 2.5]])

    times = [(message.log_ns - NOON_NS, message.data["value"]) for message in told(history)]

    assert times == [(10**9, 1.0), (15 * 10**8, 1.5), (2 * 10**9, 2.0), (25 * 10**8, 2.5)]


def test_readings_that_are_far_too_late_come_late_but_never_backwards() -> None:
    history = History()
    history.add("readings", after_s=1.0, values={"a.value": 1.0})
    history.add("readings", after_s=HELD_NS / 1e9 + 1, values={"a.value": 2.0})
    history.add("readings", values={}, dense=[[0.5, "a.value", 0.5]])

    assert [message.data["value"] for message in told(history)] == [1.0, 0.5, 2.0]
    assert monotone(told(history))


def test_after_a_jump_back_of_the_clock_time_goes_on_and_the_clock_is_still_told() -> None:
    history = History()
    history.add("session", what="opened", source="unix")
    history.noon -= timedelta(hours=1)
    history.add("session", what="closed", source="unix", after_s=1.0)
    history.add("session", what="opened", source="unix", after_s=1.0)

    log = [message.log_ns - NOON_NS for message in told(history)]
    published = [message.publish_ns - NOON_NS for message in told(history)]

    assert log == [10**8, 10**8, 11 * 10**8]
    assert published == [10**8, 11 * 10**8 - 3600 * 10**9, 21 * 10**8 - 3600 * 10**9]


@given(st.lists(st.tuples(st.integers(-20, 20), st.lists(st.integers(0, 30), max_size=3)), max_size=20))
def test_whatever_clocks_and_late_readings_do_time_never_goes_back(
    steps: list[tuple[int, list[int]]],
) -> None:
    history = History()
    for jump_s, ages_s in steps:
        history.noon += timedelta(seconds=jump_s)
        dense = [[history.at - age_s, "a.value", 1.0] for age_s in ages_s]
        history.add("readings", values={"a.value": 1.0}, dense=dense)

    found = told(history)

    assert monotone(found)
    assert len(found) == sum(1 + len(ages_s) for _, ages_s in steps)


def monotone(found: Iterable[Message]) -> bool:
    times = [message.log_ns for message in found]
    return times == sorted(times)


def fields(schema: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Each field of `data` that the schema speaks of, and the schema of it; objects inside it, too."""
    assert schema["type"] == "object"
    for name, field in schema["properties"].items():
        yield field, data[name]
        if field["type"] == "object":
            yield from fields(field, data[name])
        if field["type"] == "array":
            yield from ((field["items"], item) for item in data[name])


def test_each_message_is_what_its_schema_says_in_words_that_foxglove_understands() -> None:
    for message in told(a_little_of_everything()):
        for field, value in fields(message.channel.schema, message.data):
            assert field["type"] in SIMPLE
            assert isinstance(value, PYTHON[field["type"]]), message  # type: ignore[arg-type]  # a table of types
        assert json.loads(json.dumps(message.data)) == message.data


def test_a_row_of_an_unknown_kind_is_news() -> None:
    history = History()
    history.add("sneeze", loud=True)

    assert [line["message"] for line in on(history, "/log")] == ['{"loud": true}']


def test_rows_are_read_one_by_one() -> None:
    history = History()
    for _ in range(3):
        history.add("session", after_s=HELD_NS / 1e9 + 1, what="opened", source="unix")
    read: list[int] = []

    def reading() -> Iterator[Row]:
        for row in history.rows.rows():
            read.append(row.seq)
            yield row

    next(messages(reading()))

    assert read == [1, 2]
