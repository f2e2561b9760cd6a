"""What the daemon says of itself."""

from __future__ import annotations

from tests.daemon.story import Story, tell


def test_a_drive_base_is_simulated_when_its_wheels_are():
    async def body(story: Story) -> None:
        devices = story.service.describe()["devices"]

        assert {name for name, device in devices.items() if not device["simulated"]} == set()

    tell(body)
