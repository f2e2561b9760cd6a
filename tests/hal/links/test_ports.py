import errno
import os

import pytest

from hal.errors import LinkError
from hal.links.ports import PortInfo, explain, find_usb, list_ports, usb_folder
from tests.machine import Machine

UNO = PortInfo("/dev/ttyACM0", "/dev/serial/by-id/usb-Arduino_Uno-if00", "2341:0043", "Arduino Uno")
TWIN = PortInfo("/dev/ttyACM1", "/dev/serial/by-id/usb-Arduino_Uno_B-if00", "2341:0043", "Arduino Uno")
GPS = PortInfo("/dev/ttyACM2", None, "1546:01a7", "u-blox 7")
BUILT_IN = PortInfo("/dev/ttyS0", None, None, "")


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path / "machine")


def test_a_usb_port_is_found_by_vendor_and_product():
    assert find_usb("usb:1546:01A7", [BUILT_IN, UNO, GPS]) == "/dev/ttyACM2"


def test_two_ports_of_one_kind_are_told_apart_by_their_stable_names():
    with pytest.raises(LinkError) as refusal:
        find_usb("usb:2341:0043", [UNO, TWIN])

    assert str(refusal.value) == (
        "usb:2341:0043: 2 ports are of that kind; name the one you mean: "
        "/dev/serial/by-id/usb-Arduino_Uno-if00, /dev/serial/by-id/usb-Arduino_Uno_B-if00"
    )


def test_a_usb_port_that_is_missing_is_told_with_those_that_are_there():
    with pytest.raises(LinkError, match=r"no such USB serial port .* there are: 1546:01a7 \(/dev/ttyACM2\)"):
        find_usb("usb:2341:0043", [BUILT_IN, GPS])
    with pytest.raises(LinkError, match="there are: none"):
        find_usb("usb:2341:0043", [BUILT_IN])


@pytest.mark.parametrize("port", ["usb:", "usb:2341", "usb:2341:43", "usb:2341:0043:x", "usb:zzzz:0043"])
def test_a_usb_port_is_written_with_four_hex_digits_each(port: str):
    with pytest.raises(LinkError, match="write usb:VID:PID, four hex digits each"):
        find_usb(port, [UNO])


def test_a_missing_permission_names_the_group_to_join(tmp_path):
    port = tmp_path / "ttyUSB0"
    port.touch()
    port.chmod(0o660)
    os.chown(port, -1, os.getgid())

    sentence = str(explain(str(port), PermissionError(errno.EACCES, "Permission denied")))

    assert "no permission to use it; add yourself to its group with `sudo usermod -aG " in sentence
    assert sentence.endswith(" $USER` and log in again")


def test_a_group_without_a_name_is_told_by_its_number(tmp_path, monkeypatch):
    def unknown(number: int) -> None:
        raise KeyError(number)

    port = tmp_path / "ttyUSB0"
    port.touch()
    port.chmod(0o660)
    monkeypatch.setattr("grp.getgrgid", unknown)

    sentence = str(explain(str(port), PermissionError(errno.EACCES, "Permission denied")))

    assert f"`sudo usermod -aG {port.stat().st_gid} $USER`" in sentence


def test_a_port_without_a_group_that_may_use_it_needs_a_rule(tmp_path):
    port = tmp_path / "ttyUSB0"
    port.touch()
    port.chmod(0o600)

    sentence = str(explain(str(port), PermissionError(errno.EACCES, "Permission denied")))

    assert sentence.endswith("its mode is 0600: a udev rule should give it to a group")


def test_a_holder_that_cannot_be_seen_is_found_with_fuser(tmp_path):
    sentence = str(explain("/dev/ttyNOBODY", OSError(errno.EBUSY, "busy")))

    assert sentence.endswith("`sudo fuser -v /dev/ttyNOBODY` names it, then end it")


def test_a_port_whose_device_does_not_answer_is_pulled_and_put_back():
    assert str(explain("/dev/ttyUSB0", OSError(errno.EIO, "I/O error"))).endswith(
        "pull its plug and put it back"
    )


