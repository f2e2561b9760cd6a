"""Showing an arm by hand what to do: recorded, kept in a file, and played back within limits."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import DeviceRefused, Halted, OutOfRange
from hal.kinds.recording import LONGEST_S, NotARecording, Point, Recorder, read_table
from tests.counts import cases
from tests.hal.arm import Arm, deg, now, steps, story, value


async def shown(arm: Arm, seconds: float = 1.0) -> None:
    """Somebody takes the first joint up by a radian a second and the second one down by half of that."""
    for _ in range(round(seconds * 50)):
        await asyncio.sleep(0.02)
        arm.shafts["a"].angle_rad += 0.02
        arm.shafts["b"].angle_rad -= 0.01


async def recorded(arm: Arm, seconds: float = 1.0) -> None:
    recording = asyncio.ensure_future(arm.group.record("wave.csv"))
    await shown(arm, seconds)
    arm.group.save()
    await recording


def test_what_was_shown_by_hand_is_played_back_within_the_limits(tmp_path):
    arm = Arm(max_rate="2 rad/s")
    arm.group.folder = tmp_path

    async def body() -> None:
        arm.group.hold()
        await recorded(arm)
        assert value(arm.group, "torque") is True
        assert value(arm.group, "recording") is False
        assert arm.group.at_rest
        arm.shafts["a"].goals.clear()
        await arm.group.move_to({"a": 0.0, "b": 0.0})
        began = now()
        took_s = await arm.group.play("wave.csv")
        assert now() - began == took_s
        assert 0.9 < took_s < 1.3

    story(arm, body)

    assert arm.shafts["a"].angle_rad == pytest.approx(1.0, abs=0.03)
    assert arm.shafts["b"].angle_rad == pytest.approx(-0.5, abs=0.03)
    assert max(steps(arm.shafts["a"])) <= 0.04 + 1e-9
    assert (tmp_path / "wave.csv").read_text().splitlines()[0] == "time_s,a_rad,b_rad,c_rad"


def test_it_is_limp_while_it_records_and_has_torque_where_it_is_then():
    arm = Arm()
    arm.group.drafts = {}

    async def body() -> None:
        arm.group.hold()
        recording = asyncio.ensure_future(arm.group.record("wave.csv"))
        await shown(arm)
        assert value(arm.group, "torque") is False
        assert value(arm.group, "recording") is True
        assert not arm.group.at_rest
        assert arm.group.save() == pytest.approx(1.0, abs=0.03)
        assert await recording == pytest.approx(1.0, abs=0.03)

    story(arm, body)

    assert arm.shaft.told == pytest.approx([0.0, 1.0], abs=0.03)
    assert arm.shaft.switched == [True, False, True]
    assert arm.group.drafts is not None
    assert [*arm.group.drafts] == ["wave.csv"]


def test_a_stop_while_it_records_gives_it_torque_where_it_is_and_keeps_nothing():
    arm = Arm()
    arm.group.drafts = {}

    async def body() -> None:
        recording = asyncio.ensure_future(arm.group.record("wave.csv"))
        await shown(arm)
        assert arm.a.stop_value().torque is True
        arm.group.halt()
        with pytest.raises(Halted):
            await recording
        assert value(arm.group, "torque") is True
        assert value(arm.group, "recording") is False
        with pytest.raises(DeviceRefused, match="it does not record"):
            arm.group.save()

    story(arm, body)

    assert arm.group.drafts == {}
    assert arm.shaft.told == [arm.shaft.angle_rad]


def test_while_nobody_knows_where_a_joint_stands_it_goes_on_recording_and_is_saved_later():
    arm = Arm()
    arm.group.drafts = {}

    async def body() -> None:
        recording = asyncio.ensure_future(arm.group.record("wave.csv"))
        await shown(arm)
        arm.silent.add("c")
        await shown(arm, 0.25)
        with pytest.raises(DeviceRefused, match="where it stands is not known"):
            arm.group.save()
        assert value(arm.group, "recording") is True
        assert value(arm.a, "torque") is False
        arm.silent.clear()
        await shown(arm, 0.1)
        assert arm.group.save() == await recording

    story(arm, body)

    assert [*arm.group.drafts] == ["wave.csv"]


def test_a_recording_ends_by_itself():
    arm = Arm(joints=1)
    arm.group.drafts = {}

    async def body() -> None:
        assert await arm.group.record("long.csv") == pytest.approx(LONGEST_S)

    story(arm, body)


@pytest.mark.parametrize("silent_s", [0.21, 0.4])
def test_one_that_would_end_by_itself_while_a_joint_is_not_known_ends_when_it_is(silent_s: float) -> None:
    arm = Arm(joints=2)
    arm.group.drafts = {}

    async def body() -> None:
        recording = asyncio.ensure_future(arm.group.record("long.csv"))
        await asyncio.sleep(LONGEST_S - 0.2)
        arm.silent.add("b")
        await asyncio.sleep(silent_s)
        arm.silent.clear()
        assert await recording == pytest.approx(LONGEST_S, abs=0.1)

    story(arm, body)

    assert [*arm.group.drafts] == ["long.csv"]


def test_one_that_ended_by_itself_and_cannot_be_written_is_refused(tmp_path: Path) -> None:
    arm = Arm(joints=1)
    arm.group.folder = tmp_path

    async def body() -> None:
        recording = asyncio.ensure_future(arm.group.record("long.csv"))
        await asyncio.sleep(1.0)
        (tmp_path / ".long.csv.part").mkdir()
        with pytest.raises(DeviceRefused, match="cannot be written: Is a directory"):
            await recording
        assert value(arm.a, "torque") is True
        assert value(arm.group, "recording") is False

    story(arm, body)


def test_what_lies_beyond_a_limit_is_recorded_as_the_limit(tmp_path):
    arm = Arm(starts=(deg(89), 0.0, 0.0))
    arm.group.folder = tmp_path

    async def body() -> None:
        await recorded(arm, 0.5)
        await arm.group.play("wave.csv")

    story(arm, body)

    assert arm.shaft.told[-1] == deg(90)


def test_a_faster_playback_is_still_within_the_rates():
    arm = Arm(max_rate="0.5 rad/s")
    arm.group.drafts = {}

    async def body() -> None:
        await recorded(arm)
        await arm.group.play("wave.csv")

    story(arm, body)

    assert max(steps(arm.shaft)[1:]) <= 0.01 + 1e-9


@pytest.mark.parametrize("name", ["../wave.csv", "", "/etc/wave.csv", "no/such/folder/wave.csv"])
def test_a_file_that_cannot_be_is_refused_before_anything_goes_limp(tmp_path, name):
    arm = Arm()
    arm.group.folder = tmp_path

    async def body() -> None:
        arm.group.hold()
        with pytest.raises(DeviceRefused):
            await arm.group.play(name)
        with pytest.raises(DeviceRefused):
            await arm.group.record(name)
        assert arm.group.at_rest

    story(arm, body)

    assert arm.shaft.switched == [True]
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_written_goes_on_recording_and_is_saved_when_it_can(tmp_path: Path) -> None:
    arm = Arm()
    arm.group.folder = tmp_path
    in_the_way = tmp_path / ".wave.csv.part"

    async def body() -> None:
        recording = asyncio.ensure_future(arm.group.record("wave.csv"))
        await shown(arm, 0.5)
        in_the_way.mkdir()
        with pytest.raises(DeviceRefused, match=r"'wave\.csv' cannot be written: Is a directory"):
            arm.group.save()
        assert value(arm.group, "recording") is True
        assert value(arm.a, "torque") is False
        await shown(arm, 0.5)
        in_the_way.rmdir()
        assert arm.group.save() == await recording == pytest.approx(1.0, abs=0.05)

    story(arm, body)

    assert [path.name for path in tmp_path.iterdir()] == ["wave.csv"]


@pytest.mark.parametrize("name", ["arm.yaml", "patrol.py", "wave", "wave.csv/arm.yaml"])
def test_nothing_is_recorded_over_the_files_of_the_robot(tmp_path, name):
    arm = Arm()
    arm.group.folder = tmp_path
    (tmp_path / "arm.yaml").write_text("robot: arm\n")

    async def body() -> None:
        with pytest.raises(DeviceRefused, match=r"is no name for a recording; let it end with \.csv"):
            await arm.group.record(name)
        assert arm.group.at_rest

    story(arm, body)

    assert [path.name for path in tmp_path.iterdir()] == ["arm.yaml"]


def test_a_recording_beyond_a_limit_is_refused_before_anything_moves():
    arm = Arm()
    arm.group.drafts = {"far.csv": "time_s,a_rad,b_rad,c_rad\n0,0,0,0\n1,0,2,0\n"}

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"b: angle 2\.0 is beyond the limit of 1\.5708 rad"):
            await arm.group.play("far.csv")

    story(arm, body)

    assert arm.shaft.told == []


LONG = "time_s,a_rad,b_rad,c_rad\n" + "".join(f"{row / 50},0.1,0,0\n\n" for row in range(2_000))


def test_while_a_long_recording_is_read_others_have_their_turn():
    arm = Arm()
    arm.group.drafts = {"long.csv": LONG}
    turns = 0

    async def body() -> None:
        nonlocal turns
        playing = asyncio.ensure_future(arm.group.play("long.csv"))
        await asyncio.sleep(0)
        while arm.group.at_rest:
            turns += 1
            await asyncio.sleep(0)
        assert await playing >= 39

    story(arm, body)

    assert turns >= 80


@pytest.mark.parametrize(
    "newer",
    [
        lambda group: group.halt(),
        lambda group: group.hold(),
        lambda group: group.jog({"a": 0.1}),
        lambda group: asyncio.ensure_future(group.move_to({"a": 0.0})),
        lambda group: asyncio.ensure_future(group.play("short.csv")),
    ],
)
def test_what_is_told_while_a_recording_is_read_is_newer_than_that(newer):
    arm = Arm()
    arm.group.drafts = {"long.csv": LONG, "short.csv": "time_s,a_rad,b_rad,c_rad\n0,0,0,0\n"}

    async def body() -> None:
        playing = asyncio.ensure_future(arm.group.play("long.csv"))
        for _ in range(3):
            await asyncio.sleep(0)
        newer(arm.group)
        with pytest.raises(Halted, match=r"while it read long\.csv"):
            await playing
        await asyncio.sleep(1.0)

    story(arm, body)

    assert max(arm.shaft.told, default=0.0) < 0.05


rows = st.lists(st.tuples(st.floats(0, 50), st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=20)


@settings(max_examples=cases(1_000), deadline=None)
@given(rows)
def test_what_is_written_is_read_again(raw):
    at, points = 0.0, []
    recorder = Recorder(["a", "b"], [(-2.0, 3.0), (-3.0, 2.0)], 0.0)
    for pause_s, a, b in raw:
        recorder.look([a, b], at)
        points.append(Point(round(at, 4), (max(round(a, 4), -2.0), min(round(b, 4), 2.0))))
        at += pause_s

    assert [*read_table(recorder.table, ["a", "b"])] == points
    turned = [Point(at, (b, a)) for at, (a, b) in points]
    assert [*read_table(recorder.table, ["b", "a"])] == turned


@settings(max_examples=cases(1_000), deadline=None)
@given(st.text(alphabet="time_srad,ab01.-e\nn ", max_size=60))
def test_any_text_is_a_table_or_refused(text):
    try:
        for table in ("time_s,a_rad\n" + text, text):
            assert any(read_table(table, ["a"]))
    except NotARecording:
        pass


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1 must name the columns time_s, a_rad"),
        ("time_s,b_rad\n0,0\n", "line 1 must name the columns time_s, a_rad"),
        ("time_s,a_rad\n", "it has no line with angles"),
        ("time_s,a_rad\n0\n", "line 2 has 1 columns, not 2"),
        ("time_s,a_rad\n0,0,0,0\n", "line 2 has 4 columns, not 2"),
        ("time_s,a_rad,b_rad\n0,0,0\n", "line 1 must name the columns time_s, a_rad"),
        ("time_s,a_rad\n0,zero\n", "line 2 says 'zero' where a number is due"),
        ("time_s,a_rad\n0,nan\n", "line 2 says 'nan' where a number is due"),
        ("time_s,a_rad\n1,0\n\n0,0\n", "line 4 is -1 s after the one before"),
        ("time_s,a_rad\n0,0\n100,0\n", "line 3 is 100 s after the one before"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(text, why):
    with pytest.raises(NotARecording, match=why):
        list(read_table(text, ["a"]))
