"""The section `journal`."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import ConfigErrors, load
from robotd.config.journal import JournalSettings
from tests.daemon.story import robot_file


def test_without_a_section_the_defaults_hold(tmp_path: Path):
    assert load(robot_file(tmp_path)).journal == JournalSettings(256 * 2**20, 1.0)


def test_size_and_sample_carry_their_units(tmp_path: Path):
    file = robot_file(tmp_path, journal="journal: {size: 1 GiB, sample: 200 ms}\n")

    assert load(file).journal == JournalSettings(2**30, 0.2)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{size: 100 KiB}", "a journal takes at least 4 MiB"),
        ("{size: 256}", "256 needs a unit"),
        ("{size: 2 s}", "is a duration"),
        ("{sample: 0 s}", "must be more than zero"),
        ("{folder: /tmp}", "unknown key 'folder'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path: Path, section: str, sentence: str):
    file = robot_file(tmp_path, journal=f"journal: {section}\n")

    with pytest.raises(ConfigErrors) as raised:
        load(file)
    assert any(sentence in str(error) for error in raised.value.exceptions)
