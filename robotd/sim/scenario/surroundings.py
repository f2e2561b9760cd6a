"""What a scenario's file says about the simulated world, and about what goes wrong with a board."""

from __future__ import annotations

from collections.abc import Iterator

from hal import FaultError, parse_fault
from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.place import Place
from robotd.sim.scenario.model import Amount
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.quantities import read_amount
from robotd.sim.scenario.writing import FREE


def read_world(place: Place, names: Names) -> dict[str, Amount | bool | None]:
    """How the world is held, by quantity; None: it is let go."""
    values: dict[str, Amount | bool | None] = {}
    for member in place.members():
        name = str(member.name)
        if name not in names.settable:
            hint = nearest(name, names.settable, what="quantities")
            sentence = "cannot be set" if name in names.world else "is no quantity of its world"
            member.refuse(f"'{name}' {sentence}", hint, key=True)
        else:
            free = member.value == FREE
            values[name] = None if free else read_amount(member, names.settable[name])
    return values


def read_faults(place: Place, names: Names) -> dict[str, tuple[str, ...]]:
    """The faults of each board, as `hal.parse_fault` reads them."""
    found: dict[str, tuple[str, ...]] = {}
    for member in place.members():
        board = str(member.name)
        if board in names.boards:
            found[board] = read_fault_texts(member, board, names)
        else:
            hint = nearest(board, names.boards, what="boards")
            member.refuse(f"there is no board '{board}'", hint, key=True)
    return found


def read_fault_texts(place: Place, board: str, names: Names) -> tuple[str, ...]:
    """Those of one board at `place`, one or several."""
    return tuple(_sound(place, board, names))


def _sound(place: Place, board: str, names: Names) -> Iterator[str]:
    for element in place.one_or_more():
        if not isinstance(element.value, str):
            element.refuse(f"a fault is due here, not {describe(element.value)}", "for example: unplug 5 s")
            continue
        try:
            names.check_fault(board, element.value)
            yield str(parse_fault(element.value))
        except FaultError as error:
            element.refuse(str(error))
