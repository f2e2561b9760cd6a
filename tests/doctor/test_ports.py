"""Permissions, consoles, ModemManager, latency and sleep of serial ports."""

from __future__ import annotations

import os
import shutil

import pytest

from robotd.doctor import Robot, Severity, User
from robotd.doctor.robot import may_use
from tests.doctor.conftest import DIALOUT, NOW_S, STRANGER, Patient

BUS = "sys/bus/usb-serial/devices/ttyUSB0/latency_timer"
GETTY = "etc/systemd/system/getty.target.wants/serial-getty@ttyAMA0.service"


@pytest.fixture
def uart(patient: Patient) -> Patient:
    """The robot is on the UART, by its other name."""
    patient.link("dev/serial0", "ttyAMA0")
    patient.robot = Robot({"gps": "/dev/serial0"})
    return patient


def without_ports(patient: Patient) -> None:
    patient.robot = Robot()
    shutil.rmtree(patient.root / "sys/class/tty")


def test_who_is_not_in_the_group_of_a_port_is_told_to_join_it(patient: Patient) -> None:
    patient.user = User("bob", STRANGER, frozenset())

    mine, other = patient.findings()

    assert (mine.code, mine.severity, other.severity) == ("port-permission", Severity.ERROR, Severity.WARNING)
    assert mine.sentence == "bob may not use /dev/ttyACM0"
    assert mine.commands == ("sudo usermod -aG dialout bob",)


def test_who_has_joined_the_group_since_is_told_to_log_in_again(patient: Patient) -> None:
    patient.user = User("ada", STRANGER, frozenset())

    mine, _ = patient.findings()

    assert mine.mend == "ada has joined the group dialout, which counts from the next login"
    assert mine.commands == ("logout",)


def test_a_port_that_its_group_may_not_use_needs_a_rule(patient: Patient) -> None:
    (patient.root / "dev/ttyACM0").chmod(0o600)

    found = patient.finding("port-permission", Severity.ERROR)

    assert found.mend == "it is not for its group dialout either: give udev a rule for it"
    assert found.commands == (
        'echo \'SUBSYSTEM=="tty", ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0043", GROUP="dialout", '
        'MODE="0660"\' | sudo tee /etc/udev/rules.d/70-ttyACM0.rules',
        "sudo udevadm control --reload && sudo udevadm trigger --name-match=ttyACM0",
    )


def test_nobody_is_told_to_join_the_group_of_root(patient: Patient) -> None:
    patient.write("etc/group", f"root:x:{DIALOUT}:\n")
    patient.user = User("bob", STRANGER, frozenset())

    commands = [command for found in patient.findings() for command in found.commands]
    assert commands
    assert [command for command in commands if "usermod" in command] == []


def test_a_built_in_port_that_its_group_may_not_use_needs_a_rule_by_its_name(patient: Patient) -> None:
    (patient.root / "dev/ttyAMA0").chmod(0o600)

    found = patient.finding("port-permission", Severity.WARNING)

    assert found.commands[0].startswith('echo \'KERNEL=="ttyAMA0", GROUP="dialout", MODE="0660"\' | ')


def test_a_console_that_its_login_keeps_closed_is_told_as_a_console_alone(uart: Patient) -> None:
    uart.write(GETTY)
    (uart.root / "dev/ttyAMA0").chmod(0o600)

    uart.finding("serial-console", Severity.ERROR)


@pytest.mark.parametrize("user", [User("root", 0, frozenset()), User("owner", STRANGER - 1, frozenset())])
def test_root_and_the_owner_of_a_port_may_use_it(user: User, patient: Patient) -> None:
    patient.user = user

    assert patient.findings() == []


