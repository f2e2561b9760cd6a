"""A scenario as data: one story about a robot, what it is told, what the world does, what is expected.

`reading.py` makes a `Scenario` of a file, `writing.py` the text of a file of one:

    scenario = Scenario(
        robot="example:rover",
        title="a bump stops the wheels",
        seed=7,
        faults={"arduino": ("corrupt 2%",)},
        steps=(
            Step(Send("arm")),
            Step(Send("drive", {"linear": "0.3 m/s"}), at_s=1.0, for_s=2.0),
            Step(SetWorld({"bumper": True, "battery": Amount(10.2, "V")})),
            Step(Expect((Told("bump"),)), within_s=0.02),
            Step(Expect((InState("armed.teleop"), ReadingIs("base.linear", Bound("=", 0.0, "m/s"))))),
        ),
        never=("base.moving and estopped",),
    )
    path.write_text(to_yaml(scenario))

Numbers are SI. A payload stands as it does on the wire: numbers in SI, or texts with a unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from robotd.core.chart import NOWHERE, Where
from robotd.core.message import NO_PAYLOAD

OPERATOR = "operator"
"""The client that is connected from the start, and that speaks where a step names none."""
TCP, WEBSOCKET = "tcp", "websocket"
"""How a client may come."""
LATEST = "latest"
"""For `reset`: the latch of the newest stop, whoever asked for it."""
RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9
"""A number that is to equal another may be off by the larger of these two; for more, write a span."""


class Amount(NamedTuple):
    """A number in SI and its unit, empty for a plain number."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{_shortest(self.value)} {self.unit}".rstrip()


Relation: TypeAlias = Literal["=", ">", ">=", "<", "<=", ".."]


