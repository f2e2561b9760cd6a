"""What every device on a Modbus line has: a place on its unit, and an actuator a stop that is put again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hal.device import Actuator, Device, Evidence
from hal.drivers.bus import Priority
from hal.drivers.modbus.words import Answer, Function, Request, explain

SILENT_AFTER_S = 0.5
"""What was not heard for so long is silent, where the file says nothing else."""

Memory = Mapping[int, int]
"""What was read of a unit, by address."""


class Send(Protocol):
    """How a fitting has its unit asked. `told` gets the answer, or None: there was none, or it is void."""

    def __call__(
        self, request: Request, priority: Priority, topic: Hashable, told: Callable[[Answer | None], None]
    ) -> None:
        """Of requests with one topic and priority only the newest waits. Raises `DeviceGone`, `LinkFull`."""


class Place(NamedTuple):
    """Where the values of a device stand."""

    unit: int
    function: Function
    first: int
    last: int
    sample_s: float


@dataclass(eq=False)
class Fitting(ABC):
    """One device on its unit."""

    device: Device
    place: Place

    @property
    def stale_s(self) -> float:
        """Its unit not heard for so long, it means nothing any more."""
        return self.device.stale_after_s or SILENT_AFTER_S

    @abstractmethod
    def take(self, memory: Memory, now: float) -> str | None:
        """Its values were read. Returns why it is faulted by them, as a sentence."""


class ActingFitting(Fitting):
    """An actuator on its unit. What was lost on the way shows when its values are read, and is told again."""

    device: Actuator

    def __init__(self, device: Actuator, place: Place, send: Send) -> None:
        super().__init__(device, place)
        self._send = send
        self._under_way = 0
        """How many writes nobody has answered yet."""
        self._expected: dict[int, int] = {}
        """What it should read, by address."""

    def setup(self) -> Request | None:
        """What makes it safe before it is online. Forgets what it was told before."""
        self._under_way = 0
        self._expected = {}
        return self.stop()

    @abstractmethod
    def stop(self) -> Request | None:
        """What makes it safe, whatever it does now."""

    @abstractmethod
    def halt(self) -> None:
        """Have it told to be safe, as the next thing on the line. Raises `DeviceGone`, `LinkFull`."""

    @abstractmethod
    def judge(self, memory: Memory, now: float) -> Evidence:
        """What its values say about a stop."""

    def watchdog(self, count: int) -> Request | None:
        """What keeps its own watchdog quiet; `count` is another one each time."""
        return None

    @abstractmethod
    def _again(self) -> None:
        """Tell it what it should do once more."""

    def _look(self, memory: Memory) -> None:
        if not self._under_way and any(memory[at] != value for at, value in self._expected.items()):
            self._again()

    def _tell(self, request: Request, priority: Priority, topic: str) -> None:
        def told(answer: Answer | None) -> None:
            self._under_way = max(0, self._under_way - 1)
            if answer is not None and answer.refusal and priority is not Priority.STOP:
                self.device.fail(f"unit {request.unit} refuses a write: {explain(answer.refusal)}")

        self._under_way += 1
        try:
            self._send(request, priority, (self.device.name, topic), told)
        except Exception:
            self._under_way -= 1
            raise
