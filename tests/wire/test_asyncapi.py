"""The AsyncAPI file says what the code does: methods, parameters, stages, reasons, transports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import yaml

from robotd.config.listen import Listen
from robotd.core.stage import STAGES, TERMINAL, Stage
from robotd.errors import REASONS, Refused
from robotd.json import decode, encode
from robotd.wire import params
from robotd.wire.http import WEBSOCKET_PATH
from robotd.wire.protocol import WORDS, encode_update, parse
from robotd.wire.resuming import MOST_PAST
from robotd.wire.session import Session
from robotd.wire.websocket import SUBPROTOCOL
from tests.wire.still_robot import StillRobot

FILE = yaml.safe_load(files("robotd.wire").joinpath("asyncapi.yaml").read_text())
MESSAGES = FILE["components"]["messages"]
SCHEMAS = FILE["components"]["schemas"]
REQUIRED = {"id": "x", "latch_id": "x", "topics": ["state"], "type": "arm", "letter": 1, "how": "dropped"}
REQUIRED |= {"lease_id": "x"}
"""A value for each parameter that some method needs."""
METHODS = [name for name, operation in FILE["operations"].items() if operation["action"] == "receive"]


class Memory:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.spoken = asyncio.Event()

    def write(self, messages: list[bytes]) -> None:
        self.spoken.set()
        self.written += [decode(message) for message in messages]

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self, why: str) -> None:
        pass


async def ask(message: Any) -> Any:
    """What a session answers to `message`."""
    transport = Memory()
    session = Session(StillRobot(), "test", transport)
    session.receive(encode(message))
    await transport.spoken.wait()
    session.close()
    return transport.written[0]


def resolve(value: Any) -> Any:
    """`value` without references and with what `allOf` brings."""
    if isinstance(value, list):
        return [resolve(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return resolve(at(value["$ref"]))
    merged: dict[str, Any] = {}
    for part in value.get("allOf", []):
        merged = merge(merged, resolve(part))
    return merge(merged, {key: resolve(item) for key, item in value.items() if key != "allOf"})


def merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: merge(first[key], second[key]) for key in first.keys() & second if isinstance(first[key], dict)
    }
    lists = {key: first[key] + second[key] for key in first.keys() & second if isinstance(first[key], list)}
    return first | second | both | lists


def at(reference: str) -> Any:
    found = FILE
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def params_of(method: str) -> dict[str, Any]:
    found: dict[str, Any] = resolve(MESSAGES[method]["payload"])["properties"]["params"]
    return found


def test_every_reference_leads_somewhere():
    for reference in references(FILE):
        at(reference)


def test_every_message_is_in_a_channel_and_every_schema_in_a_message():
    used = set(references(FILE))

    assert {f"#/components/messages/{name}" for name in MESSAGES} <= used
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= used


async def test_the_methods_are_those_that_the_code_names():
    refused = await ask({"jsonrpc": "2.0", "id": 1, "method": "nothing"})
    named = refused["error"]["data"]["hint"].removeprefix("there are ").split(", ")

    assert sorted(METHODS) == sorted(named)


@pytest.mark.parametrize("method", METHODS)
async def test_each_example_of_a_method_is_understood(method: str):
    for example in MESSAGES[method]["examples"]:
        answer = await ask(example["payload"])
        reason = answer.get("error", {}).get("data", {}).get("reason")

        assert answer["id"] == 1
        assert reason is None or (method == "cancel" and "is known" in answer["error"]["message"])


async def test_each_example_of_the_short_form_is_understood():
    for example in MESSAGES["shortSend"]["examples"]:
        assert (await ask(example["payload"]))["stage"] == "started"


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_knows_its_parameters_and_no_other(method: str):
    told = params_of(method)
    given = {name: REQUIRED[name] for name in told.get("required", [])}
    message = {"jsonrpc": "2.0", "id": 1, "method": method}
    with_unknown = await ask(message | {"params": {**given, "nonsense": 1}})
    closed = told.get("additionalProperties") is False

    assert ("there is no parameter" in with_unknown.get("error", {}).get("message", "")) == closed
    for name in told.get("properties", {}):
        answer = await ask(message | {"params": {**given, name: {"not": "valid"}}})
        assert "there is no parameter" not in answer.get("error", {}).get("message", ""), name


@pytest.mark.parametrize("method", METHODS)
async def test_a_required_parameter_is_required(method: str):
    told = params_of(method)
    for missing in told.get("required", []):
        given = {name: REQUIRED[name] for name in told["required"] if name != missing}
        answer = await ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": given})

        assert answer["error"]["data"]["reason"] == "invalid_params"


def test_a_command_is_described_as_it_is_read():
    command = resolve(SCHEMAS["command"])["properties"]

    assert set(command) == params.SEND_PARAMS
    assert command["wait"]["enum"] == list(params.WAITS)
    assert command["priority"]["enum"] == list(params.PRIORITIES)
    assert command["valid_for_ms"]["maximum"] == params.LONGEST_VALIDITY_MS
    assert command["id"]["maxLength"] == command["type"]["maxLength"] == params.NAME_LENGTH
    assert params_of("subscribe")["properties"]["max_hz"]["maximum"] == params.MAX_HZ
    rows = params_of("journal.read")["properties"]["limit"]
    assert (rows["maximum"], rows["default"]) == (params.MAX_ROWS, params.DEFAULT_ROWS)
    assert params_of("dead.bury")["properties"]["how"]["enum"] == list(params.BURIALS)
    assert f"At most {MOST_PAST} stages" in FILE["operations"]["subscribe"]["description"]
    assert params_of("estop")["properties"]["reason"]["maxLength"] == params.REASON_LENGTH


def test_the_stages_are_those_of_the_code():
    assert SCHEMAS["stage"]["properties"]["stage"]["enum"] == list(STAGES)
    assert set(STAGES) >= TERMINAL


def test_the_reasons_and_their_codes_are_those_of_the_code():
    assert SCHEMAS["refusal"]["x-codes"] == dict(REASONS)
    assert SCHEMAS["refusal"]["properties"]["data"]["properties"]["reason"]["enum"] == list(REASONS)


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_carries_a_trace_on(method: str):
    given = {name: REQUIRED[name] for name in params_of(method).get("required", [])}
    given["traceparent"] = f"00-{'ab' * 16}-{'cd' * 8}-01"
    answer = await ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": given})
    told = answer["result"] if "result" in answer else answer["error"]["data"]

    assert told["trace_id"] == "ab" * 16
    assert told["traceparent"].startswith(f"00-{'ab' * 16}-")
    assert told["traceparent"].endswith("-01")
    assert "cd" * 8 not in told["traceparent"]


def test_a_refusal_is_told_as_described():
    error = Refused("busy", "too much", hint="wait", retry_after_ms=5).as_error()

    assert set(SCHEMAS["refusal"]["required"]) == set(error)
    assert set(SCHEMAS["refusal"]["properties"]["data"]["required"]) <= set(error["data"])


def test_notifications_are_told_as_described():
    stage = Stage("a", "done", 1.0, "armed", "0" * 32, "freshness", 1.5, {}, 7)
    said = decode(encode_update("stage", stage._asdict(), 3))
    update = decode(encode_update("state", {"state": "armed"}, 3))

    assert set(said["params"]) == set(
        resolve(MESSAGES["stage"]["payload"])["properties"]["params"]["properties"]
    )
    assert set(update["params"]) == set(
        resolve(MESSAGES["update"]["payload"])["properties"]["params"]["properties"]
    )
    assert (said["method"], update["method"]) == ("stage", "update")
    lost = decode(encode_update("lease.lost", {"lease_id": "x", "why": "lapsed", "silent_ms": 1.0}))
    told = resolve(MESSAGES["lease.lost"]["payload"])["properties"]
    assert lost["method"] == told["method"]["const"]
    assert set(lost["params"]) <= set(told["params"]["properties"])


def test_the_servers_are_the_ways_in():
    servers = FILE["servers"]

    assert set(servers) == set(Listen.__slots__)
    assert servers["websocket"]["pathname"] == WEBSOCKET_PATH
    assert SUBPROTOCOL in servers["websocket"]["description"]


def test_the_two_words_are_named():
    for word, method in WORDS.items():
        assert f"`{word.decode()}` is `{method}`" in FILE["info"]["description"]
        assert parse(word, StillRobot().limits, words=True).method == method  # type: ignore[union-attr]  # a word is no batch
