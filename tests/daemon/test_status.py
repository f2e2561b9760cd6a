"""What the daemon says of itself."""

from __future__ import annotations

import asyncio
from typing import Any

from robotd.journal import kinds
from robotd.wire.hub import Update
from tests.daemon.story import Story, tell


def test_a_drive_base_is_simulated_when_its_wheels_are():
    async def body(story: Story) -> None:
        devices = story.service.describe()["devices"]

        assert {name for name, device in devices.items() if not device["simulated"]} == set()

    tell(body)


def test_a_reading_and_the_event_that_it_becomes_are_one_trace():
    async def body(story: Story) -> None:
        class Listener:
            def __init__(self) -> None:
                self.heard: list[dict[str, Any]] = []

            def update(self, update: Update) -> None:
                self.heard.append(dict(update.data))

        listener = Listener()
        story.service.hub.subscribe(listener, ["reading.bumper", "reading.battery"])
        story.engine.rig.set_world("bumper", True)
        await story.until(lambda: story.events("bump") == ["bump"], 0.1)
        (bump,) = [decision.message for decision in story.decisions if decision.message.type == "bump"]
        await asyncio.sleep(0.2)
        traces = [said["trace_id"] for said in listener.heard]

        assert traces.count(bump.trace_id) == 1
        assert len(set(traces)) == len(traces)
        (row,) = [row for row in await story.rows(kinds.DECISION) if row.id == bump.id]
        assert row.trace == bump.trace_id
        assert row.data["saw"]["bumper.active"] is True

    tell(body)
