"""The ports of a robot's file."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from robotd.doctor import Robot, Severity
from tests.doctor.conftest import DIALOUT, Patient

UNIT = "[Service]\nUser=robotd\nGroup=robotd\nSupplementaryGroups=dialout\n"


@pytest.mark.parametrize("port", ["/dev/ttyUSB7", "usb:0403:6014", "/dev/serial/by-id/usb-nothing"])
def test_a_port_that_is_not_there_is_named_with_its_board(port: str, patient: Patient) -> None:
    patient.robot = Robot({"servos": port})

    found = patient.finding("port-missing", Severity.ERROR)

    assert found.sentence == f"servos: there is no port {port}"
    assert found.commands == ("robotd ports",)


@pytest.mark.parametrize("port", ["usb:2341:0043", "tcp://192.0.2.1:5000", "/dev/ttyAMA0"])
def test_a_port_that_is_there_or_elsewhere_is_fine(port: str, patient: Patient) -> None:
    patient.robot = Robot({"board": port})

    assert patient.findings() == []


def test_a_port_by_its_number_is_told_the_better_name(patient: Patient) -> None:
    patient.robot = Robot({"arduino": "/dev/ttyACM0"})

    found = patient.finding("port-name", Severity.WARNING)

    assert found.mend == "write into the file: port: /dev/serial/by-id/usb-Arduino_Uno-if00"


def test_a_port_that_somebody_has_open_is_told_with_who(patient: Patient) -> None:
    patient.process(41, ["/usr/bin/minicom", "-D", "/dev/ttyACM0"], opened=[patient.uno])

    found = patient.finding("port-held", Severity.ERROR)

    assert "is in use by minicom -D /dev/ttyACM0 (pid 41)" in found.sentence
    assert found.commands == ("sudo kill 41",)


def test_a_port_that_the_robot_itself_has_is_as_it_should_be(patient: Patient) -> None:
    patient.process(41, ["/usr/bin/python3", "/opt/robotd/bin/robotd", "run", "robot.yaml"])
    patient.lock(41, patient.uno)

    found = patient.finding("port-held", Severity.NOTE)

    assert "belongs to python3 robotd run robot.yaml (pid 41)" in found.sentence


def test_a_service_whose_user_may_use_the_ports_is_fine(patient: Patient) -> None:
    patient.write("etc/systemd/system/robotd.service", UNIT)

    assert patient.findings() == []


def test_a_service_whose_user_may_not_use_a_port_is_told_the_group(patient: Patient) -> None:
    patient.write("etc/systemd/system/robotd.service", UNIT.replace("SupplementaryGroups=dialout\n", ""))

    found = patient.finding("service-permission", Severity.ERROR)

    assert "arduino: the service runs as robotd, who may not use /dev/serial/by-id/" in found.sentence
    assert "sudo usermod -aG dialout robotd" in found.commands


def test_a_service_whose_user_has_joined_the_group_is_fine(patient: Patient) -> None:
    patient.write("etc/systemd/system/robotd.service", UNIT.replace("SupplementaryGroups=dialout\n", ""))
    patient.write("etc/group", f"dialout:x:{DIALOUT}:ada,robotd\n")

    assert patient.findings() == []


def test_a_service_without_its_user_is_to_be_installed_again(patient: Patient) -> None:
    patient.write("etc/systemd/system/robotd.service", UNIT.replace("User=robotd", "User=rover"))

    found = patient.finding("service-user", Severity.ERROR)

    assert found.commands == ("sudo robotd service install",)


def test_without_a_robot_nobody_asks_for_its_ports(patient: Patient) -> None:
    patient.robot = replace(patient.robot, ports={})
    patient.process(41, ["minicom"], opened=[patient.uno])
    os.unlink(patient.uart)

    assert patient.findings() == []
