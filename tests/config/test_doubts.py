"""Warnings: what a file may say and hardly means."""

from __future__ import annotations

import pytest

from tests.config.robots import Bench

TAKES_ALL = "trigger: [bump, too_long, patrol.done, patrol.failed, arduino.lost]"


@pytest.fixture
def sound(bench: Bench) -> Bench:
    """The small robot with an answer to everything."""
    bench.change("trigger: [bump, too_long, patrol.done, arduino.lost]", TAKES_ALL)
    return bench.change("do: {mast.move_to: {angle: 0 deg}}", "do: {lamp.write: {on: true}}").change(
        "  mast: {kind", "  lamp: {kind: digital_output, board: arduino, pin: 13}\n  mast: {kind"
    )


def pointed(bench: Bench) -> list[tuple[str, str, str | None]]:
    """Each warning: its sentence, the text that its caret points at, its hint."""
    return [
        (warning.sentence, warning.source_line[warning.where.column - 1 :], warning.hint)
        for warning in bench.load().warnings
    ]


def test_a_robot_with_an_answer_to_everything_has_no_warnings(sound: Bench):
    assert pointed(sound) == []


def test_a_board_without_a_deadman_is_told_as_unprotected(sound: Bench):
    sound.change("baud: 57600}", "baud: 57600, deadman: none}")

    assert pointed(sound) == [
        ("arduino is unprotected if the host dies: it has no deadman of its own", "none}", None)
    ]


def test_a_motion_that_nobody_asked_for_and_whose_failure_nothing_takes_is_told(sound: Bench):
    sound.change(", patrol.failed", "")
    sound.change(
        "{trigger: battery_low, source: armed,", "{trigger: battery_low, do: base.drive, source: armed,"
    )
    sound.change("do: base.drive, source", "do: {base.drive: {linear: -0.1 m/s}}, source")

    assert [sentence for sentence, _, _ in pointed(sound)] == [
        "nothing takes 'patrol.failed'",
        "nothing takes 'base.drive.failed'",
    ]


def test_an_event_that_no_transition_takes_is_told_with_the_trigger_that_was_probably_meant(sound: Bench):
    sound.change("{trigger: battery_low,", "{trigger: batery_low,")

    ((sentence, text, hint),) = pointed(sound)

    assert sentence == "no transition takes the event 'battery_low'"
    assert text.startswith("battery_low: {when")
    assert hint == "did you mean 'batery_low'?"


def test_a_warning_is_shown_like_an_error_under_its_own_name(sound: Bench):
    sound.change("baud: 57600}", "baud: 57600, deadman: none}")
    (warning,) = sound.load().warnings

    assert str(warning).splitlines()[0] == (
        f"{sound.folder}/rover.yaml:3:72: warning: "
        "arduino is unprotected if the host dies: it has no deadman of its own"
    )
    assert warning.as_json()["warning"] == warning.sentence
