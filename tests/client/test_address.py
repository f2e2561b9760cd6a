from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from robotd.client import default_url
from robotd.client.address import DEFAULT_URL, Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://127.0.0.1:8081", Address("tcp", "127.0.0.1", 8081)),
        ("tcp://robot.local", Address("tcp", "robot.local", 8081)),
        ("tcp://[::1]:9", Address("tcp", "::1", 9)),
        ("ws://localhost:8080/ws", Address("ws", "localhost", 8080, "/ws")),
        ("ws://localhost", Address("ws", "localhost", 8080, "/ws")),
        ("wss://robot.example:443/ws", Address("wss", "robot.example", 443, "/ws")),
        ("unix:///run/robotd/robotd.sock", Address("unix", path="/run/robotd/robotd.sock")),
    ],
)
def test_an_address_is_taken_apart(url: str, address: Address):
    assert parse_address(url) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8081",
        "http://localhost",
        "tcp://",
        "tcp://host:port",
        "tcp://host:99999",
        "unix://",
        "unix://name",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(url: str):
    with pytest.raises(ValueError, match=r"://|port"):
        parse_address(url)


def socket_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    return path


def test_a_daemon_is_found_in_the_runtime_folder_before_the_users(tmp_path: Path):
    environ = {"RUNTIME_DIRECTORY": str(tmp_path / "service"), "XDG_RUNTIME_DIR": str(tmp_path / "user")}
    users = socket_at(tmp_path / "user" / "robotd" / "robotd.sock")
    found_before = default_url(environ)
    services = socket_at(tmp_path / "service" / "robotd.sock")

    assert found_before == f"unix://{users}"
    assert default_url(environ) == f"unix://{services}"


def test_a_plain_file_in_the_place_of_a_socket_is_not_taken_for_one(tmp_path: Path):
    (tmp_path / "robotd.sock").touch()

    assert str(tmp_path) not in default_url({"RUNTIME_DIRECTORY": str(tmp_path)})


def test_without_a_socket_the_default_is_tcp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("robotd.client.address.SERVICE_FOLDER", tmp_path)

    assert default_url({}) == DEFAULT_URL
    assert os.listdir(tmp_path) == []