@pytest.mark.parametrize(
    ("mode", "uid", "groups", "allowed"),
    [
        (0o666, STRANGER, set(), True),
        (0o662, STRANGER, set(), False),
        (0o660, STRANGER, {DIALOUT}, True),
        (0o646, STRANGER, {DIALOUT}, False),
        (0o600, STRANGER - 1, set(), True),
        (0o466, STRANGER - 1, {DIALOUT}, STRANGER == 1),
    ],
)
def test_who_may_use_a_port_is_said_by_its_mode(
    mode: int, uid: int, groups: set[int], allowed: bool, patient: Patient
) -> None:
    port = patient.root / "dev/ttyAMA0"
    port.chmod(mode)

    assert may_use(port, User("bob", uid, frozenset(groups))) == allowed


def test_before_anything_is_plugged_in_the_group_is_asked_for(patient: Patient) -> None:
    without_ports(patient)
    patient.user = User("bob", STRANGER, frozenset())

    found = patient.finding("serial-group", Severity.WARNING)

    assert found.commands == ("sudo usermod -aG dialout bob",)


@pytest.mark.parametrize(
    "user",
    [
        User("ada", STRANGER, frozenset()),
        User("bob", STRANGER, frozenset({DIALOUT})),
        User("root", 0, frozenset()),
    ],
    ids=["by the file", "in this session", "root"],
)
def test_before_anything_is_plugged_in_a_member_is_told_nothing(user: User, patient: Patient) -> None:
    without_ports(patient)
    patient.user = user

    assert patient.findings() == []


def test_a_system_without_such_a_group_is_told_nothing(patient: Patient) -> None:
    without_ports(patient)
    patient.user = User("bob", STRANGER, frozenset())
    patient.write("etc/group", "users:x:100:\n")

    assert patient.findings() == []


def test_a_console_on_the_robots_port_is_taken_from_the_system(uart: Patient) -> None:
    uart.write("proc/cmdline", "console=ttyAMA0,115200 console=tty1\n")
    uart.write("boot/firmware/cmdline.txt", "console=serial0,115200 console=tty1\n")
    uart.write(GETTY)

    found = uart.finding("serial-console", Severity.ERROR)

    assert found.sentence.startswith(
        "ttyAMA0 is this machine's console (kernel messages, login); a board there"
    )
    assert found.commands == (
        "sudo systemctl disable --now serial-getty@ttyAMA0.service",
        "sudo sed -i -E 's/console=(ttyAMA0|serial[0-9])[^ \"]* ?//' /boot/firmware/cmdline.txt",
        "sudo reboot",
    )


@pytest.mark.parametrize("file", ["proc/cmdline", "boot/cmdline.txt", "boot/firmware/cmdline.txt"])
def test_a_console_is_found_wherever_it_is_said(file: str, uart: Patient) -> None:
    uart.write(file, "console=serial0,115200\n")

    uart.finding("serial-console", Severity.ERROR)


@pytest.mark.parametrize(
    "link", [GETTY, "run/systemd/generator/getty.target.wants/serial-getty@ttyAMA0.service"]
)
def test_a_login_is_found_wherever_it_is_enabled(link: str, uart: Patient) -> None:
    uart.write(link)
    for made in (uart.root / "run").iterdir():
        os.utime(made, (NOW_S, NOW_S))

    assert "(login)" in uart.finding("serial-console", Severity.ERROR).sentence


def test_a_login_that_runs_is_found(uart: Patient) -> None:
    uart.process(7, ["/sbin/agetty", "--keep-baud", "115200,57600", "ttyAMA0", "vt220"], name="agetty")

    found = uart.finding("serial-console", Severity.ERROR)

    assert "sudo systemctl disable --now serial-getty@ttyAMA0.service" in found.commands


def test_a_console_on_another_port_is_a_note(patient: Patient) -> None:
    patient.write("proc/cmdline", "console=ttyAMA0,115200\n")

    found = patient.finding("serial-console", Severity.NOTE)

    assert found.sentence.endswith("no port for a robot")
    assert "/etc/default/grub && sudo update-grub" in found.commands[0]


