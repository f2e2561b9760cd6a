"""The wall clock."""

from __future__ import annotations

import shutil

import pytest

from robotd.doctor import Severity
from tests.doctor.conftest import NOW_S, UPTIME_S, Patient

STARTED_AT_S = NOW_S - UPTIME_S


def test_a_clock_that_nobody_sets_is_told(patient: Patient) -> None:
    patient.answers["timedatectl"] = "no"

    found = patient.finding("clock-unsynchronised", Severity.WARNING)

    assert found.commands == ("sudo timedatectl set-ntp true",)


def test_where_nobody_knows_the_clock_is_believed(patient: Patient) -> None:
    patient.answers.clear()

    assert patient.findings() == []


def test_a_clock_that_was_set_forward_since_the_start_is_told_by_how_much(patient: Patient) -> None:
    patient.made("run/initctl", STARTED_AT_S - 3 * 86_400)

    found = patient.finding("clock-jumped", Severity.WARNING)

    assert "set forward by 3 days, 0:00:00 after the start" in found.sentence
    assert found.commands == ("sudo systemctl enable systemd-time-wait-sync",)


def test_a_clock_that_was_set_back_since_the_start_is_told_by_how_much(patient: Patient) -> None:
    patient.made("run/initctl", NOW_S + 7200)

    assert "set back by 2:00:00" in patient.finding("clock-jumped", Severity.WARNING).sentence


@pytest.mark.parametrize("off_s", [-30, UPTIME_S + 30])
def test_a_few_seconds_are_no_jump(off_s: float, patient: Patient) -> None:
    patient.made("run/initctl", STARTED_AT_S + off_s)

    assert patient.findings() == []


@pytest.mark.parametrize(
    ("file", "text"),
    [("proc/mounts", "overlay / ext4 rw 0 0\n"), ("proc/uptime", "")],
    ids=["image", "no uptime"],
)
def test_where_files_do_not_tell_the_start_nothing_is_said(file: str, text: str, patient: Patient) -> None:
    patient.made("run/initctl", STARTED_AT_S - 3 * 86_400)
    patient.write(file, text)

    assert patient.findings() == []


def test_a_machine_without_a_battery_for_its_clock_is_told_of_one(patient: Patient) -> None:
    shutil.rmtree(patient.root / "sys/class/rtc")

    assert "dtoverlay=i2c-rtc,ds3231" in patient.finding("clock-no-battery", Severity.NOTE).mend
