"""How much of its past a robot keeps, and how closely it looks at its sensors meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from hal import PositiveDuration, PositiveSize
from robotd.config.models import Entry
from robotd.config.place import Place

SMALLEST_BYTES = 4 * 2**20
"""Less would not hold what may be under way at once, and a few minutes before it."""
SIZE_BYTES = 256 * 2**20
SAMPLE_S = 1.0


class JournalModel(Entry):
    """What is kept of the past."""

    size: PositiveSize = Field(
        default=SIZE_BYTES,
        description="on the disk; the oldest rows go first",
        json_schema_extra={"default": "256 MiB"},
    )
    sample: PositiveDuration = Field(
        default=SAMPLE_S, description="how often all readings are written down when nothing happens"
    )


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """What is kept of the past."""

    size_bytes: int = SIZE_BYTES
    sample_s: float = SAMPLE_S


def read_journal(place: Place) -> JournalSettings:
    """The section `journal`: the defaults, and what the file says instead."""
    model = None if place.value is None else place.read(JournalModel)
    if model is None:
        return JournalSettings()
    if model.size < SMALLEST_BYTES:
        (place / "size").refuse("a journal takes at least 4 MiB", "256 MiB keep some hours of driving")
    return JournalSettings(int(model.size), model.sample)
