"""MCAP files, which Foxglove and PlotJuggler open. The only file that imports mcap, of the extra `record`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer

from robotd.journal.channels import Channel, messages
from robotd.journal.row import Row
from robotd.json import encode
from robotd.version import VERSION


def write_mcap(rows: Iterable[Row], out: IO[bytes], boots: Iterable[Row] = ()) -> None:
    """Write what `rows` tell as channels over time; the sequence of each message is its row's number.

    `boots`: as for `messages`.
    """
    writer = Writer(out)
    writer.start(profile="", library=f"robotd {VERSION}")
    channels = _Registered(writer)
    for message in messages(rows, boots):
        writer.add_message(
            channels.id(message.channel),
            log_time=message.log_ns,
            publish_time=max(message.publish_ns, 0),
            sequence=message.seq & 0xFFFF_FFFF,
            data=encode(message.data),
        )
    writer.finish()  # type: ignore[no-untyped-call]  # mcap has types, but not here


class _Registered:
    """The ids of what the file knows already."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def id(self, channel: Channel) -> int:
        """Of this channel, which is made known when it is met first."""
        known = self._channels.get(channel.topic)
        if known is None:
            known = self._writer.register_channel(channel.topic, MessageEncoding.JSON, self._schema(channel))
            self._channels[channel.topic] = known
        return known

    def _schema(self, channel: Channel) -> int:
        known = self._schemas.get(channel.schema_name)
        if known is None:
            text = encode(channel.schema)
            known = self._writer.register_schema(channel.schema_name, SchemaEncoding.JSONSchema, text)
            self._schemas[channel.schema_name] = known
        return known
