import os

import pytest

from hal.links.holders import COMMAND_LENGTH, Holder, find_holders
from tests.machine import Machine


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path / "machine")


def test_the_holder_of_a_file_is_found_through_a_link_to_it(tmp_path):
    file, link = tmp_path / "port", tmp_path / "by-id"
    file.touch()
    link.symlink_to(file)
    with file.open():
        holders = find_holders(str(link))

    assert [holder.pid for holder in holders] == [os.getpid()]
    assert str(holders[0]) == f"this process (pid {os.getpid()})"
    assert find_holders(str(link)) == ()


def test_a_holder_is_told_by_its_command_without_the_folders_of_its_program(machine: Machine):
    port = machine.port("ttyAMA0")
    words = ["/opt/robotd/bin/python3", "/opt/robotd/bin/robotd", "run", "/etc/robotd/robot.yaml"]
    machine.process(41, words, opened=["/dev/null", port])
    machine.process(40, ["minicom", "x" * 99], opened=[port])
    machine.process(42, ["bash"], opened=["/dev/null"])

    guard = "/home/ada/.venv/lib/python3.11/site-packages/robotd/safety/guard.py"
    machine.process(43, ["/usr/bin/python3.11", "-I", "-S", guard, "7", "8"], opened=[port])

    minicom, robotd, watching = find_holders(port, machine.root)
    assert str(robotd) == "python3 robotd run /etc/robotd/robot.yaml (pid 41)"
    assert str(watching) == "python3.11 -I -S guard.py 7 8 (pid 43)"
    assert len(minicom.command) == COMMAND_LENGTH


def test_a_process_of_another_user_is_found_by_its_lock(machine: Machine):
    port, other = machine.port("ttyAMA0"), machine.port("ttyAMA1")
    machine.process(41, ["robotd", "run"], opened=[])
    machine.lock(41, port)

    assert find_holders(port, machine.root) == (Holder(41, "robotd run"),)
    assert find_holders(other, machine.root) == ()


def test_one_that_ends_meanwhile_or_hides_its_name_is_a_process(machine: Machine):
    port = machine.port("ttyAMA0")
    machine.lock(43, port)
    machine.write("proc/44/comm", "gone\n")

    assert find_holders(port, machine.root) == (Holder(43, "a process"),)


def test_a_port_that_is_not_there_is_held_by_nobody(machine: Machine):
    assert find_holders("/dev/ttyNOBODY", machine.root) == ()


def test_locks_of_other_files_and_other_lines_are_passed_over(machine: Machine):
    port = machine.port("ttyAMA0")
    machine.write("proc/locks", "1: FLOCK\nnonsense\n2: OFDLCK ADVISORY  READ -1 00:05:9 0 EOF\n")

    assert find_holders(port, machine.root) == ()


def test_where_nothing_is_known_of_processes_nobody_holds_it(tmp_path):
    assert find_holders(str(tmp_path / "ttyS0"), tmp_path) == ()
