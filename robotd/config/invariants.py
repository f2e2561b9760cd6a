"""The sections `never` and `always`: what must hold whatever happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from robotd.config.document import describe
from robotd.config.place import Place
from robotd.core.expression import ExpressionError
from robotd.core.invariant import Invariant, Kind, compile_invariant

KINDS: tuple[Kind, ...] = ("never", "always")


def read_invariants(
    root: Place, *, readings: Mapping[str, str], states: Collection[str], doubtful: Collection[str]
) -> tuple[Invariant, ...]:
    """Those that are sound. Nothing is said about a reading of a `doubtful` device."""
    return tuple(
        found
        for kind in KINDS
        for place in (root / kind).one_or_more()
        if (found := _invariant(place, kind, readings, states, doubtful))
    )


def _invariant(
    place: Place, kind: Kind, readings: Mapping[str, str], states: Collection[str], doubtful: Collection[str]
) -> Invariant | None:
    text = place.value
    if not isinstance(text, str):
        place.refuse(f"an expression is due here, not {describe(text)}", "for example: armed and docked")
        return None
    where = place.document.where(place.steps)
    try:
        return compile_invariant(text, kind, where, readings=readings, states=states)
    except ExpressionError as error:
        if not any(text[error.offset :].startswith(f"{device}.") for device in doubtful):
            place.refuse(error.sentence, error.hint, offset=error.offset)
    return None
