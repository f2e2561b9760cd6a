"""A chart whose `always` transitions go round: `check` refuses it, and the daemon survives it."""

from __future__ import annotations

from pathlib import Path

from tests.daemon.story import Story, robot_file, tell

ROUND = """
machine:
  initial: here
  states: {here: {}, there: {}, away: {active: all}}
  transitions:
    - {trigger: go, source: [here, there], dest: away}
    - {trigger: back, source: away, dest: here}
  always:
    - {source: here, dest: there, when: not base.moving}
    - {source: there, dest: here, when: not base.moving}
"""


def test_a_circle_at_the_start_is_undone_and_the_robot_obeys(tmp_path: Path):
    async def body(story: Story) -> None:
        assert story.state in ("here", "there")
        assert (await story.do("go")).stage == "done"
        assert story.state == "away"
        assert (await story.do("back")).stage == "done"
        assert story.state in ("here", "there")
        await story.service.estop("enough", "test")
        assert story.state == "estopped"

    tell(body, robot_file(tmp_path, machine=ROUND.lstrip()))
