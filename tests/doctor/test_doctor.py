"""One thing wrong with a machine at a time, and what the doctor says of it."""

from __future__ import annotations

from robotd.doctor import Machine as Examined
from robotd.doctor import Robot, Severity, examine
from tests.doctor.conftest import NOW_S, Patient


def test_where_all_is_well_nothing_is_said(patient: Patient) -> None:
    assert patient.findings() == []


def test_the_worst_comes_first(patient: Patient) -> None:
    patient.answers["timedatectl"] = "no"
    (patient.root / "sys/class/rtc/rtc0/name").unlink()
    (patient.root / "sys/class/rtc/rtc0").rmdir()
    patient.free = 0

    severities = [finding.severity for finding in patient.findings()]

    assert severities == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


def test_this_very_machine_is_examined_without_a_fault() -> None:
    assert isinstance(examine(Examined(NOW_S), Robot()), list)
