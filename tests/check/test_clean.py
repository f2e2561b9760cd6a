"""Robots with nothing wrong, in ways that look wrong to a proof that is too coarse."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.check import Severity, Subject, prove
from robotd.config import load

FILES = sorted((Path(__file__).parent / "clean").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_found_where_nothing_is_wrong(path: Path) -> None:
    report = prove(Subject.of(load(path)))

    assert [one for one in report.findings if one.severity is not Severity.NOTE] == []
    assert not report.failed(strict=True)
