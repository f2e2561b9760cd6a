"""The sections `boards` and `devices`: which hardware there is, and that it can be wired as the file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hal import COMPOSITES, DRIVERS, KINDS, BoardSpec, DeviceSpec, Driver, DriverNotFound, find_driver, verbs
from robotd.config.actions import Verbs
from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.place import Place

PARTS: Mapping[str, Mapping[str, str]] = {"drive_base": {"left": "motor", "right": "motor"}}
"""Of a kind that is made of other devices: the keys that name them, and of which kind those must be."""


@dataclass(slots=True)
class Hardware:
    """What of it is sound, and the names of all of it."""

    boards: dict[str, BoardSpec] = field(default_factory=dict)
    devices: dict[str, DeviceSpec] = field(default_factory=dict)
    board_names: dict[str, Place] = field(default_factory=dict)
    device_names: dict[str, Place] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    """Of each device whose kind is a known one, even where something else about it is wrong."""

    @property
    def doubtful(self) -> frozenset[str]:
        """Devices whose kind is the fault."""
        return frozenset(self.device_names) - self.kinds.keys()

    @property
    def readings(self) -> dict[str, str]:
        """Each `device.reading` and its unit."""
        found: dict[str, str] = {}
        for name, kind in self.kinds.items():
            spec, cls = self.devices.get(name), KINDS[kind]
            units = cls.units_of(spec) if spec else cls.READINGS
            found |= {f"{name}.{reading}": unit for reading, unit in units.items()}
        return found

    @property
    def verbs(self) -> Verbs:
        """The verbs of each device, unbound."""
        return {name: verbs(KINDS[kind]) for name, kind in self.kinds.items()}


def read_hardware(boards: Place, devices: Place) -> Hardware:
    """Both sections. Every fault in them is noted; what is returned is the sound part."""
    hardware = Hardware()
    drivers = _read_boards(boards, hardware)
    for place in devices.members():
        place.named("device", hardware.device_names)
        hardware.device_names.setdefault(str(place.name), place)
    for place in devices.members():
        _read_device(place, hardware, drivers)
    _check_parts(hardware)
    _check_wiring(hardware)
    return hardware


def _read_boards(boards: Place, hardware: Hardware) -> dict[str, Driver]:
    drivers: dict[str, Driver] = {}
    ports: dict[str, Place] = {}
    for place in boards.members():
        name = str(place.name)
        place.named("board", hardware.board_names)
        hardware.board_names.setdefault(name, place)
        driver = _driver(place)
        spec = place.read(driver.board_spec) if driver else None
        if driver:
            drivers[name] = driver
        if spec:
            hardware.boards[name] = spec
        port = (place / "port").value
        if port == "":
            (place / "port").refuse(
                "the name of a port is due here", "for example: /dev/ttyACM0; see robotd ports"
            )
        first = ports.setdefault(port, place) if isinstance(port, str) else place
        if first is not place:
            line = first.document.where((*first.steps, "port")).line
            sentence = f"the port {port} is already used by the board '{first.name}' in line {line}"
            (place / "port").refuse(sentence, "each board has a port of its own")
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


def _read_device(place: Place, hardware: Hardware, drivers: Mapping[str, Driver]) -> None:
    name, kind = str(place.name), place / "kind"
    if not _text(place, "kind", KINDS):
        return
    if kind.value in COMPOSITES:
        hardware.kinds[name] = kind.value
        spec = place.read(COMPOSITES[kind.value])
        if spec:
            hardware.devices[name] = spec
        return
    if kind.value in KINDS:
        hardware.kinds[name] = kind.value
    board = _board(place, hardware)
    driver = drivers.get(board) if board else None
    if driver is None:
        if kind.value not in KINDS:
            kind.refuse(f"there is no kind '{kind.value}'", nearest(kind.value, KINDS, what="kinds"))
        return
    spec_type = driver.device_specs.get(kind.value)
    if spec_type is None:
        options = [*driver.device_specs, *COMPOSITES]
        kind.refuse(
            f"a {driver.name} board has no '{kind.value}'", nearest(kind.value, options, what="kinds")
        )
        return
    spec = place.read(spec_type)
    if spec:
        hardware.devices[name] = spec


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


def _board(device: Place, hardware: Hardware) -> str | None:
    if "board" not in device:
        device.refuse("'board' is missing", nearest("", hardware.board_names, what="boards"), key=True)
        return None
    return (device / "board").known(hardware.board_names, "board")


def _check_parts(hardware: Hardware) -> None:
    """The parts of composite devices exist, are of the right kind, and belong to one whole each."""
    owners: dict[str, Place] = {}
    for name, kind in hardware.kinds.items():
        for key, due in PARTS.get(kind, {}).items():
            place = hardware.device_names[name] / key
            part = None if place.value is None else place.known(hardware.device_names, "device")
            if part is None:
                continue
            found = hardware.kinds.get(part, due)
            owner = owners.setdefault(part, place)
            if found != due:
                there_are = [other for other, kind in hardware.kinds.items() if kind == due]
                place.refuse(
                    f"a {due} is due here; '{part}' is a {found}", f"there are {', '.join(there_are)}"
                )
            elif owner.steps[-2] != name:
                place.refuse(f"'{part}' is already the {owner.name} of '{owner.steps[-2]}'")


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
