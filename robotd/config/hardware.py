"""The sections `boards` and `devices`: which hardware there is, and that it can be wired as the file says."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from hal import (
    COMPOSITES,
    DRIVERS,
    KINDS,
    Board,
    BoardSpec,
    Device,
    DeviceSpec,
    Driver,
    DriverNotFound,
    find_driver,
    open_link,
    verbs,
)
from robotd.config.actions import Verbs
from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.place import Place

PARTS: Mapping[str, Mapping[str, str]] = {
    "drive_base": {"left": "motor", "right": "motor"},
    "joint_group": {"joints": "joint"},
}
"""Of a kind that is made of others: the keys that name one or several, and of which kind those must be."""


@dataclass(slots=True)
class Hardware:
    """What of it is sound, and the names of all of it."""

    boards: dict[str, BoardSpec] = field(default_factory=dict)
    devices: dict[str, DeviceSpec] = field(default_factory=dict)
    board_names: dict[str, Place] = field(default_factory=dict)
    device_names: dict[str, Place] = field(default_factory=dict)
    types: dict[str, type[Device]] = field(default_factory=dict)
    """Of each device whose kind is known, even where something else about it is wrong."""

    @property
    def doubtful(self) -> frozenset[str]:
        """Devices whose kind is the fault."""
        return frozenset(self.device_names) - self.types.keys()

    @property
    def readings(self) -> dict[str, str]:
        """Each `device.reading` and its unit."""
        found: dict[str, str] = {}
        for name, cls in self.types.items():
            spec = self.devices.get(name)
            units = cls.units_of(spec) if spec else cls.READINGS
            found |= {f"{name}.{reading}": unit for reading, unit in units.items()}
        return found

    @property
    def verbs(self) -> Verbs:
        """The verbs of each device, unbound."""
        return {name: verbs(cls) for name, cls in self.types.items()}


def read_hardware(boards: Place, devices: Place) -> Hardware:
    """Both sections. Every fault in them is noted; what is returned is the sound part."""
    hardware = Hardware()
    drivers = _read_boards(boards, hardware)
    for place in devices.members():
        place.named("device", hardware.device_names)
        hardware.device_names.setdefault(str(place.name), place)
    reader = _DeviceReader(hardware, drivers)
    for place in devices.members():
        reader.read(place)
    _check_parts(hardware)
    _check_wiring(hardware)
    return hardware


def _read_boards(boards: Place, hardware: Hardware) -> dict[str, Driver]:
    drivers: dict[str, Driver] = {}
    ports: dict[str, Place] = {}
    for place in boards.members():
        name, port = str(place.name), place / "port"
        place.named("board", hardware.board_names)
        hardware.board_names.setdefault(name, place)
        driver = _driver(place)
        if driver:
            drivers[name] = driver
            spec = place.read(driver.board_spec)
            if spec:
                hardware.boards[name] = spec
        if port.value == "":
            port.refuse("the name of a port is due here", "for example: /dev/ttyACM0; see robotd ports")
        first = ports.setdefault(port.value, place) if isinstance(port.value, str) else place
        if first is not place:
            line = first.document.where((*first.steps, "port")).line
            sentence = f"the port {port.value} is already used by the board '{first.name}' in line {line}"
            port.refuse(sentence, "each board has a port of its own")
    return drivers


def _driver(board: Place) -> Driver | None:
    name = board / "driver"
    if not _text(board, "driver", DRIVERS):
        return None
    try:
        return find_driver(name.value)
    except DriverNotFound as error:
        name.refuse(error.sentence, error.hint)
    except Exception as error:  # raised by the driver's own module: its author's turn
        what = f"{type(error).__name__}: {error}"
        name.refuse(f"the driver '{name.value}' cannot be imported: {what}", "its author can mend that")
    return None


class _DeviceReader:
    """Reads devices one by one, each by what the driver of its board says about its kind."""

    def __init__(self, hardware: Hardware, drivers: Mapping[str, Driver]) -> None:
        self._hardware = hardware
        self._drivers = drivers
        self._boards: dict[str, Board] = {}
        """Boards that are never run: they are asked which device they would make of a spec."""

    def read(self, place: Place) -> None:
        if not _text(place, "kind", KINDS):
            return
        name, kind = str(place.name), (place / "kind").value
        if kind in KINDS:
            self._hardware.types[name] = KINDS[kind]
        due = COMPOSITES.get(kind) or self._spec_type(place, kind)
        spec = place.read(due) if due else None
        if spec:
            self._hardware.devices[name] = spec
            if kind not in COMPOSITES:
                self._make(place, spec)

    def _spec_type(self, place: Place, kind: str) -> type[DeviceSpec] | None:
        names = self._hardware.board_names
        if "board" not in place:
            place.refuse("'board' is missing", nearest("", names, what="boards"), key=True)
            return None
        board = (place / "board").known(names, "board")
        driver = self._drivers.get(board) if board else None
        if driver is None:
            return None
        spec_type = driver.device_specs.get(kind)
        if spec_type is None:
            hint = nearest(kind, [*driver.device_specs, *COMPOSITES], what="kinds")
            (place / "kind").refuse(f"a {driver.name} board has no '{kind}'", hint)
        return spec_type

    def _make(self, place: Place, spec: DeviceSpec) -> None:
        """Note the type of the device, which its driver may have made its own. Nothing is opened."""
        name, board = str(place.name), str(spec.board)
        board_spec = self._hardware.boards.get(board)
        if board_spec is None:
            return
        try:
            if board not in self._boards:
                connect = partial(open_link, board_spec.port, board_spec.baud, board_spec.parity)
                self._boards[board] = self._drivers[board].board(board, board_spec, connect, random.Random(0))
            self._hardware.types[name] = type(self._boards[board].add(name, spec))
        except Exception as error:  # the driver's own check, or its author's turn
            place.refuse(str(error), f"the driver of {board} says so")


def _text(place: Place, key: str, known: Iterable[str]) -> bool:
    """Whether there is a text under `key`, by which the shape of the rest is known."""
    if not isinstance(place.value, dict):
        place.refuse(f"a mapping is due here, not {describe(place.value)}")
    elif key not in place:
        place.refuse(f"'{key}' is missing", f"it is one of {', '.join(known)}", key=True)
    elif not isinstance((place / key).value, str):
        (place / key).refuse(f"a text is due here, not {describe((place / key).value)}")
    else:
        return True
    return False


def _check_parts(hardware: Hardware) -> None:
    """The parts of composite devices exist, are of the right kind, and belong to one whole each."""
    owners: dict[str, tuple[str, str]] = {}
    kinds = {name: cls.KIND for name, cls in hardware.types.items()}
    for name, key, due, place in _parts(hardware):
        part = place.known(hardware.device_names, "device")
        if part is None:
            continue
        found = kinds.get(part, due)
        whole, role = owners.setdefault(part, (name, key))
        if found != due:
            there_are = [other for other, kind in kinds.items() if kind == due]
            place.refuse(f"a {due} is due here; '{part}' is a {found}", f"there are {', '.join(there_are)}")
        elif whole != name:
            place.refuse(f"'{part}' is already {role} of '{whole}'")


def _parts(hardware: Hardware) -> Iterator[tuple[str, str, str, Place]]:
    """Each name of a part: the device made of it, the part's role in a few words, its kind, its place."""
    for name, cls in hardware.types.items():
        for key, due in PARTS.get(cls.KIND, {}).items():
            place = hardware.device_names[name] / key
            if isinstance(place.value, list):
                yield from ((name, f"one of the {key}", due, element) for element in place.elements())
            elif place.value is not None:
                yield name, f"the {key}", due, place


def _check_wiring(hardware: Hardware) -> None:
    """No pin, channel or id of a board is used twice."""
    taken: dict[tuple[str, str], tuple[str, Place]] = {}
    for name, spec in hardware.devices.items():
        for key, resource in spec.resources().items():
            place = hardware.device_names[name] / key
            owner, first = taken.setdefault((spec.board or "", resource), (f"{name}.{key}", place))
            if first is not place:
                line = first.document.where(first.steps).line
                used = f"used by {owner} ({first.value}) in line {line}"
                sentence = f"{key} {place.value} of {spec.board} is already {used}"
                place.refuse(sentence, "every device needs a pin of its own")
