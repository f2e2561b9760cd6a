"""The same seed gives the same bytes: in every run, with every hash seed, in every version of Python."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.counts import CAMPAIGN, cases
from tests.sim.pythons import PROJECT, NotThere, python_with_robotd
from tests.sim.turmoil import digests

pytestmark = pytest.mark.no_cover

SEEDS = cases(20)
RUN_S = 240


@cache
def expected() -> list[str]:
    return digests(SEEDS)


def digests_of(python: str | Path, hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(PROJECT)}
    told = subprocess.run(
        [python, "-m", "tests.sim.turmoil", str(SEEDS)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=True,
    )
    return told.stdout.split()


def test_the_same_seed_gives_the_same_bytes_again_and_another_seed_gives_others():
    assert digests(SEEDS) == expected()
    assert len(set(expected())) == SEEDS


@pytest.mark.parametrize("hash_seed", ["1", "4294967295"] if CAMPAIGN else ["4294967295"])
def test_the_hashes_of_texts_change_nothing(hash_seed: str):
    assert digests_of(sys.executable, hash_seed) == expected()


@pytest.mark.parametrize("version", ["3.12", "3.13"] if CAMPAIGN else ["3.13"])
def test_another_version_of_python_changes_nothing(version: str):
    try:
        python = python_with_robotd(version)
    except NotThere as why:
        pytest.skip(str(why))

    assert digests_of(python, "7") == expected()
