"""From a Python function to a payload's schema and back to keyword arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.action import (
    NO_DEFAULT,
    BindError,
    CommandInfo,
    HandlerInfo,
    Parameter,
    Signature,
    SignatureError,
    handler,
    handler_info,
    merge_parameters,
)
from robotd.core.parameter import MAX_WHOLE
from tests.counts import cases


async def drive(linear_m_s: float, angular_rad_s: float = 0.0) -> None: ...


async def reach(robot: object, joints_rad: dict[str, float], speed_percent: float = 100.0) -> None: ...


async def greet(robot: object, name: str, times: int = 1, loud: bool = False, gain: float = 1) -> None: ...


DRIVE = Signature.of(drive, skip_first=False)
GREET = Signature.of(greet, skip_first=True)
REACH = Signature.of(reach, skip_first=True)


def command_of(*signatures: Signature, moves: bool = True, streamed: bool = False) -> CommandInfo:
    parameters = merge_parameters(signature.parameters for signature in signatures)
    return CommandInfo("command", parameters, moves, streamed)


def refused(bind: Callable[[Mapping[str, Any]], object], values: Mapping[str, Any]) -> BindError:
    with pytest.raises(BindError) as caught:
        bind(values)
    assert caught.value.reason == "invalid_params"
    return caught.value


# Reading a signature.


def test_the_unit_comes_off_the_name_of_a_number() -> None:
    assert DRIVE.parameters == (
        Parameter("linear_m_s", "linear", float, "m/s"),
        Parameter("angular_rad_s", "angular", float, "rad/s", required=False, default=0.0),
    )


def test_only_the_name_of_a_float_carries_a_unit() -> None:
    async def act(option_a: str, retries_s: int, on_m: bool) -> None: ...

    parameters = Signature.of(act, skip_first=False).parameters
    assert [(p.wire_name, p.unit) for p in parameters] == [
        ("option_a", None),
        ("retries_s", None),
        ("on_m", None),
    ]


def test_a_whole_number_may_stand_as_the_default_of_a_float() -> None:
    gain = GREET.parameters[-1]

    assert (type(gain.default), gain.default) == (float, 1.0)


def test_annotations_are_read_as_text_or_as_types() -> None:
    namespace: dict[str, Any] = {}
    exec("async def act(speed_m_s: float, word: 'str' = 'x', on: bool = True): ...", namespace)

    assert [p.type for p in Signature.of(namespace["act"], skip_first=False).parameters] == [float, str, bool]


def test_what_may_be_none_in_python_is_simply_left_out_of_a_file() -> None:
    async def act(robot: object, x_m: float | None = None, speed_m_s: float | None = None) -> None: ...

    signature = Signature.of(act, skip_first=True)

    assert signature.parameters == (
        Parameter("x_m", "x", float, "m", required=False),
        Parameter("speed_m_s", "speed", float, "m/s", required=False),
    )
    assert signature.bind({"x": "20 mm"}) == {"x_m": 0.02}


def test_a_name_of_the_user_is_never_evaluated() -> None:
    async def act(robot: NotImported, x: float) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # the point

    assert Signature.of(act, skip_first=True).parameters == (Parameter("x", "x", float),)


def unannotated(robot, x): ...


async def variadic(robot: object, *values: float) -> None: ...


async def open_ended(robot: object, **values: float) -> None: ...


async def by_place(robot: object, x: float, /) -> None: ...


async def of_a_list(robot: object, x: list[float]) -> None: ...


async def wrong_default(robot: object, x: float = "1") -> None: ...  # type: ignore[assignment]  # the point


async def flag_default(robot: object, x: int = True) -> None: ...


async def endless_default(robot: object, x: float = math.inf) -> None: ...


async def twice(robot: object, speed_m_s: float, speed_rad_s: float) -> None: ...


async def alone() -> None: ...


async def keyword_robot(*, robot: object) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        *(unannotated, variadic, open_ended, by_place, of_a_list),
        *(wrong_default, flag_default, endless_default, twice, alone, keyword_robot),
    ],
)
def test_what_cannot_be_filled_in_from_a_file_is_refused_by_name(function: Callable[..., Any]) -> None:
    with pytest.raises(SignatureError, match=function.__name__):
        Signature.of(function, skip_first=True)


# Binding.


def test_values_become_keyword_arguments_in_si() -> None:
    assert DRIVE.bind({"linear": "300 mm/s", "angular": 1}) == {"linear_m_s": 0.3, "angular_rad_s": 1.0}


def test_defaults_are_left_to_python() -> None:
    assert DRIVE.bind({"linear": 0.3}) == {"linear_m_s": 0.3}


def test_json_does_not_tell_2_from_2_0() -> None:
    bound = GREET.bind({"name": "Ada", "times": 2.0})

    assert (bound["times"], type(bound["times"])) == (2, int)


def test_a_file_may_give_some_arguments_and_leave_the_others_to_the_payload() -> None:
    assert DRIVE.bind({"angular": 0.5}, partial=True) == {"angular_rad_s": 0.5}
    assert DRIVE.bind({}, partial=True) == {}


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        10**400,
        True,
        None,
        [1],
        {},
        "0.3",
        "0.3 rad",
        "fast",
        "nan m/s",
        "1e999 m/s",
        "",
    ],
)
def test_what_is_no_finite_speed_is_refused(value: object) -> None:
    assert refused(DRIVE.bind, {"linear": value}).parameter == "linear"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("times", value)
            for value in (1.5, True, "1", None, MAX_WHOLE + 1, -MAX_WHOLE - 1, math.nan, math.inf, 1e300)
        ),
        *(("loud", value) for value in (0, 1, "true", None)),
        *(("name", value) for value in (1, None, ["x"], True)),
        *(("gain", value) for value in ("1", "1 m", None)),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    assert refused(GREET.bind, {"name": "Ada", name: value}).parameter == name


def test_a_wrong_dimension_is_told_with_the_right_one() -> None:
    error = refused(DRIVE.bind, {"linear": "3 kg"})

    assert "speed" in error.sentence
    assert error.hint is not None
    assert "m/s" in error.hint


def test_a_missing_value_is_named() -> None:
    assert refused(DRIVE.bind, {"angular": 1}).sentence == "'linear' is missing"


def test_an_unknown_name_is_told_the_nearest_or_all() -> None:
    assert refused(DRIVE.bind, {"linear": 1, "angulr": 1}).hint == "did you mean 'angular'?"
    assert refused(DRIVE.bind, {"linear": 1, "zzz": 1}).hint == "it takes linear, angular"
    assert refused(Signature([]).bind, {"x": 1}).hint == "it takes no parameters"


def test_a_python_name_is_not_a_wire_name() -> None:
    error = refused(DRIVE.bind, {"linear": 1, "angular_rad_s": 1})

    assert error.hint == "did you mean 'angular'?"


def test_a_key_of_a_file_that_is_no_text_is_unknown() -> None:
    assert refused(DRIVE.bind, {"linear": 1, 2: 3}).parameter == "2"  # type: ignore[dict-item]  # the point


def test_an_endless_unknown_name_is_cut_in_the_answer() -> None:
    assert len(refused(DRIVE.bind, {"linear": 1, "x" * 10_000: 1}).sentence) < 100


# Commands.


def test_a_payload_keeps_its_wire_names_and_gets_its_defaults() -> None:
    assert command_of(DRIVE).bind({"linear": "30 mm/s"}) == {"linear": 0.03, "angular": 0.0}


def test_a_command_without_parameters_takes_an_empty_payload_only() -> None:
    stop = CommandInfo("disarm", (), False, False)

    assert stop.bind({}) == {}
    refused(stop.bind, {"x": 1})


@pytest.mark.parametrize(
    ("moves", "streamed", "valid_for_s"), [(True, True, 0.4), (True, False, 30.0), (False, False, 30.0)]
)
def test_what_moves_is_valid_for_a_time_by_default(moves: bool, streamed: bool, valid_for_s: float) -> None:
    assert command_of(DRIVE, moves=moves, streamed=streamed).valid_for_s == valid_for_s


def test_a_command_that_runs_several_actions_takes_the_parameters_of_all() -> None:
    command = command_of(DRIVE, GREET)

    assert [p.wire_name for p in command.parameters] == ["linear", "angular", "name", "times", "loud", "gain"]
    assert [p.wire_name for p in command.parameters if p.required] == ["linear", "name"]


def test_a_default_on_which_the_actions_do_not_agree_is_left_to_each() -> None:
    async def one(x: float = 1.0) -> None: ...
    async def other(x: float = 2.0) -> None: ...

    command = command_of(*(Signature.of(function, skip_first=False) for function in (one, other, one)))
    assert command.parameters == (Parameter("x", "x", float, required=False),)
    assert command.bind({}) == {}


def test_what_one_action_requires_is_required() -> None:
    async def other(linear_m_s: float = 0.1) -> None: ...

    parameter = command_of(Signature.of(other, skip_first=False), DRIVE).parameters[0]
    assert (parameter.required, parameter.default) == (True, NO_DEFAULT)


def test_one_wire_name_cannot_mean_two_things() -> None:
    async def turn(linear_rad: float) -> None: ...

    with pytest.raises(
        SignatureError, match="'linear' is a number in m/s for one action and a number in rad"
    ):
        command_of(DRIVE, Signature.of(turn, skip_first=False))


def test_the_schema_tells_the_unit_of_a_bare_number() -> None:
    assert command_of(DRIVE).json_schema() == {
        "type": "object",
        "properties": {
            "linear": {"type": ["number", "string"], "x-unit": "m/s"},
            "angular": {"type": ["number", "string"], "x-unit": "rad/s", "default": 0.0},
        },
        "required": ["linear"],
        "additionalProperties": False,
    }
    assert GREET.json_schema()["properties"] == {
        "name": {"type": "string"},
        "times": {"type": "integer", "default": 1},
        "loud": {"type": "boolean", "default": False},
        "gain": {"type": "number", "default": 1.0},
    }


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("1 m/s")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=3,
)
names = st.sampled_from(["linear", "angular", "name", "times", "loud", "gain", "joints", "other"])


@settings(max_examples=cases(5_000), deadline=None)
@given(st.dictionaries(names, json_values, max_size=6))
def test_any_payload_is_bound_to_finite_si_values_or_refused(payload: dict[str, Any]) -> None:
    command = command_of(DRIVE, GREET, REACH)
    try:
        bound = command.bind(payload)
    except BindError:
        return

    types = {parameter.wire_name: parameter.type for parameter in command.parameters}
    assert {name: type(value) for name, value in bound.items()} == types
    numbers = [*bound.values(), *bound.get("joints", {}).values()]
    assert all(math.isfinite(value) for value in numbers if isinstance(value, float))


# Numbers by name.


def test_numbers_by_name_are_read_one_by_one_in_their_unit() -> None:
    payload = {"joints": {"shoulder": "90 deg", "elbow": -1}}

    assert REACH.bind(payload) == {"joints_rad": {"shoulder": math.pi / 2, "elbow": -1.0}}
    assert type(command_of(REACH).bind(payload)["joints"]["elbow"]) is float


@pytest.mark.parametrize(
    ("joints", "sentence"),
    [
        (1.0, "'joints' must be numbers by name"),
        ([1.0], "'joints' must be numbers by name"),
        ("shoulder", "'joints' must be numbers by name"),
        ({"elbow": "1 m"}, "'joints.elbow': '1 m' is a length, but an angle is due here"),
        ({"elbow": True}, "'joints.elbow' must be a number"),
        ({"elbow": math.nan}, "'joints.elbow' is not a finite number"),
        ({"elbow": {"elbow": 1}}, "'joints.elbow' must be a number"),
        ({str(n): 1 for n in range(65)}, "'joints' has more than 64 entries"),
    ],
)
def test_what_is_no_number_by_name_is_refused_with_its_name(joints: object, sentence: str) -> None:
    assert refused(REACH.bind, {"joints": joints}).sentence == sentence


def test_the_schema_of_numbers_by_name_tells_their_unit() -> None:
    assert REACH.json_schema()["properties"]["joints"] == {
        "type": "object",
        "additionalProperties": {"type": ["number", "string"], "x-unit": "rad"},
        "maxProperties": 64,
    }


def test_numbers_by_name_have_no_default() -> None:
    async def wave(robot: object, joints_rad: dict[str, float] = {}) -> None: ...  # noqa: B006  # what is refused

    with pytest.raises(SignatureError, match="wave: 'joints_rad' has a default"):
        Signature.of(wave, skip_first=True)


# The decorator.


def test_a_handler_is_only_marked() -> None:
    marked = handler(greet)

    assert marked is greet
    assert handler_info(greet) == HandlerInfo(blocking=False)
    assert handler_info(drive) is None


def test_a_blocking_handler_says_so() -> None:
    @handler(blocking=True)
    def scan(robot: object) -> None: ...

    assert handler_info(scan) == HandlerInfo(blocking=True)


def test_the_decorator_may_be_written_with_empty_parentheses() -> None:
    @handler()
    async def wave(robot: object) -> None: ...

    assert handler_info(wave) == HandlerInfo(blocking=False)


def test_the_wrong_sort_of_function_is_refused_with_the_right_way_to_write_it() -> None:
    def plain(robot: object) -> None: ...

    with pytest.raises(SignatureError, match="plain is not an async function"):
        handler(plain)
    with pytest.raises(SignatureError, match="greet is async"):
        handler(blocking=True)(greet)
