"""How faults look, and how the name that was meant is found."""

import pytest

from robotd.config.errors import ConfigError, ConfigErrors, nearest
from robotd.core.chart import Where


def fault(
    line: int, column: int = 1, sentence: str = "wrong", source: str = "", hint: str | None = None
) -> ConfigError:
    return ConfigError(Where("rover.yaml", line, column), sentence, hint, source)


def test_a_fault_shows_its_place_its_line_a_caret_and_a_hint():
    error = fault(3, 10, "unknown key 'max_sped'", "  base: {max_sped: 1}", "did you mean 'max_speed'?")

    assert str(error) == (
        "rover.yaml:3:10: error: unknown key 'max_sped'\n"
        "  base: {max_sped: 1}\n"
        "         ^\n"
        "hint: did you mean 'max_speed'?"
    )


def test_without_a_source_line_or_a_hint_there_is_neither():
    assert str(fault(1)) == "rover.yaml:1:1: error: wrong"


@pytest.mark.parametrize(
    ("source", "column", "caret"),
    [
        ("\tab", 3, "\t ^"),  # a tab stays a tab, so that the caret keeps its column
        ("日本: x", 5, "      ^"),  # wide characters are two columns wide
        ("e\u0301x", 3, " ^"),  # a combining accent is none
        ("ab", 3, "  ^"),  # just behind the end
        ("ab", 9, "        ^"),
    ],
)
def test_the_caret_stands_under_its_character(source, column, caret):
    assert str(fault(1, column, source=source)).splitlines()[-1] == caret


def test_a_line_that_would_speak_to_the_terminal_is_made_harmless():
    assert "\x1b" not in str(fault(1, source="a: \x1b[2J"))


def test_of_a_very_long_line_the_window_around_the_caret_is_shown():
    source = "x" * 5_000 + "!" + "y" * 5_000

    _, line, caret = str(fault(1, 5_001, source=source)).splitlines()

    assert len(line) == 160
    assert line[caret.index("^")] == "!"


def test_faults_come_in_the_order_of_the_file_and_each_once():
    group = ConfigErrors.of([fault(9), fault(2, 7), fault(2, 3), fault(9), fault(9, sentence="other")])

    assert [(error.where.line, error.where.column, error.sentence) for error in group.errors] == [
        (2, 3, "wrong"),
        (2, 7, "wrong"),
        (9, 1, "wrong"),
        (9, 1, "other"),
    ]


def test_a_report_is_bounded_and_says_how_many_more_there_are():
    report = ConfigErrors.of([fault(line) for line in range(1, 151)]).report()

    assert report.count("error:") == 100
    assert report.endswith("\n\nand 50 more")


def test_programs_get_the_same_as_data():
    assert ConfigErrors.of([fault(3, 4, "wrong", "a: b", "mend it")]).as_json() == [
        {"file": "rover.yaml", "line": 3, "column": 4, "error": "wrong", "hint": "mend it", "source": "a: b"}
    ]


def test_it_is_an_exception_group_that_can_be_split():
    group = ConfigErrors.of([fault(1), fault(2)])

    first, rest = group.split(lambda error: isinstance(error, ConfigError) and error.where.line == 1)

    assert isinstance(first, ConfigErrors)
    assert isinstance(rest, ConfigErrors)
    assert [error.where.line for error in rest.errors] == [2]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("max_sped", ["max_speed", "track"], "did you mean 'max_speed'?"),
        ("Bumper", ["bumper", "battery"], "did you mean 'bumper'?"),
        ("teleop", ["armed", "armed.teleop"], "did you mean 'armed.teleop'?"),
        ("zzz", ["left", "right"], "the devices are left, right"),
        ("zzz", ["left"], "there is only 'left'"),
        ("zzz", [], None),
        ("name1", [f"name{number}" for number in range(2000)], None),
        ("zzz", [f"device{number}" for number in range(20)], None),
    ],
)
def test_the_name_that_was_probably_meant_is_named(word, known, hint):
    assert nearest(word, known, what="devices") == hint
