from pathlib import Path

import pytest

from tests.config.robots import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The small robot in a folder of its own."""
    return Bench(tmp_path)
