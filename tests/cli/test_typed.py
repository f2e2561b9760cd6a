"""Lines from a pipe and a file, on a loop that goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotd.cli.typed import LINE_LIMIT_BYTES, TypedLines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_lines_come_whole_however_they_are_cut_and_the_last_one_without_its_end(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    heard: list[str] = []
    typed = TypedLines(reading, heard.append)
    typed.start()
    for piece in (b"unplug", b" 5 s\nwor", b"ld\n\n  mend \r\n", b"\xff\xfe\n", b"la"):
        os.write(writing, piece)
        await settle()
    assert heard == ["unplug 5 s", "world", "", "mend", "��"]
    os.close(writing)
    await settle()

    assert heard[5:] == ["la"]
    typed.stop()


async def test_a_line_without_end_costs_a_bounded_buffer(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    heard: list[str] = []
    typed = TypedLines(reading, heard.append)
    typed.start()
    for _ in range(20):
        os.write(writing, b"x" * 4000)
        await settle()
    os.write(writing, b"\nmend\n")
    await settle()
    typed.stop()

    assert [len(line) <= 2 * LINE_LIMIT_BYTES for line in heard] == [True, True]
    assert heard[1] == "mend"


async def test_what_comes_after_its_stop_is_left_where_it_is(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    heard: list[str] = []
    typed = TypedLines(reading, heard.append)
    typed.start()
    typed.stop()
    os.write(writing, b"mend\n")
    await settle()

    assert heard == []
    assert os.read(reading, 100) == b"mend\n"


@pytest.mark.parametrize("text", ["", "one\ntwo\n", "one\n" * 5000])
async def test_a_file_is_read_to_its_end_and_then_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lines"
    file.write_text(text)
    heard: list[str] = []
    descriptor = os.open(file, os.O_RDONLY)
    typed = TypedLines(descriptor, heard.append)
    typed.start()
    for _ in range(5):
        await settle()
    os.close(descriptor)
    await settle()

    assert [line for line in heard if line] == text.split()


async def test_without_a_descriptor_there_are_no_lines(pipe: tuple[int, int]) -> None:
    reading, _ = pipe
    os.close(reading)

    TypedLines(reading, pytest.fail).start()
