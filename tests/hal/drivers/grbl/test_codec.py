"""The lines of Grbl 1.1, as `interface.md` and the tables of its codes print them."""

import random

import pytest

from hal.drivers.grbl import codec, words
from hal.drivers.grbl.codec import Decoder, jog_line, millimetres, parse_line
from hal.drivers.grbl.words import (
    Alarm,
    Answer,
    Banner,
    Build,
    Frame,
    MachineState,
    Message,
    Options,
    SettingValue,
    Status,
)
from tests.counts import cases

ORIGIN = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (b"ok", Answer(None)),
        (b"error:20", Answer(20)),
        (b"ALARM:3", Alarm(3)),
        (b"Grbl 1.1h ['$' for help]", Banner("1.1h")),
        (b"[MSG:'$H'|'$X' to unlock]", Message("'$H'|'$X' to unlock")),
        (b"[MSG:Reset to continue]", Message("Reset to continue")),
        (b"[VER:1.1h.20190825:Some string]", Build("1.1h.20190825", "Some string")),
        (b"[VER:v1.1d.20161014:]", Build("1.1d.20161014", "")),
        (b"[OPT:VL,15,128]", Options("VL", 15, 128)),
        (b"$130=200.000", SettingValue(130, 200.0)),
        (b"$10=255", SettingValue(10, 255.0)),
        (
            b"<Idle|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,1.551,5.664>",
            Status(MachineState.IDLE, None, ORIGIN, None, (0.0, 1.551, 5.664), 0.0, 0.0),
        ),
        (
            b"<Hold:1|MPos:0.000,-10.000,5.000|Bf:15,128|FS:500,8000|Ov:100,100,100|A:SF|Pn:PZ>",
            Status(
                MachineState.HOLD,
                1,
                (0.0, -10.0, 5.0),
                feed_mm_min=500.0,
                spindle_rpm=8000.0,
                free_blocks=15,
                free_bytes=128,
                overrides=(100, 100, 100),
                accessories="SF",
                pins="PZ",
            ),
        ),
        (
            b"<Run|WPos:-2.500,0.000,11.000|F:500|Ln:99999>",
            Status(MachineState.RUN, None, None, (-2.5, 0.0, 11.0), feed_mm_min=500.0),
        ),
        (b"<Door:2|MPos:0,0,0|FS:0,0>", Status(MachineState.DOOR, 2, ORIGIN, None, None, 0.0, 0.0)),
        (b"<Jog|MPos:0.000,0.000,0.000,7.000>", Status(MachineState.JOG, None, ORIGIN)),
    ],
)
def test_what_it_says_is_read_as_its_manual_means_it(line: bytes, frame: Frame) -> None:
    assert parse_line(line) == frame


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"o", b"OK", b"okay", b"error:", b"error:x", b"error:1234", b"ALARM:", b"Grbl", b"<>"),
        *(b"<Idle>", b"<Nap|MPos:0,0,0>", b"<Idle|MPos:0,0>", b"<Idle|MPos:0,0,nan>", b"<Idle|MPos:0,0,1e9>"),
        *(b"<Idle|MPos:0,0,0|FS:a,b>", b"<Idle|MPos:0,0,0|Pn:Q>", b"<Idle|MPos:0,0,0", b"$=3", b"$130=two"),
        *(b"[HLP:$$ $# $G]", b"[GC:G0 G54]", b">G54G20:ok", b"[echo:G1X0]", b"\xffok", b"ok\xb5"),
    ],
)
def test_noise_and_what_a_host_has_no_use_for_say_nothing(line: bytes) -> None:
    assert parse_line(line) is None


def test_overrides_without_accessories_say_that_nothing_is_on_and_other_reports_say_nothing_of_it() -> None:
    told = parse_line(b"<Idle|MPos:0,0,0|Ov:100,100,100>")
    silent = parse_line(b"<Idle|MPos:0,0,0>")

    assert isinstance(told, Status)
    assert isinstance(silent, Status)
    assert (told.accessories, silent.accessories) == ("", None)


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        *(
            ("Idle", True),
            ("Alarm", True),
            ("Sleep", True),
            ("Hold:0", True),
            ("Door:0", True),
            ("Door:1", True),
        ),
        *(
            ("Run", False),
            ("Jog", False),
            ("Home", False),
            ("Hold:1", False),
            ("Door:2", False),
            ("Door:3", False),
        ),
    ],
)
def test_it_stands_in_the_states_from_which_a_reset_throws_no_alarm(text: str, stands: bool) -> None:
    status = parse_line(f"<{text}|MPos:0,0,0>".encode())

    assert isinstance(status, Status)
    assert status.stands is stands


SAID = (
    b"\x00\xfe\r\nGrbl 1.1h ['$' for help]\r\n[MSG:'$H'|'$X' to unlock]\r\n"
    b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0>\r\nok\r\nerror:9\r\n"
)
MEANT = [
    Banner("1.1h"),
    Message(words.LOCKED),
    Status(MachineState.ALARM, None, ORIGIN, feed_mm_min=0.0, spindle_rpm=0.0),
    Answer(None),
    Answer(9),
]


@pytest.mark.parametrize("seed", range(cases(50)))
def test_however_a_stream_is_cut_the_same_messages_come_out(seed: int) -> None:
    rng = random.Random(seed)
    decoder, frames, rest = Decoder(), list[Frame](), SAID
    while rest:
        size = rng.randrange(1, 12)
        frames += decoder.feed(rest[:size])
        rest = rest[size:]

    assert frames == MEANT
    assert decoder.discarded == 1


def test_a_line_without_an_end_is_dropped_and_the_next_one_is_read() -> None:
    decoder = Decoder()
    decoder.feed(b"x" * 10 * codec.REPORT_LIMIT_BYTES)

    assert decoder.feed(b"ok\nok\n") == [Answer(None)]


@pytest.mark.parametrize("seed", range(cases(200)))
def test_no_noise_makes_it_raise(seed: int) -> None:
    rng = random.Random(seed)
    noise = bytearray(SAID * 3)
    for _ in range(rng.randrange(1, 40)):
        noise[rng.randrange(len(noise))] = rng.randrange(256)

    for frame in Decoder().feed(bytes(noise)):
        assert isinstance(frame, Frame)


def test_lengths_are_written_to_the_last_digit_that_it_reads() -> None:
    assert [millimetres(value) for value in (-0.0125, 0.3, -0.0000004, 1e-6, 0.1 + 0.2)] == [
        "-12.5",
        "300",
        "0",
        "0.001",
        "300",
    ]
    with pytest.raises(ValueError, match="no length"):
        millimetres(float("nan"))


def test_a_move_is_a_jog_in_machine_coordinates_that_changes_no_mode() -> None:
    assert jog_line((-0.2, -0.15, -0.06), 0.08) == b"$J=G53G21X-200Y-150Z-60F4800\n"


def test_its_numbers_are_told_in_words() -> None:
    assert words.explain_error(20) == "error:20 (an unsupported or invalid G-code command)"
    assert words.explain_alarm(3) == "ALARM:3 (it was reset while it moved)"
    assert words.explain_error(99) == "error:99 (its manual says what that is)"
