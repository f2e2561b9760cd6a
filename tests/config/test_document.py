"""Reading text strictly, and knowing where everything stands in it. What keys mean does not matter here."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config.document import Document, parse, read, resolve
from robotd.config.errors import ConfigError, ConfigErrors
from robotd.core.chart import Where
from tests.counts import cases

FILE = "robot.yaml"


def refusal(text: str) -> ConfigError:
    """The one fault of `text`."""
    try:
        errors = parse(text, FILE).errors
    except ConfigErrors as group:
        errors = group.errors

    assert len(errors) == 1
    return errors[0]


def shown(text: str) -> list[str]:
    """The one fault of `text` as a person sees it."""
    return str(refusal(text)).splitlines()


# --- scalars, by YAML 1.2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e3", 1000.0),
        ("1e999", float("inf")),
        ("-.5", -0.5),
        ("5.", 5.0),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("+12", 12),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2001-12-14", "2001-12-14"),
        ("0b101", "0b101"),
        ("=", "="),
        (".", "."),
        ("-", "-"),
        ("9" * 5000, float("inf")),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text, value):
    resolved = resolve(text)

    assert (resolved, type(resolved)) == (value, type(value))


def test_a_nan_is_a_number_for_the_models_to_refuse():
    assert resolve(".nan") != resolve(".nan")


def test_a_quoted_scalar_is_always_text():
    assert parse("a: '12'\nb: \"true\"\n", FILE).root.value == {"a": "12", "b": "true"}


# --- strictness


def test_a_duplicate_key_is_refused_where_it_stands_the_second_time():
    assert shown("robot: rover\nlimits: {}\nrobot: other\n") == [
        "robot.yaml:3:1: error: duplicate key: 'robot' is already in line 1",
        "robot: other",
        "^",
        "hint: keep one of the two",
    ]


def test_keys_that_are_spelled_differently_but_are_the_same_are_duplicates():
    assert refusal("'a': 1\n\"a\": 2\n").where == Where(FILE, 2, 1)


def test_an_anchor_and_an_alias_are_refused_each_where_it_stands():
    document = parse("a: &wheel {x: 1}\nb: *wheel\n", FILE)

    assert [str(error.where) for error in document.errors] == ["robot.yaml:1:4", "robot.yaml:2:4"]
    assert [error.sentence for error in document.errors] == [
        "anchors are not allowed",
        "aliases are not allowed",
    ]


def test_a_merge_key_is_refused():
    assert refusal("a: 1\n<<: {b: 2}\n").sentence == "merge keys are not allowed"


def test_a_quoted_merge_key_is_an_ordinary_key():
    assert parse("'<<': 2\n", FILE).root.value == {"<<": 2}


@pytest.mark.parametrize(
    "text", ["a: !!str 1\n", "a: !wheel {}\n", "a: ! x\n", "a: !!python/object:os.system x\n"]
)
def test_a_tag_is_refused(text):
    assert refusal(text).sentence == "tags are not allowed"


@pytest.mark.parametrize("key", ["1", "true", "~", "1.5", "[a]", "{a: 1}"])
def test_a_key_that_is_not_text_is_refused(key):
    assert refusal(f"? {key}\n: x\n").sentence.startswith("a key must be text, not ")


def test_a_directive_is_refused():
    assert refusal("%YAML 1.1\n---\na: 1\n").sentence == "directives are not used here"


def test_a_second_document_is_refused():
    assert shown("a: 1\n---\nb: 2\n")[0] == "robot.yaml:2:1: error: a second document begins here"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "~\n", "\ufeff"])
def test_an_empty_file_says_how_to_begin(text):
    assert shown(text)[0].endswith("error: the file is empty")


@pytest.mark.parametrize(
    ("text", "what"), [("- a\n", "a list"), ("rover\n", "the text 'rover'"), ("3\n", "the number 3")]
)
def test_a_file_that_is_no_mapping_says_what_it_is(text, what):
    assert refusal(text).sentence == f"a mapping is due here, not {what}"


# --- syntax


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a:\n\tb: 1\n", "2:1", "indent with spaces, not with tabs"),
        ("a: b: c\n", "1:5", "check the indentation, and the colons of this line and the one before"),
        ("a: [1, 2\n", "1:4", "is a comma or a closing bracket missing?"),
        ("a: {b: 1\nc: 2\n", "2:2", "is a comma or a closing bracket missing?"),
        ("a: 'x\nb: 1\n", "1:4", "the quote that opens here is never closed"),
        ("a: @x\n", "1:4", "put the value in quotes"),
        ("a: 1\n}\n", "2:1", "check the indentation against the lines above"),
        ("a: x\n- c\n", "2:1", "check the indentation against the lines above"),
        (
            "  a: 1\nb: 2\n",
            "2:1",
            "only one document stands in a file, and its keys all begin in the same column",
        ),
        ('a: "\\q"\n', "1:6", "a backslash needs single quotes, or another backslash"),
    ],
)
def test_a_syntax_error_has_a_place_and_a_next_step(text, place, hint):
    error = refusal(text)

    assert str(error.where) == f"robot.yaml:{place}"
    assert error.sentence.startswith("not YAML: ")
    assert error.hint == hint


def test_faults_before_a_syntax_error_are_said_too():
    with pytest.raises(ConfigErrors) as caught:
        parse("a: &x 1\na: 2\nb: [\n", FILE)

    assert [error.where.line for error in caught.value.errors] == [1, 2, 3]


def test_a_syntax_error_in_a_large_file_is_found_without_the_slow_parser():
    text = "".join(f"key{number}: 12345678\n" for number in range(20_000)) + "a: b: c\n"
    begun = time.process_time()

    assert refusal(text).where.line == 20_001
    assert time.process_time() - begun < 5


# --- files


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigErrors) as caught:
        read(tmp_path / "rover.yaml")

    assert (
        caught.value.report()
        == f"{tmp_path}/rover.yaml:1:1: error: the file cannot be read: No such file or directory"
    )


def test_a_directory_is_not_a_file(tmp_path):
    with pytest.raises(ConfigErrors, match="is not a valid robot") as caught:
        read(tmp_path)

    assert caught.value.errors[0].sentence == "the file cannot be read: Is a directory"


def test_a_name_with_a_zero_byte_cannot_be_read():
    with pytest.raises(ConfigErrors) as caught:
        read(Path("a\0b"))

    assert "cannot be read" in caught.value.errors[0].sentence


def test_bytes_that_are_not_utf_8_are_pointed_at(tmp_path):
    path = tmp_path / "rover.yaml"
    path.write_bytes(b"robot: rover\nx: caf\xe9\n")

    with pytest.raises(ConfigErrors) as caught:
        read(path)

    assert str(caught.value.errors[0].where) == f"{path}:2:7"
    assert caught.value.errors[0].sentence == "the file is not UTF-8 text from here on"


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "rover.yaml"
    path.write_bytes(b"\x7fELF\x02\x01\x01\x00")

    with pytest.raises(ConfigErrors) as caught:
        read(path)

    assert caught.value.errors[0].sentence == "the character U+007F may not stand in the file"


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "rover.yaml"
    path.write_bytes(b"\xef\xbb\xbfrobot: rover\n")

    document = read(path)

    assert document.root.value == {"robot": "rover"}
    assert document.where(("robot",)).column == 8


def test_an_endless_file_is_refused_at_its_limit():
    with pytest.raises(ConfigErrors) as caught:
        read(Path("/dev/zero"))

    assert caught.value.errors[0].sentence == "the file is larger than 1048576 bytes"


# --- limits


def test_nesting_has_a_limit():
    assert refusal("a: " + "[" * 100_000).sentence == "this is nested more than 64 deep"


def test_the_number_of_values_has_a_limit():
    assert refusal("a: [" + "1," * 200_000 + "]").sentence == "the file has more than 100000 values"


def test_the_length_of_a_text_has_a_limit():
    assert refusal("a: " + "x" * 5000).sentence == "this text is longer than 4096 characters"


def test_a_thousand_million_laughs_are_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    begun = time.process_time()

    document = parse("\n".join(lines), FILE)

    assert len(document.errors) == 10 + 9 * 9
    assert time.process_time() - begun < 1


# --- places


def at(
    document: Document, *steps: str | int, key: bool = False, offset: int | None = None
) -> tuple[int, int]:
    where = document.where(steps, key=key, offset=offset)
    return where.line, where.column


def test_keys_and_values_have_their_places():
    document = parse("devices:\n  left: {kind: motor, pin: [5, 6]}\n", FILE)

    assert at(document, "devices", "left", key=True) == (2, 3)
    assert at(document, "devices", "left") == (2, 9)
    assert at(document, "devices", "left", "kind") == (2, 16)
    assert at(document, "devices", "left", "pin", 1) == (2, 32)


def test_what_is_not_there_is_pointed_at_by_what_is_around_it():
    document = parse("devices:\n  left: {kind: motor}\n", FILE)

    assert at(document, "devices", "left", "pin") == (2, 9)
    assert at(document, "devices", "left", "pin", key=True) == (2, 9)
    assert at(document, "nothing", "at", "all") == (1, 1)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("a: x + bad + y\n", (1, 8)),
        ("a: 'x + bad + y'\n", (1, 9)),
        ("a: 'it''s + bad'\n", (1, 13)),
        ('a: "x + bad + y"\n', (1, 9)),
        ("a:\n  x +\n  bad + y\n", (3, 3)),
        ("a: x   +\n   bad\n", (2, 4)),
        ("a: >\n  x\n  + bad\n", (3, 5)),
        ("a: |-  # text\n  x\n  + bad\n", (3, 5)),
        ('a: "x +\n  bad"\n', (2, 3)),
        ('a: "x \\u002b bad"\n', (1, 4)),
        ("{a: x + bad, b: 1}\n", (1, 9)),
        ("äöü: ß + bad\n", (1, 10)),
    ],
)
def test_a_character_inside_a_text_has_its_place_however_it_is_written(written, place):
    document = parse(written, FILE)
    key = next(iter(document.root.value))
    offset = document.root.value[key].index("bad")

    assert at(document, key, offset=offset) == place


def test_the_end_of_a_text_has_a_place():
    document = parse("a: x <\nb: 'x <'\nc: >\n  x <\n", FILE)

    assert [at(document, key, offset=3) for key in "abc"] == [(1, 7), (2, 8), (4, 6)]


@given(
    st.text(alphabet="ab +<.()'\n", min_size=1, max_size=30),
    st.sampled_from(["plain", "'", "folded", "literal"]),
)
@settings(max_examples=cases(2_000), deadline=None)
def test_every_visible_character_of_a_text_is_found_where_it_stands(text, style):
    if style == "'":
        written = "a: '" + text.replace("'", "''").replace("\n", "\n\n ") + "'\n"
    elif style == "plain":
        written = f"a: {text}\n"
    else:
        written = f"a: {'>' if style == 'folded' else '|'}\n" + "".join(
            f"  {line}\n" for line in text.split("\n")
        )
    try:
        document = parse(written, FILE)
    except ConfigErrors:
        return
    value = document.root.value.get("a")
    lines = written.split("\n")
    for offset, char in enumerate(value if isinstance(value, str) else ""):
        if not char.isspace():
            line, column = at(document, "a", offset=offset)
            assert lines[line - 1][column - 1] == char


@given(st.text(max_size=200))
@settings(max_examples=cases(10_000), deadline=None)
def test_no_text_makes_the_reader_raise_anything_but_its_own_errors(text):
    try:
        document = parse(text, FILE)
    except ConfigErrors as group:
        errors = group.errors
    else:
        errors = document.errors
    for error in errors:
        assert str(error).startswith(f"robot.yaml:{error.where.line}:{error.where.column}: error: ")


YAMLISH = st.text(alphabet="ab:-\n {}[],'\"&*<!#\t|>%@?1\\\r\x85\u2028ä.", max_size=60)


@given(YAMLISH)
@settings(max_examples=cases(10_000), deadline=None)
def test_no_arrangement_of_yaml_signs_makes_it_raise_anything_else_either(text):
    try:
        parse(text, FILE)
    except ConfigErrors as group:
        for error in group.errors:
            assert error.where.line >= 1
            assert error.where.column >= 1
