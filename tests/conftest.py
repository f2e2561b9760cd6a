"""What tests are kept from: the journals of this machine's robots, those of other tests, a slow tracer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import settings

_NUMBERS = count(1)

# How long an example takes says how busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage does not trace random cases: it triples their time, and a line needs a test that means it.

    Tests that live many lives from seeds, or repeat hours, say so themselves: `@pytest.mark.no_cover`.
    """
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A daemon that this test starts keeps its journal in a folder of its own, which only that makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"))
        for name in ("STATE_DIRECTORY", "ROBOTD_JOURNAL"):
            patch.delenv(name, raising=False)
        yield
