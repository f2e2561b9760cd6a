"""What every test is kept from: the journals of this machine's robots, and those of other tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A daemon that this test starts keeps its journal in a folder of its own, which only that makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"))
        for name in ("STATE_DIRECTORY", "ROBOTD_JOURNAL"):
            patch.delenv(name, raising=False)
        yield
