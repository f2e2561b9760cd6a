"""MCAP files, read back by the format's own library."""

from __future__ import annotations

import io
import json

from mcap.reader import NonSeekingReader, make_reader

from robotd.journal.channels import messages
from robotd.journal.mcap import write_mcap
from tests.journal.history import History, ann_drives


def written(history: History) -> io.BytesIO:
    file = io.BytesIO()
    write_mcap(history.rows.rows(), file)
    file.seek(0)
    return file


def a_little_of_everything() -> History:
    history = History()
    ann_drives(history)
    return history


def test_all_that_the_rows_tell_can_be_read_back_in_order() -> None:
    history = a_little_of_everything()

    read = [
        (channel.topic, message.log_time, message.publish_time, message.sequence, json.loads(message.data))
        for _, channel, message in make_reader(written(history), validate_crcs=True).iter_messages()
    ]

    assert read == [
        (message.channel.topic, message.log_ns, message.publish_ns, message.seq, message.data)
        for message in messages(history.rows.rows())
    ]


def test_each_channel_is_json_with_a_json_schema_whose_root_is_an_object() -> None:
    summary = make_reader(written(a_little_of_everything())).get_summary()

    assert summary is not None
    assert {channel.message_encoding for channel in summary.channels.values()} == {"json"}
    assert {schema.encoding for schema in summary.schemas.values()} == {"jsonschema"}
    assert {json.loads(schema.data)["type"] for schema in summary.schemas.values()} == {"object"}
    assert {
        channel.topic: summary.schemas[channel.schema_id].name for channel in summary.channels.values()
    } == {
        "/decision": "robotd.Decision",
        "/log": "foxglove.Log",
        "/reading/battery/value": "robotd.Reading",
        "/reading/bumper/active": "robotd.Reading",
        "/stage": "robotd.Stage",
        "/state": "robotd.State",
    }


def test_a_reader_that_cannot_seek_reads_it_too() -> None:
    file = written(a_little_of_everything())

    assert len(list(NonSeekingReader(file).iter_messages())) > 12


def test_a_journal_without_a_row_is_a_file_without_a_message() -> None:
    assert list(make_reader(written(History())).iter_messages()) == []


def test_a_clock_before_1970_is_a_clock_at_1970() -> None:
    history = History(noon=History().noon.replace(year=1969))
    history.add("session", what="opened", source="unix")

    times = [message.log_time for _, _, message in make_reader(written(history)).iter_messages()]

    assert times == [0]
