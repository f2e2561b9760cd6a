"""`robotd journal` on journals of which no robot runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from mcap.reader import make_reader
from typer.testing import CliRunner

from robotd.cli import app, selecting
from robotd.cli.exits import Exit
from robotd.journal.disk import DiskStore
from tests.cli.journals import following, journal, next_row, nobody_home, on_disk
from tests.cli.spoken import said
from tests.journal.history import NOON, History, ann_drives

__all__ = ["journal", "nobody_home"]  # pytest finds fixtures by name

run = CliRunner().invoke
ROBOT = "robot: rover\nmachine:\n"


shown = partial(said, "journal")


def seqs(*words: object) -> list[int]:
    return [json.loads(line)["seq"] for line in shown("tail", "--json", *words).splitlines()]


def complaint(*words: object, code: Exit = Exit.USAGE) -> str:
    done = run(app, ["journal", *map(str, words)])
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    return done.stderr


# -- which journal


def test_the_only_journal_here_needs_no_name(journal: Path) -> None:
    assert len(seqs()) == 12


@pytest.mark.parametrize("part", ["", "journal.db"])
def test_a_journal_goes_by_its_folder_or_its_file(journal: Path, part: str) -> None:
    assert len(seqs("--journal", journal / part)) == 12


def test_a_journal_may_be_named_by_the_environment(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk(journal.parent / "arm", History())
    monkeypatch.setenv("ROBOTD_JOURNAL", str(journal))

    assert len(seqs()) == 12


def test_a_robot_goes_by_its_name_or_its_file(journal: Path, tmp_path: Path) -> None:
    on_disk(journal.parent / "arm", History())
    file = tmp_path / "mine.yaml"
    file.write_text(ROBOT)

    assert len(seqs("--robot", "rover")) == len(seqs("--robot", file)) == 12
    assert len(seqs("--robot", "example:rover")) == 12


def test_of_several_journals_one_must_be_named(journal: Path) -> None:
    other = on_disk(journal.parent / "arm", History())

    said = complaint("tail")

    assert "several journals are here" in said
    assert f"{other}, {journal}" in said


def test_where_no_journal_is_it_says_where_it_looked(nobody_home: Path) -> None:
    assert f"looked in {nobody_home}" in complaint("tail")
    assert str(nobody_home / "rover") in complaint("tail", "--robot", "rover")


def test_the_folder_that_systemd_gives_comes_first(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    history.add("boot", robot="arm", version="0.1.0")
    monkeypatch.setenv("STATE_DIRECTORY", str(on_disk(journal.parent.parent / "service", history)))

    assert seqs() == [1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--journal", "/nowhere"], "there is no /nowhere"),
        (["--robot", "/nowhere.yaml"], "No such file"),
        (["--robot", "example:submarine"], "there is no 'example:submarine'"),
    ],
)
def test_what_is_not_there_is_a_usage_error(words: list[str], said: str) -> None:
    assert said in complaint("tail", *words)


def test_a_file_that_names_no_robot_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("machine: {}\n")

    assert "does not say which robot it is" in complaint("tail", "--robot", file)


def test_an_address_at_which_nobody_answers_is_no_journal(journal: Path) -> None:
    assert "is robotd running there?" in complaint(
        "tail", "--url", "tcp://127.0.0.1:1", code=Exit.CANNOT_CONNECT
    )


def test_what_is_no_journal_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "poem.txt"
    file.write_text("a rose\n")

    assert "line 1 is no row of a journal" in complaint("tail", "--journal", file, code=Exit.FAILED)


@pytest.mark.parametrize("command", ["tail", "stats", "verify"])
def test_a_journal_of_somebody_else_is_told_as_such(
    journal: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be allowed everything

    assert "Permission denied; whoever the robot runs as may read it" in complaint(command, code=Exit.FAILED)


# -- tail and show


def test_a_row_is_local_time_number_kind_and_a_sentence(journal: Path) -> None:
    line = shown("tail", "--seq", "9").rstrip()

    sentence = "drive from ws:ann refused: guard_false (not bumper.active; bumper.active is true)"
    assert line.removeprefix("2026-11-21 ") == f"13:00:00.900  #9       decision  {sentence}"


def test_tail_shows_the_newest_the_oldest_of_them_first(journal: Path) -> None:
    assert seqs("-n", 3) == [10, 11, 12]
    assert seqs("-n", 0) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--kind", "stop", "--kind", "dead"], [10, 11]),
        (["--id", "c1"], [4, 5, 6, 7]),
        (["--trace", "0" * 32], []),
        (["--device", "battery"], [1, 2]),
        (["--seq", "..2"], [1, 2]),
        (["--seq", "11.."], [11, 12]),
        (["--seq", "#3..#4"], [3, 4]),
        (["--since", "2026-11-21 13:00:01.1"], [11, 12]),
        (["--since", "2026-11-21T12:00:01.1Z"], [11, 12]),
        (["--until", "2026-11-21 13:00:00.2"], [1]),
        (["--since", "2026-11-21 13:00:00.5", "--kind", "command"], [8]),
    ],
)
def test_rows_are_chosen_by_number_time_kind_id_and_device(
    journal: Path, words: list[str], expected: list[int]
) -> None:
    assert seqs(*words) == expected


def test_with_a_beginning_tail_shows_all_from_there(nobody_home: Path) -> None:
    history = History()
    for _ in range(50):
        history.add("session", what="opened", source="unix")
    on_disk(nobody_home / "rover", history)

    assert len(seqs()) == 20
    assert len(seqs("--since", "2026-11-21 13:00")) == len(seqs("--seq", "1..")) == 50


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "stp"], "did you mean 'stop'?"),
        (["--kind", "xyzzy"], "the kinds are boot, command"),
        (["--seq", "9..3"], "ends before it begins"),
        (["--seq", "nine"], "is not FROM..TO"),
        (["--since", "noon"], "is no moment"),
        (["--since", "25:00"], "is no time of day"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(journal: Path, words: list[str], said: str) -> None:
    assert said in " ".join(complaint("tail", *words).split())


WINTER = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:59", datetime(2026, 1, 15, 13, 59, tzinfo=UTC)),
        ("9:05:07.25", datetime(2026, 1, 15, 8, 5, 7, 250_000, tzinfo=UTC)),
        ("15:01", datetime(2026, 1, 14, 14, 1, tzinfo=UTC)),
        ("10 min", WINTER - timedelta(minutes=10)),
        ("1.5h ago", WINTER - timedelta(minutes=90)),
        ("2025-07-01 12:00", datetime(2025, 7, 1, 10, 0, tzinfo=UTC)),
        ("2025-07-01T12:00+00:00", datetime(2025, 7, 1, 12, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_meant_as_people_here_say_it(text: str, expected: datetime) -> None:
    assert selecting.moment(text, WINTER) == expected


def test_a_time_of_day_is_that_of_its_own_day_also_over_the_change_to_summer() -> None:
    after_the_change = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 3:30 in Berlin, an hour after 1:30

    assert selecting.moment("1:30", after_the_change) == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_a_row_of_today_needs_no_date_and_of_another_day_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "wall_time", lambda: NOON)

    assert selecting.local_time(selecting.microseconds(NOON)) == "13:00:00.000"
    assert selecting.local_time(selecting.microseconds(WINTER)) == "2026-01-15 15:00:00.000"


def test_show_tells_all_of_a_row(journal: Path) -> None:
    told = shown("show", 9)

    assert "trace   0af7651916cd43dd8448eb211c80319c\n" in told
    assert '"expression": "not bumper.active"' in told


def test_show_takes_several_rows_and_speaks_json(journal: Path) -> None:
    lines = shown("show", 9, 11, "--json").splitlines()

    assert [json.loads(line)["kind"] for line in lines] == ["decision", "stop"]


def test_a_traceback_is_shown_as_it_is(nobody_home: Path) -> None:
    history = History()
    history.add("bug", "m1", action="patrol", error="ValueError()", traceback="Traceback:\n  File x\n")
    on_disk(nobody_home / "rover", history)

    assert "\nTraceback:\n  File x\n" in shown("show", 1)


def test_show_of_a_missing_row_names_the_newest(journal: Path) -> None:
    assert "no row #99; its newest is #12" in complaint("show", 99, code=Exit.FAILED)


def test_what_a_client_said_cannot_steer_the_terminal(nobody_home: Path) -> None:
    history = History()
    history.add("stop", by="ws:\x1b[2Jann", reason="\x07")
    on_disk(nobody_home / "rover", history)

    assert not {"\x1b", "\x07"} & set(shown("tail") + shown("show", 1))


# -- following


def next_seq(process: subprocess.Popen[str]) -> Any:
    return next_row(process)["seq"]


def test_tail_follows_what_is_written_also_over_rotation_and_a_new_start(journal: Path) -> None:
    history = History()
    ann_drives(history)
    more = [history.add("stop", by="unix", reason="r" * 3000) for _ in range(200)]

    with following("--journal", str(journal), "-n", "1", "--kind", "stop", "--kind", "shutdown") as tail:
        told = [next_seq(tail)]
        store, _ = DiskStore.open(journal, now_wall=0, limit_bytes=2**16)
        store.commit(more[:1])
        told.append(next_seq(tail))
        store.commit(more[1:])
        told += [next_seq(tail) for _ in more[1:]]
        store.trim(more[150].seq)
        store.close()
        oldest = seqs("--seq", "1..")[0]
        with (journal / "journal.db").open("r+b") as damaged:
            damaged.write(bytes(100))
        store, beginning = DiskStore.open(journal, now_wall=0)
        store.commit([history.add("shutdown", why="SIGTERM")])
        told.append(next_seq(tail))
        store.close()

    assert oldest > 12
    assert beginning.found_broken is not None
    assert told == [11, *(row.seq for row in more), more[-1].seq + 1]


def test_an_export_cannot_be_followed(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "rover.jsonl"
    shown("export", "-o", file)

    assert "nothing is added" in complaint("tail", "-f", "--journal", file)


# -- export


def test_an_export_in_json_lines_is_a_journal_again(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "rover.jsonl"

    assert shown("export", "-o", file) == ""
    assert shown("tail", "--json", "--journal", file) == shown("tail", "--json")
    assert json.loads(shown("verify", "--json", "--journal", file))["ok"]


def test_an_export_goes_to_standard_output_where_no_file_is_named(journal: Path) -> None:
    lines = shown("export", "--kind", "stop").splitlines()

    assert [json.loads(line)["seq"] for line in lines] == [11]


def test_an_export_as_mcap_goes_by_the_name_of_its_file(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "rover.mcap"

    shown("export", "-o", file, "--seq", "1..10")

    with file.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    assert "/stage" in {channel.topic for channel in summary.channels.values()}


def test_without_the_extra_it_says_what_to_install(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "robotd.journal.mcap", raising=False)
    monkeypatch.setitem(sys.modules, "mcap.writer", None)

    said = complaint("export", "-o", tmp_path / "rover.mcap", code=Exit.FAILED)

    assert 'pip install "robotd[record]"' in said


def test_mcap_needs_the_name_of_a_file() -> None:
    assert "an MCAP file needs a name" in complaint("export", "--format", "mcap")


def test_a_file_that_cannot_be_written_is_told(journal: Path, tmp_path: Path) -> None:
    said = complaint("export", "-o", tmp_path / "nowhere" / "rover.jsonl", code=Exit.FAILED)

    assert "cannot be written: No such file or directory" in said


def test_a_standard_output_that_is_full_is_told(journal: Path) -> None:
    words = [sys.executable, "-m", "robotd", "journal", "export"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)

    assert done.returncode == Exit.FAILED
    assert "standard output cannot be written: No space left on device" in done.stderr


def test_an_export_that_fails_leaves_the_old_file_in_its_place(journal: Path, tmp_path: Path) -> None:
    exported = tmp_path / "damaged.jsonl"
    shown("export", "-o", exported)
    with exported.open("a") as file:
        file.write("{}\n")
    target = tmp_path / "rover.jsonl"
    target.write_text("as it was")

    said = complaint("export", "--journal", exported, "-o", target, code=Exit.FAILED)

    assert "is no row of a journal" in said
    assert target.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["damaged.jsonl", "rover.jsonl"]


def test_a_reader_that_goes_away_ends_an_export_quietly(journal: Path) -> None:
    words = [sys.executable, "-m", "robotd", "journal", "export"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == ""


# -- verify, stats, acknowledge


def test_a_whole_journal_is_ok(journal: Path) -> None:
    assert shown("verify") == "ok  12 rows, 1 to 12, of 1 boots\n"


def test_a_changed_row_is_a_fault_and_ends_with_1(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "forged.jsonl"
    file.write_text(shown("export").replace("somebody on the track", "nobody on the track"))

    done = run(app, ["journal", "verify", "--journal", str(file), "--json"])

    verdict = json.loads(done.stdout)
    assert (done.exit_code, verdict["ok"]) == (Exit.FAILED, False)
    assert verdict["faults"] == [{"seq": 11, "sentence": "row 11 is damaged"}]
    assert "1 fault  12 rows" in run(app, ["journal", "verify", "--journal", str(file)]).stdout


def test_what_cannot_even_be_opened_is_a_fault(journal: Path) -> None:
    (journal / "journal.db").write_bytes(b"no database " * 100)

    done = run(app, ["journal", "verify", "--json"])

    assert done.exit_code == Exit.FAILED
    assert json.loads(done.stdout)["faults_count"] == 1


def test_a_damaged_row_is_no_json_but_still_a_line_for_people(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History()
    row = history.add("stop", by="unix")._replace(body=b'{"by":')
    folder = on_disk(journal.parent / "damaged")
    store, _ = DiskStore.open(folder, now_wall=0)
    store.commit([row])
    store.close()

    assert "not to be understood" in shown("tail", "--journal", folder)
    assert "damaged" in shown("show", 1, "--journal", folder)
    assert "row 1 is damaged" in complaint("tail", "--json", "--journal", folder, code=Exit.FAILED)


def test_stats_count_for_people_and_for_scripts(journal: Path) -> None:
    counted = json.loads(shown("stats", "--json"))

    assert (counted["rows"], counted["kinds"]["decision"]) == (12, 3)
    assert counted["size_bytes"] >= 16_384
    assert "rejected         guard_false   1" in shown("stats")


def test_an_empty_journal_has_nothing_to_count(nobody_home: Path) -> None:
    on_disk(nobody_home / "rover", History())

    assert "0 rows" in shown("stats")
    assert shown("tail") == ""
    assert shown("verify").startswith("ok  0 rows")


def test_what_was_found_broken_is_named_until_a_person_knows(journal: Path) -> None:
    with (journal / "journal.db").open("r+b") as damaged:
        damaged.write(bytes(100))
    store, _ = DiskStore.open(journal, now_wall=0)
    store.close()

    assert "robotd journal acknowledge" in shown("verify")
    assert "say --yes" in complaint("acknowledge")
    assert shown("acknowledge", "--yes") == "acknowledged: 1\n"
    assert "quarantine" not in shown("verify")
    assert json.loads(shown("acknowledge", "--json")) == {"acknowledged": []}


def test_numbers_are_a_beginning_and_an_end() -> None:
    assert [selecting.numbers(text) for text in ("8..9", "8..", "..9", "8", "#8")] == [
        (8, 9),
        (8, None),
        (0, 9),
        (8, 8),
        (8, 8),
    ]
    with pytest.raises(typer.BadParameter):
        selecting.numbers("..")
