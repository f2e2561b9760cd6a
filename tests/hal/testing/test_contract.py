"""The contract bites: a driver with a bug fails, and says with which seed."""

from __future__ import annotations

import pytest

from hal.testing import DriverContract, Robot
from tests.contracts.test_firmata import TestFirmata as Sound
from tests.hal import rover

BITES = {
    "FORGETS_TO_STOP": ("test_the_stop_frames_work_from_any_parser_state_of_the_far_end", ()),
    "STOPS_ONLY_BETWEEN_MESSAGES": ("test_the_stop_frames_work_from_any_parser_state_of_the_far_end", ()),
    "SAYS_THAT_IT_STOPPED": ("test_what_moves_is_never_said_to_have_stopped", ("nak for 1 s",)),
    "FORGETS_AN_ACTUATOR": (
        "test_on_every_wire_it_comes_online_moves_and_stands_still_when_it_is_stopped",
        ("good",),
    ),
    "JUMPS_WHEN_IT_IS_PREPARED": (
        "test_on_a_wire_that_loses_nothing_it_does_not_move_unasked_and_every_sensor_is_heard",
        ("good",),
    ),
    "ACTIVATES_BY_ITSELF": (
        "test_after_a_cut_it_is_back_within_two_seconds_inactive_and_still",
        ("good",),
    ),
    "TRUSTS_ITS_BYTES": ("test_nonsense_is_told_with_a_cause_and_a_next_step", ()),
    "WAITS_FOR_EVER": ("test_a_far_end_that_falls_silent_is_found_out_and_back_when_it_speaks", ()),
    "GIVES_NO_REASON": ("test_silence_is_told_with_a_cause_and_a_next_step", ()),
    "DROPS_ITS_REPORTS": (
        "test_on_a_wire_that_loses_nothing_it_does_not_move_unasked_and_every_sensor_is_heard",
        ("good",),
    ),
}


def contract(driver: str) -> DriverContract:
    """That of the rover, with another driver."""
    kept = Sound()
    kept.robot = Robot(  # type: ignore[misc]  # of this instance alone
        board={**rover.BOARDS["arduino"], "driver": f"tests.hal.testing.bugs:{driver}"},
        devices=rover.DEVICES,
        move=Sound.robot.move,
        moves=Sound.robot.moves,
        sensor=Sound.robot.sensor,
    )
    return kept


@pytest.mark.parametrize("bug", BITES)
def test_a_driver_with_a_bug_fails_and_its_seed_is_named(bug: str) -> None:
    story, arguments = BITES[bug]

    with pytest.raises((AssertionError, TimeoutError)) as caught:
        getattr(contract(bug), story)(*arguments)

    assert caught.value.__notes__[0].startswith("seed ")


def test_one_seed_tells_one_story_again() -> None:
    kept = contract("STOPS_ONLY_BETWEEN_MESSAGES")
    with pytest.raises(AssertionError) as first:
        kept.test_the_stop_frames_work_from_any_parser_state_of_the_far_end()
    seed = int(first.value.__notes__[0].split()[1].rstrip(":"))
    kept.seeds = [seed]  # type: ignore[misc]  # of this instance alone

    with pytest.raises(AssertionError) as again:
        kept.test_the_stop_frames_work_from_any_parser_state_of_the_far_end()

    assert again.value.__notes__ == first.value.__notes__
