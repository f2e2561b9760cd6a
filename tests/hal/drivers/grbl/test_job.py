"""A job is read through before it begins: what is wrong with it is told with its line."""

import pytest

from hal.drivers.grbl.gcode import BlockError, parse_block, strip
from hal.drivers.grbl.job import BadLine, JobLine, read_job
from hal.kinds.three_axes import Span

SPANS = (Span(-0.3, 0.0), Span(-0.2, 0.0), Span(-0.08, 0.0))
ORIGIN = (0.0, 0.0, 0.0)


def read(text: str, offset: tuple[float, float, float] | None = ORIGIN) -> list[JobLine | None]:
    return list(read_job(text, SPANS, offset))


def test_comments_spaces_and_empty_lines_are_left_out_and_still_count() -> None:
    text = "%\n; a part\n\n g1 x-10.5 (to the left) y-3 f600 ; slowly\n(nothing)\nM8\r\nG4 P1.5\n"

    assert [line for line in read(text) if line is not None] == [
        JobLine(4, "G1X-10.5Y-3F600", 0.0),
        JobLine(6, "M8", 0.0),
        JobLine(7, "G4P1.5", 1.5),
    ]
    assert len(read(text)) == 7


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_counts_them_however_they_end(end: str) -> None:
    numbers = [line.number for line in read(f"G21{end}(a \x0c page){end}G0 X-1{end}M2") if line is not None]

    assert numbers == [1, 3, 4]


def test_a_line_is_sent_with_its_end() -> None:
    assert JobLine(1, "M8", 0.0).data == b"M8\n"


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("G1 X-10 Y", "a number is missing"),
        ("G1 X-10 *3", "a letter is missing"),
        ("G5 X-10", "unsupported or invalid G-code command, G5"),
        ("M6", "unsupported or invalid G-code command, M6"),
        ("G1 X-10 X-11", "a word comes twice"),
        ("G1 A-10", "unsupported or invalid G-code command, A-10"),
        ("G1 X-1" + "0" * 80, "longer than 80"),
        ("$H", "no '\\$' commands"),
        ("G1 X-10 ~", "a letter that no block may have"),
        ("G1 X-10 !", "a letter that no block may have"),
        ("G1 X-10\xb5", "a letter that no block may have"),
        ("G0 X-301", "x would be -301 mm in machine coordinates, beyond its travel of -300 to 0 mm"),
        ("G53 G0 Z1", "z would be 1 mm"),
        ("G20 G0 Y-8", "y would be -203.2 mm"),
    ],
)
def test_a_line_that_cannot_be_run_is_named_with_its_reason(block: str, why: str) -> None:
    with pytest.raises(BadLine, match=f"line 3: .*{why}"):
        read(f"G21\nG90\n{block}\nM2")


def test_the_offset_of_the_work_is_reckoned_with() -> None:
    read("G0 X50 Y50", (-100.0, -100.0, -50.0))
    with pytest.raises(BadLine, match="x would be 50 mm"):
        read("G0 X150", (-100.0, -100.0, -50.0))
    with pytest.raises(BadLine, match="x would be 150 mm"):
        read("G53 G0 X150", (-100.0, -100.0, -50.0))


@pytest.mark.parametrize("before", ["G91", "G92 X0", "G10 L20 P1 X0", "G55", "G28"])
def test_where_a_target_is_not_known_it_is_left_to_the_machine(before: str) -> None:
    read(f"{before}\nG0 X100")


def test_without_a_known_offset_only_the_words_are_looked_at() -> None:
    read("G0 X100", None)
    with pytest.raises(BadLine):
        read("G0 X", None)


def test_words_are_read_as_the_firmware_keeps_them() -> None:
    assert strip("g1 x 1 0 . 5 (no) y-.5 ; rest") == "G1X10.5Y-.5"
    assert [tuple(word) for word in parse_block("G1X10.5Y-.5")] == [("G", 1.0), ("X", 10.5), ("Y", -0.5)]
    with pytest.raises(BlockError):
        parse_block("1")
