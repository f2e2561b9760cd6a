"""All boards and devices of one robot, built from their specs, each board on its port or on its twin."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hal.board import Board, BoardEvent, BoardSpec
from hal.device import Actuator, Device, DeviceSpec, Evidence
from hal.errors import DeviceRefused
from hal.faults import FaultError, FaultyLink, FaultyTwin, FaultyTwinLink
from hal.kinds import COMPOSITES, compose
from hal.kinds.gantry import Gantry
from hal.kinds.output import HasOutput, OutputTap
from hal.kinds.three_axes import ControllerTap
from hal.link import Link
from hal.links import open_link
from hal.links.tap import TappedLink
from hal.registry import find_driver
from hal.twin import RidingTwin, Twin, UnknownQuantity


class Rig:
    """What hal knows of one robot. Make it with `build` or `of`."""

    def __init__(
        self,
        boards: Mapping[str, Board],
        devices: Mapping[str, Device],
        twins: Mapping[str, FaultyTwin],
        wires: Mapping[str, FaultyLink | FaultyTwinLink],
    ) -> None:
        self.boards = dict(boards)
        self.devices = dict(devices)
        self.twins = dict(twins)
        """The simulated boards' far ends."""
        self._wires = dict(wires)
        self._callbacks: list[Callable[[BoardEvent], None]] = []
        self._running: asyncio.Task[None] | None = None
        for board in self.boards.values():
            board.listener = self._tell

    @classmethod
    def build(
        cls,
        boards: Mapping[str, BoardSpec],
        devices: Mapping[str, DeviceSpec],
        *,
        simulated: Collection[str] = (),
        ports: Mapping[str, str] | None = None,
        rng: random.Random,
        faults: Mapping[str, Sequence[str]] | None = None,
        tap: Callable[[str, str, bytes], None] | None = None,
        folder: Path | None = None,
        drafts: dict[str, str] | None = None,
    ) -> Self:
        """Build everything; nothing is opened yet.

        Args:
            boards: What the file says about each board...
            devices: ...and about each device, those without a board (a drive base) among them.
            simulated: The boards whose wire leads to their twin.
            ports: Ports to use in place of those in the specs, by board.
            rng: Seeds each board and twin; the same seed gives the same history.
            faults: What goes wrong, by board, in the grammar of `hal.faults`. A real board's wire can only
                be made faulty later, by `inject`, if it is named here, be it with no fault.
            tap: Told of all bytes on all wires: the board, `to` or `from` it, and the bytes.
            folder: Where the files are that verbs are told by name.
            drafts: What verbs write instead goes here, by name, and is read from here first.

        Raises:
            DriverNotFound: for a board's `driver`.
            DeviceRefused: a device names what is not there, or what its board cannot carry.
            FaultError: a text is no fault, or none that this board can have.
        """
        for name in faults or ():
            if name not in boards:
                raise FaultError(f"there is no board '{name}' that could have faults")
        built: dict[str, Board] = {}
        twins: dict[str, FaultyTwin] = {}
        wires: dict[str, FaultyLink | FaultyTwinLink] = {}
        for name, spec in boards.items():
            port = (ports or {}).get(name)
            if port is not None:
                spec = spec.model_copy(update={"port": port})
            driver = find_driver(spec.driver)
            own_rng = random.Random(rng.getrandbits(64))
            asked = faults.get(name) if faults else None
            link: Link
            if name in simulated:
                title = f"simulated {name}"
                far_end = driver.twin(name, spec, devices, own_rng)
                twins[name] = FaultyTwin(title, far_end, own_rng, asked or ())
                link = wires[name] = FaultyTwinLink(title, twins[name])
            elif asked is None:
                link = open_link(spec.port, spec.baud, spec.parity)
            else:
                link = wires[name] = FaultyLink(open_link(spec.port, spec.baud, spec.parity), own_rng, asked)
            if tap is not None:
                link = TappedLink(link, partial(tap, name))
            built[name] = driver.board(name, spec, partial(_the_same, link), own_rng)
        for name, twin in twins.items():
            if isinstance(twin.twin, RidingTwin):
                twin.twin.robot = partial(_worlds, [other for other in twins if other != name], twins)
        added = _add_devices(built, devices)
        for device in added.values():
            device.folder = folder
            device.drafts = drafts
        return cls(built, added, twins, wires)

    @classmethod
    def of(
        cls,
        boards: Mapping[str, Mapping[str, Any]],
        devices: Mapping[str, Mapping[str, Any]],
        *,
        simulated: Collection[str] = (),
        faults: Mapping[str, Sequence[str]] | None = None,
        seed: int = 0,
        tap: Callable[[str, str, bytes], None] | None = None,
    ) -> Self:
        """Build from plain data, as a robot's file has it. Raises pydantic's `ValidationError` too."""
        drivers = {name: find_driver(data["driver"]) for name, data in boards.items()}
        board_specs = {name: drivers[name].board_spec.model_validate(data) for name, data in boards.items()}
        device_specs = {
            name: (drivers[data["board"]].device_specs if "board" in data else COMPOSITES)[
                data["kind"]
            ].model_validate(data)
            for name, data in devices.items()
        }
        rng = random.Random(seed)
        return cls.build(board_specs, device_specs, simulated=simulated, faults=faults, rng=rng, tap=tap)

    def listen(self, callback: Callable[[BoardEvent], None]) -> None:
        """Call `callback` with every event of every board, from the loop."""
        self._callbacks.append(callback)

    def tap_outputs(self, told: Callable[[Actuator, float], None]) -> None:
        """Tell `told` of each value that an actuator is about to write, in the unit of its `Output`.

        Of a gantry, which has none: of each speed in m/s.
        """
        for device in self.devices.values():
            if isinstance(device, Gantry):
                most_m_s = device.spec.max_speed
                device.controller = ControllerTap(device.controller, most_m_s, partial(told, device))
            elif isinstance(device, Actuator) and isinstance(device, HasOutput):
                device.output = OutputTap(device.output, partial(told, device))

    async def run(self) -> None:
        """Run every board's supervisor until cancelled. An error that nobody foresaw ends all of them."""
        async with asyncio.TaskGroup() as group:
            for board in self.boards.values():
                group.create_task(board.run(), name=f"board {board.name}")

    async def online(self) -> Mapping[str, Device]:
        """Wait until every board is there, and return the devices."""
        for board in self.boards.values():
            await board.online()
        return self.devices

    def halt(self) -> None:
        """Stop everything: first the bytes of every board, then every actuator. Never waits, never raises."""
        for board in self.boards.values():
            board.halt()
        for device in self.devices.values():
            if isinstance(device, Actuator):
                device.halt()

    async def confirm_stop(self) -> dict[str, Evidence]:
        """What every board says about its actuators; a drive base is as confirmed as its weaker wheel."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(board.confirm_stop()) for board in self.boards.values()]
        evidence = {name: proof for task in asked for name, proof in task.result().items()}
        for name, device in self.devices.items():
            if parts := device.spec.parts():
                evidence[name] = min((evidence[part] for part in parts), key=lambda proof: proof.confirmed)
        return evidence

    def inject(self, board: str, fault: str) -> None:
        """Let something go wrong at `board`, now or `after` from now, in the grammar of `hal.faults`.

        From the loop only. Raises `FaultError`, also for a real board that was built without faults.
        """
        self._wire(board, fault).inject(fault)

    def mend(self, board: str) -> None:
        """End every fault of `board`, and forget those still to come. From the loop only."""
        self._wire(board, "mend").mend()

    def world(self) -> dict[str, float | bool]:
        """What is so in the simulated boards' worlds, in SI; of a name that two have, the first one's."""
        for wire in self._wires.values():
            if isinstance(wire, FaultyTwinLink):
                wire.catch_up()
        return _worlds(self.twins, self.twins)

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin a quantity of the simulated worlds, or give it back (None). Raises `UnknownQuantity`."""
        known: list[str] = []
        for twin in self.twins.values():
            try:
                twin.set_world(name, value)
            except UnknownQuantity as error:
                known += error.known
            else:
                return
        raise UnknownQuantity(name, known)

    async def __aenter__(self) -> Self:
        """Run in the background: for scripts. The daemon puts `run` in its own task group."""
        self._running = asyncio.create_task(self.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Halt and close. Raises what ended `run` before its time, if something did."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.result()

    def _wire(self, board: str, fault: str) -> FaultyLink | FaultyTwinLink:
        if board not in self._wires:
            why = "is real and was built without faults" if board in self.boards else "is no board"
            raise FaultError(f"'{fault}' cannot happen: {board} {why}")
        return self._wires[board]

    def _tell(self, event: BoardEvent) -> None:
        for callback in self._callbacks:
            callback(event)


def _worlds(names: Iterable[str], twins: Mapping[str, Twin]) -> dict[str, float | bool]:
    """The quantities of these twins' worlds; of a name that two have, the first one's."""
    whole: dict[str, float | bool] = {}
    for name in names:
        whole = twins[name].world() | whole
    return whole


def _the_same(link: Link) -> Link:
    """A link may be opened again after its end, so a board keeps its one."""
    return link


def _add_devices(boards: Mapping[str, Board], specs: Mapping[str, DeviceSpec]) -> dict[str, Device]:
    devices: dict[str, Device] = {}
    for name, spec in specs.items():
        if spec.board is not None:
            if spec.board not in boards:
                raise DeviceRefused(name, f"there is no board '{spec.board}'")
            devices[name] = boards[spec.board].add(name, spec)
    for name, spec in specs.items():
        if spec.board is None:
            devices[name] = compose(name, spec, devices)
    return {name: devices[name] for name in specs}
