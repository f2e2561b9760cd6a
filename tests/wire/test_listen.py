import os
import socket

import pytest

from robotd.wire.listen import CannotListen, listen_tcp, process_name, stay_here


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.10"])
def test_port_0_picks_a_free_one(host):
    with listen_tcp(host, 0) as first, listen_tcp(host, 0) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_it_listens_on_the_loopback_of_ipv6(host):
    try:
        listener = listen_tcp(host, 0)
    except CannotListen as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with listener:
        assert listener.family is socket.AF_INET6


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "2001:db8::1"])
def test_an_address_that_others_reach_is_refused_with_the_way_around(host):
    with pytest.raises(CannotListen, match=r"anybody there could drive this robot; .* ssh -L"):
        stay_here(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost"])
def test_an_address_of_this_machine_alone_needs_no_guard(host):
    stay_here(host)


@pytest.mark.parametrize("host", ["", "robot.local", "127.0.0.1.example.org", "127.1"])
def test_a_name_is_no_address(host):
    with pytest.raises(CannotListen, match="is no IP address"):
        listen_tcp(host, 0)


def test_a_port_in_use_is_refused_with_its_holder():
    with listen_tcp("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127.0.0.1:{port} is in use by process {os.getpid()} \("):
            listen_tcp("127.0.0.1", port)


def test_a_holder_that_the_system_does_not_tell_is_another_program():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(CannotListen, match="is in use by another program"):
            listen_tcp("127.0.0.1", silent.getsockname()[1])


def test_a_port_that_may_not_be_used_is_said_in_a_sentence(monkeypatch):
    def forbid(listener: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")  # as for anybody but root below port 1,024

    monkeypatch.setattr(socket.socket, "bind", forbid)
    with pytest.raises(CannotListen, match=r"cannot listen at 127\.0\.0\.1:80: Permission denied"):
        listen_tcp("127.0.0.1", 80)


def test_a_process_that_is_gone_is_named_by_its_number():
    assert process_name(2**22 + 1) == "process 4194305"
