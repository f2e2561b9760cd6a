"""Where clients come in, and what they may use."""

import pytest

from robotd.config import Address, Listen
from robotd.core.limits import Limits
from tests.config.robots import Bench


def listen(bench: Bench, text: str) -> Listen:
    bench.text += f"listen: {text}\n"
    return bench.load().listen


def test_without_a_word_all_three_are_open_at_their_defaults(bench: Bench):
    assert bench.load().listen == Listen(
        Address("127.0.0.1", 8080), Address("127.0.0.1", 8081), "robotd.sock"
    )


@pytest.mark.parametrize("off", ["off", "null", "", "~"])
def test_off_or_nothing_closes_one(bench: Bench, off):
    assert listen(bench, f"{{tcp: {off}, websocket: localhost:0}}") == Listen(
        Address("localhost", 0), None, "robotd.sock"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", Address("127.0.0.1", 9000)),
        ("127.8.9.1:1", Address("127.8.9.1", 1)),
        ("localhost:65535", Address("localhost", 65535)),
        ("'[::1]:8080'", Address("::1", 8080)),
    ],
)
def test_loopback_addresses_are_taken(bench: Bench, text, address):
    assert listen(bench, f"{{tcp: {text}}}").tcp == address


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.7", "'[::]", "robot.local", "example.com", "10.0.0.1", "127.1"]
)
def test_a_bind_beyond_loopback_is_refused_and_says_why(bench: Bench, host):
    quote = "'" if host.startswith("'") else ""
    bench.text += f"listen: {{websocket: {host}:8080{quote}}}\n"

    sentence, pointed, hint = bench.pointed()
    assert "can be reached from other machines, and without tokens and TLS they could all drive" in sentence
    assert pointed.startswith(host)
    assert hint == (
        "say access: {tokens: ..., certificate: ..., key: ...}, or listen at 127.0.0.1:8080 and let clients "
        "come through 'ssh -L 8080:127.0.0.1:8080 robot'"
    )


GUARDED = "access: {tokens: tokens.json, certificate: robot.crt, key: robot.key}\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::"])
def test_with_tokens_and_tls_other_machines_may_come(bench: Bench, host):
    bench.text += GUARDED
    address = f"'[{host}]:8080'" if ":" in host else f"{host}:8080"

    assert listen(bench, f"{{tcp: {address}}}").tcp == Address(host, 8080)


@pytest.mark.parametrize(
    "access", ["{tokens: tokens.json}", "{certificate: robot.crt, key: robot.key}", "{users: {alice: admin}}"]
)
def test_one_of_both_is_not_enough(bench: Bench, access):
    bench.text += f"access: {access}\nlisten: {{tcp: 0.0.0.0:8081}}\n"

    assert "can be reached from other machines" in bench.pointed()[0]


@pytest.mark.parametrize("host", ["robot.local", "127.1"])
def test_a_name_is_no_address_to_listen_at(bench: Bench, host):
    bench.text += f"{GUARDED}listen: {{tcp: {host}:8081}}\n"

    assert bench.pointed()[0] == f"'{host}' is no IP address"


NO_ADDRESSES = [
    "127.0.0.1",
    "8080",
    ":8080",
    "a:",
    "127.0.0.1:http",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "a:²",
    "on",
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_pointed_at(bench: Bench, text):
    bench.text += f"listen: {{tcp: '{text}'}}\n"

    assert bench.pointed()[0] == "an address is due here: host:port"


def test_two_ways_in_cannot_share_an_address(bench: Bench):
    bench.text += "listen: {tcp: 127.0.0.1:8080}\n"

    assert bench.pointed()[:2] == ("websocket and tcp both listen at 127.0.0.1:8080", "127.0.0.1:8080}")


def test_two_ways_in_may_both_let_the_system_choose(bench: Bench):
    assert listen(bench, "{tcp: 127.0.0.1:0, websocket: 127.0.0.1:0}").tcp == Address("127.0.0.1", 0)


@pytest.mark.parametrize("text", ["3", "''", "[a]", "x" * 108])
def test_what_is_no_socket_name_is_pointed_at(bench: Bench, text):
    bench.text += f"listen: {{unix: {text}}}\n"

    assert bench.pointed()[0].startswith("the name of a socket is due here")


def test_an_unknown_way_in_is_pointed_at(bench: Bench):
    bench.text += "listen: {udp: 127.0.0.1:1}\n"

    assert bench.pointed()[0] == "unknown key 'udp'"


def test_an_address_is_written_as_it_was_read():
    assert [str(Address("127.0.0.1", 1)), str(Address("::1", 2))] == ["127.0.0.1:1", "[::1]:2"]


# --- limits


def test_limits_have_defaults_and_may_be_changed_one_by_one(bench: Bench):
    bench.text += "limits: {connections: 5, ping: 500 ms, rate_per_s: 1e4, burst: 7}\n"

    assert bench.load().limits == Limits(connections=5, ping_s=0.5, rate_per_s=10_000.0, burst=7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{conections: 1}", "unknown key 'conections'"),
        ("{ping_s: 1}", "unknown key 'ping_s'"),
        ("{ping: 1}", "1 needs a unit, for example '200 ms'"),
        ("{ping: 0 s}", "'0 s' must be more than zero"),
        ("{burst: 0}", "this should be greater than or equal to 1"),
        ("{burst: 1.5}", "a whole number is due here, not the number 1.5"),
        ("{rate_per_s: .inf}", "a finite number is due here, not .inf"),
        ("{rate_per_s: .nan}", "a finite number is due here, not .nan"),
        ("{rate_per_s: -1}", "this should be greater than 0"),
        ("3", "a mapping is due here, not the number 3"),
    ],
)
def test_a_limit_that_is_none_is_pointed_at(bench: Bench, text, sentence):
    bench.text += f"limits: {text}\n"

    assert bench.fault().sentence == sentence


def test_hosts_and_origins_are_lists_of_text(bench: Bench):
    bench.text += "hosts: [rover.local]\norigins: ['http://rover.local']\n"

    config = bench.load()

    assert (config.hosts, config.origins) == (("rover.local",), ("http://rover.local",))
