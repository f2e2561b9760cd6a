"""A verb's files lie in the folder of the robot's file, whatever they are called."""

from pathlib import Path

import pytest

from hal.device.files import NotWithin, path_within, read_within, require_writable, write_within


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    robot = tmp_path / "robot"
    (robot / "jobs").mkdir(parents=True)
    (robot / "jobs" / "a.nc").write_bytes(b"\xef\xbb\xbfG21\n")
    (tmp_path / "secret.nc").write_text("G0")
    (robot / "link.nc").symlink_to(tmp_path / "secret.nc")
    return robot


def test_a_file_below_the_folder_is_read_without_its_byte_order_mark(folder: Path) -> None:
    assert read_within(folder, "jobs/a.nc", 100) == "G21\n"
    assert read_within(folder, "jobs/../jobs/a.nc", 100) == "G21\n"
    assert path_within(folder, "new.csv") == folder / "new.csv"


@pytest.mark.parametrize(
    "name", ["../secret.nc", "link.nc", "/etc/hostname", "jobs/../../secret.nc", "", ".", "a\x00b"]
)
def test_what_lies_elsewhere_is_refused_links_too(folder: Path, name: str) -> None:
    with pytest.raises(NotWithin):
        path_within(folder, name)


@pytest.mark.parametrize(("name", "why"), [("none.nc", "No such file"), ("jobs", "directory")])
def test_what_cannot_be_read_is_told_with_its_reason(folder: Path, name: str, why: str) -> None:
    with pytest.raises(NotWithin, match=why):
        read_within(folder, name, 100)


def test_what_is_too_long_or_no_text_is_refused(folder: Path) -> None:
    (folder / "raw.nc").write_bytes(b"\xff\xfe")
    with pytest.raises(NotWithin, match="no text"):
        read_within(folder, "raw.nc", 100)
    with pytest.raises(NotWithin, match="longer than 3 bytes"):
        read_within(folder, "jobs/a.nc", 3)


def test_a_file_is_replaced_once_the_new_one_is_whole(folder: Path) -> None:
    write_within(folder, "wave.csv", "before\n")
    write_within(folder, "wave.csv", "after\n")

    assert (folder / "wave.csv").read_text() == "after\n"
    assert sorted(path.name for path in folder.iterdir()) == ["jobs", "link.nc", "wave.csv"]


def test_that_a_file_can_be_written_is_known_before_it_is(folder: Path) -> None:
    (folder / "wave.csv").write_text("before\n")

    require_writable(folder, "wave.csv")
    require_writable(folder, "jobs/new.csv")
    for name, why in (("jobs", "Is a directory"), ("none/new.csv", "No such file"), ("../a.csv", "not lie")):
        with pytest.raises(NotWithin, match=why):
            require_writable(folder, name)

    assert (folder / "wave.csv").read_text() == "before\n"
    assert sorted(path.name for path in folder.rglob("*")) == ["a.nc", "jobs", "link.nc", "wave.csv"]


def test_what_cannot_be_written_leaves_what_was_there(folder: Path) -> None:
    write_within(folder, "wave.csv", "before\n")
    (folder / ".wave.csv.part").mkdir()

    with pytest.raises(NotWithin, match=r"'wave\.csv' cannot be written: Is a directory; its folder is"):
        write_within(folder, "wave.csv", "after\n")
    with pytest.raises(NotWithin, match="'jobs' cannot be written: Is a directory"):
        write_within(folder, "jobs", "after\n")

    assert (folder / "wave.csv").read_text() == "before\n"
    assert sorted(path.name for path in folder.iterdir()) == [".wave.csv.part", "jobs", "link.nc", "wave.csv"]


def test_without_a_folder_there_are_no_files() -> None:
    with pytest.raises(NotWithin, match="no folder"):
        path_within(None, "a.nc")
