"""The shape of a scenario's file: which keys there are; its JSON Schema is made of the same.

What stands under most keys depends on the robot: `reading.py` checks it, with a sentence about that.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from hal import Duration, PositiveDuration

MOST_AT_ONCE = 10_000

_TEXT = {"type": "string"}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_VALUE = {"type": ["string", "number", "boolean"]}
_WANTED = {**_VALUE, "examples": ["0 m/s", "> 0.1 m/s", "10.1..10.3 V", "stale", True]}
_VALUES = {"type": "object", "additionalProperties": _VALUE}
_FACTS = {
    "state": {**_TEXTS, "description": "a state, or one of each region; the path of a parent will do"},
    "event": {**_TEXTS, "description": "told to the machine since the last expectation was met"},
    "no_event": {**_TEXTS, "description": "not told to it since then"},
    "count": {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0},
        "description": "how many times it was told each event, from the start",
    },
    "order": {"type": "array", "items": _TEXT, "description": "told in this order, from the start"},
    "stage": {
        "anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}],
        "description": "the stage that the last command, or each of these, has reached, and its reason",
        "examples": ["done", "rejected latched", {"drive": "done freshness"}],
    },
    "answer": {"type": "object", "description": "the least that the last answer says"},
    "world": {"type": "object", "additionalProperties": _WANTED, "description": "as it really is"},
    "board": {"type": "object", "additionalProperties": _TEXT, "examples": [{"arduino": "online"}]},
    "device": {"type": "object", "additionalProperties": _TEXT, "examples": [{"base": "inactive"}]},
}
FACTS = tuple(_FACTS)
"""What may be expected; every other key of an expectation is a reading."""

Named = Annotated[
    Any,
    WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "minProperties": 1, "maxProperties": 1}]}),
]
World = Annotated[Any, WithJsonSchema({**_VALUES, "examples": [{"battery": "10.2 V", "bumper": "pressed"}]})]
FaultText = Annotated[Any, WithJsonSchema({"type": ["string", "object"], "examples": ["unplug 5 s"]})]
Facts = Annotated[
    Any,
    WithJsonSchema(
        {"type": "object", "minProperties": 1, "properties": _FACTS, "additionalProperties": _WANTED}
    ),
]
Steps = Annotated[
    Any,
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"allOf": [{"$ref": "#/$defs/StepModel"}]}}),
]
Faults = Annotated[Any, WithJsonSchema({"type": "object", "additionalProperties": _TEXTS})]
Invariants = Annotated[Any, WithJsonSchema(_TEXTS)]


class Entry(BaseModel):
    """One mapping of the file. A key it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepModel(Entry):
    """One step: when, one action, and what goes with it."""

    at: Duration | None = Field(default=None, description="counted from when the robot was ready")
    within: PositiveDuration | None = Field(default=None, description="so long an expectation may take")
    lasting: PositiveDuration | None = Field(
        default=None, alias="for", description="so long it has to hold, or a setpoint or lease is renewed"
    )
    send: Named = Field(default=None, description="a command, with or without its payload")
    payload: dict[str, Any] | None = None
    called: str | None = Field(default=None, alias="as", description="what later steps call the command")
    valid_for: PositiveDuration | None = None
    id: str | None = Field(default=None, min_length=1, max_length=64)
    priority: Literal["command", "background"] | None = None
    version: int | None = None
    times: int | None = Field(default=None, ge=1, le=MOST_AT_ONCE, description="so many at once")
    client: str | None = Field(default=None, alias="from", description="who does it")
    stop: str | None = Field(default=None, description="stop the robot; the text is the reason")
    reset: str | None = Field(default=None, description="`latest`, or the id of a latch")
    lease: Literal["acquire", "release", "steal"] | None = Field(
        default=None, description="who has it moves the robot; the first who does takes it by that"
    )
    cancel: str | None = Field(default=None, description="a command that was sent")
    write: str | None = Field(default=None, description="a line to the robot, whatever it is")
    connect: str | None = Field(default=None, description="a further client comes")
    over: Literal["tcp", "websocket"] | None = Field(default=None, description="how it comes")
    disconnect: str | None = Field(default=None, description="a client hangs up")
    gap: PositiveDuration | None = Field(
        default=None, description="no byte passes between the robot and its clients for so long"
    )
    world: World = Field(default=None, alias="set", description="hold the world so; `free` lets go of it")
    fault: FaultText = Field(
        default=None, description="something goes wrong, with the only board or with one"
    )
    mend: str | None = Field(default=None, description="a board, or `all`")
    inject: Named = Field(default=None, description="an event, as if it had happened")
    wait: PositiveDuration | None = None
    expect: Facts = None


class ScenarioModel(Entry):
    """A scenario: one story about a robot. `robotd test` tells whether it goes as it should."""

    robot: str = Field(description="the robot's file, from the folder of this one; or `example:rover`")
    scenario: str = Field(min_length=1, description="what the story is about")
    seed: int = Field(default=0, ge=0, description="of chance, where the command line names none")
    faults: Faults = Field(default=None, description="what is wrong with each board from the start")
    world: World = Field(default=None, alias="set", description="how the world is held at the start")
    steps: Steps
    never: Invariants = Field(default=None, description="what may never hold, over states and readings")
    always: Invariants = Field(default=None, description="what must always hold, likewise")