def test_a_raspberry_pi_has_a_command_of_its_own_for_that(uart: Patient) -> None:
    uart.write(GETTY)
    uart.write("usr/bin/raspi-config")

    found = uart.finding("serial-console", Severity.ERROR)

    assert found.commands == ("sudo raspi-config nonint do_serial_cons 1", "sudo reboot")


def test_modem_manager_is_kept_away_from_boards(patient: Patient) -> None:
    patient.process(9, ["/usr/sbin/ModemManager"], name="ModemManager")

    found = patient.finding("modem-manager", Severity.WARNING)

    assert found.commands == ("sudo robotd service install", "sudo systemctl disable --now ModemManager")


@pytest.mark.parametrize("folder", ["etc", "usr/lib"])
def test_modem_manager_may_run_where_our_rules_are(folder: str, patient: Patient) -> None:
    patient.process(9, ["/usr/sbin/ModemManager"], name="ModemManager")
    patient.write(f"{folder}/udev/rules.d/60-robotd.rules")

    assert patient.findings() == []


BRAILLE = "udev/rules.d/85-brltty.rules"
RULE = 'ENV{PRODUCT}=="1a86/7523/*", ENV{BRLTTY_BRAILLE_DRIVER}="bm", GOTO="brltty_usb_run"\n'


def test_a_program_that_takes_adapters_for_braille_displays_is_switched_off(patient: Patient) -> None:
    patient.write(f"usr/lib/{BRAILLE}", f'#ENV{{PRODUCT}}=="403/6001/*", GOTO="brltty_usb_run"\n{RULE}')

    found = patient.finding("brltty", Severity.WARNING)

    assert "adapters with a CH340 for braille displays" in found.sentence
    assert found.commands[0] == "sudo ln -s /dev/null /etc/udev/rules.d/85-brltty.rules"


def test_one_whose_rule_is_switched_off_takes_nothing(patient: Patient) -> None:
    patient.write(f"usr/lib/{BRAILLE}", RULE)
    patient.link(f"etc/{BRAILLE}", "/dev/null")

    assert patient.findings() == []


def test_an_adapter_that_waits_is_told_the_latency(patient: Patient) -> None:
    patient.write(BUS, "16\n")

    found = patient.finding("latency-timer", Severity.WARNING)

    assert "ttyUSB0 keeps each answer for 16 ms" in found.sentence
    assert found.commands[0] == f"echo 1 | sudo tee /{BUS}"


@pytest.mark.parametrize("text", ["1\n", "", "?\n"])
def test_an_adapter_that_does_not_wait_or_does_not_say_is_fine(text: str, patient: Patient) -> None:
    patient.write(BUS, text)

    assert patient.findings() == []


@pytest.mark.parametrize("delay", ["2000\n", "0\n", ""])
def test_a_port_that_may_fall_asleep_is_kept_awake(delay: str, patient: Patient) -> None:
    patient.write("sys/devices/usb1/ttyACM0/power/control", "auto\n")
    patient.write("sys/devices/usb1/ttyACM0/power/autosuspend_delay_ms", delay)

    found = patient.finding("usb-autosuspend", Severity.WARNING)

    assert "usb-Arduino_Uno-if00 may be put to sleep" in found.sentence
    assert found.commands == ("echo on | sudo tee /sys/devices/usb1/ttyACM0/power/control",)


def test_a_port_whose_sleep_is_put_off_for_ever_is_awake(patient: Patient) -> None:
    patient.write("sys/devices/usb1/ttyACM0/power/control", "auto\n")
    patient.write("sys/devices/usb1/ttyACM0/power/autosuspend_delay_ms", "-1\n")

    assert patient.findings() == []


def test_a_group_without_a_name_is_told_by_its_number(patient: Patient) -> None:
    patient.user = User("bob", STRANGER, frozenset())
    patient.write("etc/group", "")

    assert patient.findings()[0].commands == (f"sudo usermod -aG {DIALOUT} bob",)
