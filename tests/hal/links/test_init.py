import pytest

from hal.errors import LinkError
from hal.links import open_link
from hal.links.ports import list_ports
from hal.links.serial import SerialLink
from hal.links.tcp import TcpLink


@pytest.mark.parametrize(
    "port", ["/dev/ttyACM0", "usb:2341:0043", "arduino", "/dev/serial/by-id/usb-Uno-if00"]
)
def test_a_path_or_a_usb_port_is_a_serial_link(port: str):
    link = open_link(port, 57600)

    assert isinstance(link, SerialLink)
    assert (link.name, link.baud) == (port, 57600)


@pytest.mark.parametrize("port", ["tcp://192.0.2.1:5000", "tcp://board.local:23", "tcp://[::1]:5000"])
def test_a_tcp_address_is_a_tcp_link_of_that_name(port: str):
    link = open_link(port, 57600)

    assert isinstance(link, TcpLink)
    assert link.name == port


@pytest.mark.parametrize(
    "port",
    [
        "tcp://",
        "tcp://host",
        "tcp://:5000",
        "tcp://host:0",
        "tcp://host:99999",
        "tcp://host:x",
        "tcp://a:1/b",
    ],
)
def test_a_broken_tcp_address_is_told_with_an_example(port: str):
    with pytest.raises(LinkError, match="is no TCP port: write tcp://host:port, for example"):
        open_link(port, 57600)


@pytest.mark.parametrize("port", ["", "udp://host:5000", "ws://host"])
def test_a_name_that_means_nothing_is_told_with_what_there_is(port: str):
    with pytest.raises(LinkError, match=r"is no port: write /dev/\.\.\., usb:VID:PID or tcp://host:port"):
        open_link(port, 57600)


def test_the_ports_of_this_machine_are_listed_by_name():
    ports = list_ports()

    assert [port.device for port in ports] == sorted(port.device for port in ports)
    assert all(port.permitted in (True, False) and port.holders is not None for port in ports)
