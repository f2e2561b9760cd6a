"""The ports of a robot's file."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from robotd.doctor import Robot, Severity
from robotd.doctor.robot import install
from tests.doctor.conftest import DIALOUT, Patient

UNIT = "[Service]\nUser=robotd\nGroup=robotd\nSupplementaryGroups=dialout\n"


@pytest.mark.parametrize("port", ["/dev/ttyUSB7", "/dev/serial/by-id/usb-nothing"])
def test_a_port_that_is_not_there_is_named_with_its_board(port: str, patient: Patient) -> None:
    patient.robot = Robot({"servos": port})

    found = patient.finding("port-missing", Severity.ERROR)

    assert found.sentence == f"servos: there is no port {port}"
    assert found.commands == ("robotd ports",)


def test_a_usb_port_that_is_not_there_is_told_with_those_that_are(patient: Patient) -> None:
    patient.robot = Robot({"servos": "usb:0403:6014"})

    found = patient.finding("port-missing", Severity.ERROR)

    assert (
        "servos: usb:0403:6014: no such USB serial port is plugged in; there are: 2341:0043" in found.sentence
    )


def test_a_usb_port_of_which_there_are_two_is_not_said_to_be_missing(patient: Patient) -> None:
    patient.usb_port("ttyACM1", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno_2-if00")
    patient.robot = Robot({"arduino": "usb:2341:0043"})

    assert "2 ports are of that kind" in patient.finding("port-missing", Severity.ERROR).sentence


@pytest.mark.parametrize("port", ["usb:2341:0043", "tcp://192.0.2.1:5000", "/dev/ttyAMA0"])
def test_a_port_that_is_there_or_elsewhere_is_fine(port: str, patient: Patient) -> None:
    patient.robot = Robot({"board": port})

    assert patient.findings() == []


def test_a_port_by_its_number_is_told_the_better_name(patient: Patient) -> None:
    patient.robot = Robot({"arduino": "/dev/ttyACM0"})

    found = patient.finding("port-name", Severity.WARNING)

    assert found.mend == "write into the file: port: /dev/serial/by-id/usb-Arduino_Uno-if00"


def test_a_name_that_two_adapters_share_is_told_where_each_is_plugged_in(patient: Patient) -> None:
    for name, shared in (("ttyUSB0", None), ("ttyUSB1", "usb-1a86_USB_Serial-if00-port0")):
        patient.usb_port(name, "1a86:7523", "USB Serial", by_id=shared, by_path=f"usb-0:{name[-1]}:1.0")
    patient.robot = Robot({"arduino": "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"})

    found = patient.finding("port-name", Severity.WARNING)

    assert found.mend == "write into the file: port: /dev/serial/by-path/usb-0:1:1.0"


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


def test_the_guard_of_the_robot_is_nobody_to_end(patient: Patient) -> None:
    guard = "/home/ada/my-robot/.venv/lib/python3.11/site-packages/robotd/safety/guard.py"
    patient.process(
        42, ["/home/ada/my-robot/.venv/bin/python3", "-I", "-S", guard, "7"], opened=[patient.uno]
    )

    assert "guard.py 7 (pid 42)" in patient.finding("port-held", Severity.NOTE).sentence

    patient.process(41, ["/home/ada/my-robot/.venv/bin/robotd", "run"], opened=[patient.uno])
    assert "robotd run (pid 41)" in patient.finding("port-held", Severity.NOTE).sentence


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


def test_the_command_that_installs_names_the_program_and_the_file_of_the_robot(patient: Patient) -> None:
    patient.robot = replace(patient.robot, file="my rover.yaml")
    machine = replace(patient.examined(), program=("/opt/robotd/bin/robotd",))

    assert install(machine, patient.robot) == "sudo /opt/robotd/bin/robotd service install 'my rover.yaml'"


def test_a_service_without_its_user_is_to_be_installed_again(patient: Patient) -> None:
    patient.write("etc/systemd/system/robotd.service", UNIT.replace("User=robotd", "User=rover"))

    found = patient.finding("service-user", Severity.ERROR)

    assert found.commands == ("sudo robotd service install",)


def test_without_a_robot_nobody_asks_for_its_ports(patient: Patient) -> None:
    patient.robot = replace(patient.robot, ports={})
    patient.process(41, ["minicom"], opened=[patient.uno])
    os.unlink(patient.uart)

    assert patient.findings() == []
