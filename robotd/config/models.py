"""The shape of the file: one flat model for each kind of entry; the JSON Schema is made of the same.

Fields that hold further entries, names of other parts, or either a text or a list, are `Any` here, with the
schema beside them: they are checked in the modules that know the names, with a sentence about that name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from hal import PositiveDuration

WORD = r"^[A-Za-z][A-Za-z0-9_]*$"
PATH = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"


def _ref(name: str) -> dict[str, Any]:
    # Inside `allOf`, since pydantic would look a bare reference up before all models are known.
    return {"allOf": [{"$ref": f"#/$defs/{name}"}]}


def _each(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": WORD}, "additionalProperties": _ref(name), **more}


def _or_word(name: str, *words: str) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(words)}, _ref(name)]}


def _one_or_more(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


Names = Annotated[Any, WithJsonSchema(_one_or_more({"type": "string", "pattern": PATH}))]
Active = Annotated[
    Any, WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]})
]
ExpressionText = Annotated[Any, WithJsonSchema({"type": "string", "maxLength": 1000})]
Invariants = Annotated[Any, WithJsonSchema(_one_or_more({"type": "string", "maxLength": 1000}))]
DoSteps = Annotated[Any, WithJsonSchema(_one_or_more(_ref("Step")))]
StateEntries = Annotated[Any, WithJsonSchema(_each("StateModel", minProperties=1))]
TransitionEntries = Annotated[Any, WithJsonSchema({"type": "array", "items": _ref("TransitionModel")})]
AlwaysEntries = Annotated[Any, WithJsonSchema({"type": "array", "items": _ref("AlwaysModel")})]


class Entry(BaseModel):
    """One mapping of the file. A key it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeoutModel(Entry):
    """What comes by itself when a state is not left in time."""

    after: PositiveDuration = Field(description="counted from entering the state")
    trigger: Annotated[str, WithJsonSchema({"type": "string", "pattern": WORD})] = Field(
        description="the trigger that then comes; some transition must take it"
    )


class StateModel(Entry):
    """One state and the states inside it."""

    active: Active = Field(
        default=None, description="the devices it needs; children inherit; leaving deactivates them"
    )
    initial: Any = Field(
        default=None, description="the child that is entered with it", json_schema_extra={"type": "string"}
    )
    history: Literal["shallow", "deep"] | None = Field(
        default=None, description="re-enter the child that was left last"
    )
    do: DoSteps = Field(default=None, description="started by entering, cancelled by leaving")
    timeout: Annotated[Any, WithJsonSchema(_ref("TimeoutModel"))] = None
    unattended: bool = Field(default=False, description="goes on without an operator")
    final: bool = Field(default=False, description="nothing leads out of it but the built-in triggers")
    states: StateEntries = None


class AlwaysModel(Entry):
    """A transition without a trigger, taken as soon as its guard holds."""

    source: Names
    dest: Annotated[Any, WithJsonSchema({"type": "string", "pattern": PATH})]
    when: ExpressionText
    do: DoSteps = None


class TransitionModel(Entry):
    """From any of the sources, on any of the triggers, if the guard holds."""

    trigger: Names
    source: Names
    dest: Annotated[Any, WithJsonSchema({"type": "string", "pattern": PATH})] = Field(
        default=None, description="left out: no state is left"
    )
    when: ExpressionText = Field(
        default=None, description="the guard, over readings, payload and states, in SI"
    )
    do: DoSteps = None


class RegionModel(Entry):
    """One machine beside others."""

    initial: Annotated[Any, WithJsonSchema({"type": "string"})]
    states: StateEntries
    transitions: TransitionEntries = None
    always: AlwaysEntries = None


class MachineModel(Entry):
    """The machine of the robot: one, or several as regions."""

    version: Annotated[int, Field(ge=1)] = Field(
        default=1, description="commands may name the version they were written for"
    )
    initial: Annotated[Any, WithJsonSchema({"type": "string"})] = None
    states: StateEntries = None
    transitions: TransitionEntries = None
    always: AlwaysEntries = None
    regions: Annotated[Any, WithJsonSchema(_each("RegionModel", minProperties=1))] = None


class EventModel(Entry):
    """An event that comes when `when` begins to hold, and again only after `clear` (or not `when`) held."""

    when: ExpressionText
    clear: ExpressionText = None
    lane: Literal["safety", "event", "background"] = "event"


AddressText = Annotated[
    Any, WithJsonSchema({"type": ["string", "null"], "examples": ["127.0.0.1:8080", "off"]})
]


class ListenModel(Entry):
    """Where clients come in. `off` closes one; what is left out is where the default says."""

    websocket: AddressText = Field(default="127.0.0.1:8080", description="host:port, for WebSocket and HTTP")
    tcp: AddressText = Field(default="127.0.0.1:8081", description="host:port, one JSON object a line")
    unix: AddressText = Field(default="robotd.sock", description="a name in the run-time folder, or a path")


class FileModel(Entry):
    """A robot: everything robotd knows about it."""

    robot: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(description="its name")
    boards: Annotated[Any, WithJsonSchema(_each("Board"))] = None
    devices: Annotated[Any, WithJsonSchema(_each("Device"))] = None
    events: Annotated[Any, WithJsonSchema(_each("EventModel"))] = None
    handlers: Annotated[
        Any, WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": r"\.py$"}})
    ] = Field(default=None, description="Python files next to this one")
    machine: Annotated[Any, WithJsonSchema(_ref("MachineModel"))]
    never: Invariants = Field(
        default=None,
        description="what may never hold, over states and readings: over states alone `check` proves it",
    )
    always: Invariants = Field(default=None, description="what must always hold, likewise")
    listen: Annotated[Any, WithJsonSchema(_ref("ListenModel"))] = None
    limits: Annotated[Any, WithJsonSchema(_ref("LimitsModel"))] = None
    journal: Annotated[Any, WithJsonSchema(_ref("JournalModel"))] = None
    guard: Annotated[Any, WithJsonSchema(_or_word("GuardModel", "on", "off"))] = Field(
        default=None, description="the second process, which stops the robot when the daemon cannot"
    )
    lease: Annotated[Any, WithJsonSchema(_or_word("LeaseModel", "off"))] = Field(
        default=None, description="who moves the robot, one at a time"
    )
    access: Annotated[Any, WithJsonSchema(_ref("AccessModel"))] = None
    hosts: list[str] = Field(default=[], description="further names under which clients may reach this robot")
    origins: list[str] = Field(default=[], description="further web origins whose pages may drive it")