class Bound(NamedTuple):
    """What a number is expected to be: `0.3 m/s`, `> 0.1 m/s`, `10.1..10.3 V`."""

    relation: Relation
    value: float
    unit: str = ""
    high: float = 0.0
    """The upper end of a span (`..`), both ends included."""

    def holds(self, seen: float) -> bool:
        """Whether `seen` (SI) is so."""
        match self.relation:
            case "=":
                return math.isclose(seen, self.value, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
            case ">":
                return seen > self.value
            case ">=":
                return seen >= self.value
            case "<":
                return seen < self.value
            case "<=":
                return seen <= self.value
            case "..":
                return self.value <= seen <= self.high

    def __str__(self) -> str:
        value = _shortest(self.value)
        if self.relation == "..":
            value = f"{value}..{_shortest(self.high)}"
        elif self.relation != "=":
            value = f"{self.relation} {value}"
        return f"{value} {self.unit}".rstrip()


# -- what is expected ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InState:
    """Some region is in this state or inside it: `armed`, `armed.teleop`, `estopped`."""

    state: str


@dataclass(frozen=True, slots=True)
class ReadingIs:
    """A reading, `base.linear`, as the daemon has it; None: it is stale, or was never heard."""

    name: str
    value: Bound | bool | None


@dataclass(frozen=True, slots=True)
class WorldIs:
    """A quantity of the simulated world, `x`, as it really is."""

    name: str
    value: Bound | bool


@dataclass(frozen=True, slots=True)
class BoardIs:
    """A board is `online`, `lost`, `silent`, `refused` or `connecting`."""

    board: str
    state: str


@dataclass(frozen=True, slots=True)
class DeviceIs:
    """A device is `active`, `inactive`, `faulted` or `absent`."""

    device: str
    state: str


@dataclass(frozen=True, slots=True)
class Told:
    """Since the last expectation was met, the machine was told `event`; or was not.

    What comes at the very moment when that is met counts, but for what it was met by.
    """

    event: str
    happened: bool = True


@dataclass(frozen=True, slots=True)
class Counted:
    """From the start until now the machine was told `event` so many times."""

    event: str
    times: int


@dataclass(frozen=True, slots=True)
class InOrder:
    """From the start until now the machine was told these in this order, others in between or not."""

    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageIs:
    """A command has reached `stage`: the one that was sent last, or the last of that name or type."""

    stage: str
    command: str | None = None
    reason: str | None = None
    """The stable word for why: of the stage (`freshness`), or of its error (`latched`)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked last was answered with at least this: `{"error": {"data": {"reason": "busy"}}}`."""

    parts: Mapping[str, Any]


Fact: TypeAlias = (
    InState | ReadingIs | WorldIs | BoardIs | DeviceIs | Told | Counted | InOrder | StageIs | Answered
)


# -- what is done --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """A client sends a command. With `Step.for_s` it is a setpoint, renewed every 100 ms meanwhile."""

    type: str
    payload: Mapping[str, Any] = field(default_factory=lambda: NO_PAYLOAD)
    name: str | None = None
    """What later steps call it (`as:`)."""
    valid_for_s: float | None = None
    id: str | None = None
    priority: str | None = None
    version: int | None = None
    times: int = 1
    """So many at once."""
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Stop:
    """A client stops the robot."""

    reason: str
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Reset:
    """A client lifts the latch: that of the newest stop, or whatever id is written here."""

    latch_id: str = LATEST
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Lease:
    """A client takes the lease, from whoever has it or not, or gives it back. `Step.for_s`: renews it."""

    what: Literal["acquire", "release", "steal"]
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Cancel:
    """A client cancels the last command of that name or type."""

    command: str
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Write:
    """A client writes a line, whatever it is."""

    line: str
    client: str = OPERATOR


@dataclass(frozen=True, slots=True)
class Connect:
    """A further client comes."""

    client: str
    over: str = TCP
    """Over `websocket` it is cut off when it does not answer pings, as a browser is."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A client hangs up."""

    client: str


@dataclass(frozen=True, slots=True)
class Gap:
    """For so long no byte passes between the robot and its clients; what they send comes afterwards."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class SetWorld:
    """Quantities of the simulated world are held at a value; None gives one back to the world."""

    values: Mapping[str, Amount | bool | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something goes wrong with a board or its wire, in the grammar of `hal.parse_fault`."""

    board: str
    text: str


@dataclass(frozen=True, slots=True)
class Mend:
    """Every fault of a board ends, or of all boards."""

    board: str | None = None


@dataclass(frozen=True, slots=True)
class Inject:
    """The machine is told an event as if it had happened."""

    event: str
    payload: Mapping[str, Any] = field(default_factory=lambda: NO_PAYLOAD)


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class Expect:
    """All of these hold: now, within the step's `within_s`, or during the whole of its `for_s`."""

    facts: tuple[Fact, ...]


Action: TypeAlias = (
    Send
    | Stop
    | Reset
    | Lease
    | Cancel
    | Write
    | Connect
    | Disconnect
    | Gap
    | SetWorld
    | Fault
    | Mend
    | Inject
    | Wait
    | Expect
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. It begins when all that is due after the one before has happened, or later, `at_s`."""

    do: Action
    at_s: float | None = field(default=None, kw_only=True)
    """Seconds since the robot was ready."""
    within_s: float | None = field(default=None, kw_only=True)
    """An expectation may become true until then; without it, it has to be true now."""
    for_s: float | None = field(default=None, kw_only=True)
    """An expectation has to hold so long; a setpoint or a lease is renewed so long, while others go on."""
    where: Where = field(default=NOWHERE, kw_only=True, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story. It holds when every expectation is met and nothing of `never` and `always` is broken."""

    robot: str
    """The robot's file, from the folder of the scenario's; or `example:rover`."""
    title: str
    steps: tuple[Step, ...]
    seed: int = 0
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is wrong with each board from the first moment."""
    world: Mapping[str, Amount | bool | None] = field(default_factory=dict)
    """How the world is held when the robot starts."""
    never: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


def _shortest(number: float) -> str:
    return repr(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
