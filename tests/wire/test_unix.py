import asyncio
import fcntl
import json
import os
import socket
import stat
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from robotd.core.limits import Limits
from robotd.wire.admission import Admission
from robotd.wire.listen import CannotListen
from robotd.wire.unix import listen_unix, serve_unix, socket_path
from tests.wire.still_robot import StillRobot


def serve(path: Path, robot: StillRobot | None = None) -> AbstractAsyncContextManager[str]:
    robot = robot or StillRobot()
    return serve_unix(robot, str(path), admission=Admission(robot.limits))


async def test_a_program_on_the_robot_talks_over_a_file(tmp_path):
    robot = StillRobot()
    async with serve(tmp_path / "robotd.sock", robot) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"stop\n")
        answer = json.loads(await reader.readline())
        writer.close()

    assert answer["latch_id"] == "latch-1"
    assert [by for _, by in robot.stops] == [f"unix:{os.getuid()}:{os.getpid()}"]


async def test_only_user_and_group_may_connect_and_nothing_is_left_behind(tmp_path):
    async with serve(tmp_path / "robotd.sock") as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660

    assert list(tmp_path.iterdir()) == []


async def test_the_connections_of_one_user_are_counted(tmp_path):
    async with serve(tmp_path / "robotd.sock", StillRobot(Limits(connections_per_address=1))) as path:
        _, first = await asyncio.open_unix_connection(path)
        reader, second = await asyncio.open_unix_connection(path)
        refused = json.loads(await reader.readline())
        first.close()
        second.close()

    assert refused["error"]["data"]["reason"] == "busy"


async def test_a_second_daemon_is_told_who_is_there_and_takes_nothing_away(tmp_path):
    async with serve(tmp_path / "robotd.sock") as path:
        with pytest.raises(CannotListen, match=rf"in use by process {os.getpid()} \("):
            listen_unix(Path(path))
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"status\n")
        assert json.loads(await reader.readline())["robot"] == "still"
        writer.close()


def test_a_socket_on_which_nobody_answers_is_replaced(tmp_path):
    path = tmp_path / "robotd.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    listen_unix(path).close()
    listen_unix(path).close()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_socket_is_left_alone(tmp_path, make):
    path = tmp_path / "robotd.sock"
    make(path)
    with pytest.raises(CannotListen, match="is no socket"):
        listen_unix(path)

    assert os.path.lexists(path)


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(CannotListen, match=r"cannot listen at .*No such file or directory"):
        listen_unix(tmp_path / "nowhere" / "robotd.sock")


def test_a_daemon_that_is_very_busy_is_still_there(tmp_path):
    path = tmp_path / "robotd.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(CannotListen, match="very busy"):
            listen_unix(path)


def test_two_daemons_that_start_at_once_do_not_take_each_other_for_stale(tmp_path):
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        with pytest.raises(CannotListen, match="another daemon is starting"):
            listen_unix(tmp_path / "robotd.sock")
    finally:
        os.close(other)


async def test_a_server_leaves_the_socket_of_its_successor(tmp_path):
    async with serve(tmp_path / "robotd.sock") as path:
        os.unlink(path)
        successor = listen_unix(Path(path))

    assert list(tmp_path.iterdir()) == [tmp_path / "robotd.sock"]
    successor.close()


# -- where it is --------------------------------------------------------------------------------------


def test_an_absolute_name_is_the_place_itself():
    assert socket_path("/run/other/robot.sock", {"RUNTIME_DIRECTORY": "/run/robotd"}) == Path(
        "/run/other/robot.sock"
    )


def test_systemd_says_the_place_and_the_first_of_several_counts(tmp_path):
    environ = {"RUNTIME_DIRECTORY": f"{tmp_path}:/run/second", "XDG_RUNTIME_DIR": "/run/user/0"}

    assert socket_path("robotd.sock", environ) == tmp_path / "robotd.sock"


def test_without_systemd_it_is_in_the_folder_of_the_user(tmp_path):
    path = socket_path("robotd.sock", {"XDG_RUNTIME_DIR": str(tmp_path)})

    assert path == tmp_path / "robotd" / "robotd.sock"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert socket_path("robotd.sock", {"XDG_RUNTIME_DIR": str(tmp_path)}) == path


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"robotd-{os.getuid()}"


def test_without_either_it_is_in_a_folder_that_only_this_user_may_enter(temporary_files):
    assert socket_path("robotd.sock", {}) == temporary_files / "robotd.sock"
    assert stat.S_IMODE(temporary_files.stat().st_mode) == 0o700


def test_a_folder_that_others_may_enter_is_not_used(temporary_files):
    temporary_files.mkdir()
    temporary_files.chmod(0o755)

    with pytest.raises(CannotListen, match="only this user may enter"):
        socket_path("robotd.sock", {})


def test_a_folder_that_leads_elsewhere_is_not_used(temporary_files, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    temporary_files.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(CannotListen, match="only this user may enter"):
        socket_path("robotd.sock", {})
