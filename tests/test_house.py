"""The rules of the house that no tool checks by itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from robotd.cli import app

COMMANDS: Any = get_command(app)
ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    *("robotd", "hal", "config", "tests", "systemd", ".ci"),
    *("pyproject.toml", "uv.lock", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"),
    *(".gitignore", ".gitattributes", ".editorconfig"),
}
SOURCE_FOLDERS = ("robotd", "hal", "config", "tests")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
EXCEPTION = re.compile(r"#\s*(?:type:\s*ignore|noqa)(?P<rest>.*)")
EXCEPTION_WITH_REASON = re.compile(
    r"(?:\[[a-z-]+(?:, *[a-z-]+)*\]|: *[A-Z]+\d+(?:, *[A-Z]+\d+)*)\s*[#-]\s*\S.*"
)


def tracked_files() -> list[Path]:
    """What git knows, or what lies there where this is no checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [Path(line) for line in listed.stdout.splitlines()]


def source_lines() -> Iterator[tuple[str, str]]:
    """Every line of every Python source, with its place."""
    for folder in SOURCE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path != Path(__file__):
                for number, line in enumerate(path.read_text().splitlines(), start=1):
                    yield f"{path.relative_to(ROOT)}:{number}", line


def test_the_top_level_shows_the_house_and_nothing_else() -> None:
    assert {path.parts[0] for path in tracked_files()} - TOP_LEVEL == set()


def test_nothing_is_left_unfinished() -> None:
    assert [f"{place}: {line}" for place, line in source_lines() if UNFINISHED.search(line)] == []


def test_every_exception_from_a_check_names_it_and_says_why() -> None:
    bare = [
        f"{place}: {line.strip()}"
        for place, line in source_lines()
        if (found := EXCEPTION.search(line)) and not EXCEPTION_WITH_REASON.fullmatch(found["rest"].strip())
    ]
    assert bare == []


def test_every_package_of_the_tree_is_bound_by_an_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    exhaustive = {
        container
        for contract in contracts
        if contract["type"] == "layers" and contract["exhaustive"]
        for container in contract["containers"]
    }

    assert exhaustive == {"robotd", "hal"}


def test_the_first_sentence_of_every_source_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for folder in ("robotd", "hal")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.read_text().startswith('"""')
    ]
    assert silent == []


def commands_in(document: str) -> Iterator[list[str]]:
    """The command lines of a document: in its code blocks and between its backticks."""
    text = (ROOT / document).read_text()
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for line in [*"\n".join(blocks).splitlines(), *re.findall(r"`([^`\n]+)`", text)]:
        for command in re.split(r"\||&&|;", line):
            words = command.removeprefix("$").split()
            if words:
                yield words


def exists(words: list[str]) -> bool:
    """Whether `robotd` has the command, and the sub-command, that a command line begins with."""
    known = COMMANDS
    for word in words:
        if word.startswith("-") or not hasattr(known, "commands"):
            break
        if word not in known.commands:
            return False
        known = known.commands[word]
    return True


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_robotd_command_in_a_document_exists(document: str) -> None:
    named = [words[1:] for words in commands_in(document) if words[0] == "robotd"]

    assert [words for words in named if not exists(words)] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_in_a_document_exists(document: str) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for words in commands_in(document) if words[0] == "make" and len(words) > 1}

    assert {name for name in named if "=" not in name} - known == set()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_file_that_a_document_links_to_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    links = {link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link}

    assert {link for link in links if not (ROOT / link).exists()} == set()
