"""Where the journal lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robotd.doctor import Severity
from tests.doctor.conftest import GIB, Patient


@pytest.mark.parametrize(
    ("free", "severity", "left"),
    [(GIB - 1, Severity.WARNING, 1023), (64 << 20, Severity.WARNING, 64), (10 << 20, Severity.ERROR, 10)],
)
def test_a_disk_that_is_nearly_full_is_told(
    free: int, severity: Severity, left: int, patient: Patient
) -> None:
    patient.free = free

    found = patient.finding("disk-full", severity)

    assert found.sentence.startswith(f"/var/lib/robotd has {left} MiB left")


def test_a_disk_that_cannot_be_written_is_an_error(patient: Patient) -> None:
    patient.write("proc/mounts", "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\ntmpfs /run tmpfs rw 0 0\n")

    found = patient.finding("disk-read-only", Severity.ERROR)

    assert found.sentence == "/var/lib/robotd is on /, which cannot be written"
    assert found.commands == ("sudo mount -o remount,rw /",)


def test_a_root_that_cannot_be_written_is_fine_where_the_journal_can(patient: Patient) -> None:
    patient.write(
        "proc/mounts", "/dev/root / ext4 ro 0 0\n/dev/sda1 /var ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n"
    )

    assert patient.findings() == []


@pytest.mark.parametrize("kind", ["tmpfs", "overlay"])
def test_a_journal_that_is_gone_with_the_power_is_told(kind: str, patient: Patient) -> None:
    patient.write("proc/mounts", f"none / {kind} rw 0 0\ntmpfs /run tmpfs rw 0 0\n")

    assert f"({kind})" in patient.finding("disk-forgets", Severity.NOTE).sentence


def test_a_folder_elsewhere_is_judged_by_what_it_is_on(patient: Patient) -> None:
    patient.robot = replace(patient.robot, state=Path("/home/ada/.local/state/robotd/rover"))
    patient.write(
        "proc/mounts", "/dev/root / ext4 rw 0 0\n/dev/sda1 /home ext4 ro 0 0\ntmpfs /run tmpfs rw 0 0\n"
    )

    assert "is on /home" in patient.finding("disk-read-only", Severity.ERROR).sentence