def test_a_name_without_its_folder_is_told_where_the_port_is():
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory")

    assert "did you mean /dev/null?" in str(explain("null", missing))
    assert "`ls -l /dev/serial/by-id` shows" in str(explain("ttyNOBODY", missing))


@pytest.mark.parametrize("port", ["/dev/null", __file__])
def test_what_is_no_terminal_is_no_serial_port(port: str):
    refused = OSError("Could not configure port: (25, 'Inappropriate ioctl for device')")

    assert "this is not a serial port" in str(explain(port, refused))


def test_any_other_error_is_told_as_it_is():
    assert str(explain("/dev/ttyUSB0", ValueError("odd"))) == "/dev/ttyUSB0: it cannot be opened: odd"


def test_each_port_is_told_with_its_stable_name_and_what_is_plugged_in(machine: Machine):
    uno = machine.usb_port("ttyACM0", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno-if00")
    gps = machine.usb_port("ttyACM1", "1546:01a7", "u-blox 7", interface="GNSS receiver")
    built_in = machine.port("ttyAMA0")

    by_id = str(machine.root / "dev/serial/by-id/usb-Arduino_Uno-if00")
    assert list_ports(machine.root) == [
        PortInfo(uno, by_id, "2341:0043", "Arduino Uno"),
        PortInfo(gps, None, "1546:01a7", "u-blox 7 - GNSS receiver"),
        PortInfo(built_in, None, None, ""),
    ]
    assert [info.name for info in list_ports(machine.root)] == [by_id, gps, built_in]


def test_adapters_that_are_alike_to_udev_go_by_where_they_are_plugged_in(machine: Machine):
    machine.usb_port("ttyUSB0", "1a86:7523", "USB Serial", by_path="pci-0000:00:14.0-usb-0:1:1.0-port0")
    machine.usb_port(
        "ttyUSB1",
        "1a86:7523",
        "USB Serial",
        by_id="usb-1a86_USB_Serial-if00-port0",
        by_path="pci-0000:00:14.0-usb-0:2:1.0-port0",
    )

    folder = f"{machine.root}/dev/serial/by-path"
    assert [(info.by_id, info.name) for info in list_ports(machine.root)] == [
        (None, f"{folder}/pci-0000:00:14.0-usb-0:1:1.0-port0"),
        (None, f"{folder}/pci-0000:00:14.0-usb-0:2:1.0-port0"),
    ]


def test_two_of_a_kind_that_udev_tells_apart_keep_their_names(machine: Machine):
    for number in ("0", "1"):
        machine.usb_port(f"ttyACM{number}", "2341:0043", "Arduino Uno", by_id=f"usb-Uno_{number}-if00")

    assert [info.name.rpartition("/")[2] for info in list_ports(machine.root)] == [
        "usb-Uno_0-if00",
        "usb-Uno_1-if00",
    ]


def test_what_has_no_hardware_or_no_device_is_no_port(machine: Machine):
    machine.port("ttyS1")
    machine.write("sys/class/tty/ttyS1/type", "0\n")
    machine.write("sys/class/tty/tty1/dev", "4:1\n")
    machine.port("ttyS2")
    (machine.root / "dev/ttyS2").unlink()

    assert list_ports(machine.root) == []


def test_without_a_list_of_devices_there_is_no_port(tmp_path):
    assert list_ports(tmp_path) == []


def test_a_port_that_may_not_be_used_says_how_that_is_mended(machine: Machine):
    info = PortInfo(machine.port("ttyAMA0", mode=0o600), None, None, "")

    assert info.mend == "its mode is 0600: a udev rule should give it to a group"


def test_the_usb_device_of_a_port_is_found(machine: Machine):
    uno = machine.usb_port("ttyACM0", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno-if00")
    machine.port("ttyAMA0")

    folder = machine.root / "sys/devices/usb1/ttyACM0"
    assert usb_folder(uno, machine.root) == folder
    assert usb_folder(str(machine.root / "dev/serial/by-id/usb-Arduino_Uno-if00"), machine.root) == folder
    assert usb_folder(str(machine.root / "dev/ttyAMA0"), machine.root) is None
