import json
from typing import Any

import pytest

from robotd.core.limits import Limits
from robotd.core.stage import Stage
from robotd.errors import Refused
from robotd.wire.protocol import (
    Batch,
    Call,
    Request,
    ShortSend,
    Word,
    encode_update,
    is_stop,
    parse,
)

LIMITS = Limits()
DONE = Stage("c1", "done", 12.5, "armed.teleop", "ab" * 16, reason="freshness", result={"linear": 0.3})
REJECTED = Stage(
    "c1", "rejected", 12.5, "armed", "ab" * 16, reason="busy", error=Refused("busy", "later").as_error()
)


def call(message: bytes, *, words: bool = False) -> Call:
    found = parse(message, LIMITS, words=words)
    assert isinstance(found, Call)
    return found


def batch(message: bytes) -> Batch:
    found = parse(message, LIMITS)
    assert isinstance(found, Batch)
    return found


def read(answer: bytes) -> Any:
    return json.loads(answer)


# -- the examples of the JSON-RPC 2.0 specification, section 7 ------------------------------------------


def test_a_request_with_named_parameters_is_answered_with_its_id():
    subtract = call(b'{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42}, "id": 3}')

    assert (subtract.method, subtract.params, subtract.refusal) == ("subtract", {"minuend": 42}, None)
    assert read(subtract.answer(19)) == {"jsonrpc": "2.0", "result": 19, "id": 3}


def test_a_notification_has_no_answer():
    update = call(b'{"jsonrpc": "2.0", "method": "update", "params": {}}')

    assert not update.answered
    assert (update.answer({}), update.refuse({})) == (b"", b"")


def test_invalid_json_is_a_parse_error_with_a_null_id():
    broken = call(b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')

    assert isinstance(broken, Request)
    assert broken.refusal is not None
    assert (broken.refusal.code, broken.id) == (-32700, None)


@pytest.mark.parametrize(
    "message",
    [
        b'{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"method": "status", "id": 1}',
        b'{"jsonrpc": "1.0", "method": "status", "id": 1}',
        b'{"jsonrpc": "2.0", "method": "status", "id": true}',
        b'{"jsonrpc": "2.0", "method": "status", "id": [1]}',
        b"{}",
        b"[]",
        b"1",
        b'"status"',
        b"null",
    ],
)
def test_what_is_json_but_no_call_is_an_invalid_request(message):
    refusal = call(message).refusal

    assert refusal is not None
    assert refusal.code == -32600


@pytest.mark.parametrize("call_id", ["a", "", 0, -7, 1.5, None])
def test_every_kind_of_id_comes_back_as_it_was(call_id):
    message = json.dumps({"jsonrpc": "2.0", "method": "status", "id": call_id}).encode()

    assert read(call(message).answer({}))["id"] == call_id


def test_a_malformed_call_is_refused_with_its_id_where_that_can_be_read():
    broken = call(b'{"method": "status", "id": 7}')

    assert broken.refusal is not None
    assert read(broken.refuse(broken.refusal.as_error()))["id"] == 7


# -- batches, section 6 ---------------------------------------------------------------------------------


def test_a_batch_is_answered_in_one_list_when_the_last_answer_is_there():
    three = batch(
        b'[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},'
        b'{"jsonrpc":"2.0","id":2,"method":"c"}]'
    )

    assert [call.answered for call in three.calls] == [True, False, True]
    assert three.add(three.calls[2].answer("C")) == b""
    answers = read(three.add(three.calls[0].answer("A")))
    assert [(answer["id"], answer["result"]) for answer in answers] == [(2, "C"), (1, "A")]


def test_each_thing_in_a_batch_that_is_no_call_has_its_own_error():
    three = batch(b"[1,2,3]")

    codes = [member.refusal.code for member in three.calls if member.refusal is not None]
    assert codes == [-32600] * 3


def test_a_batch_holds_as_many_calls_as_may_be_in_flight():
    member = b'{"jsonrpc":"2.0","method":"a"}'

    assert len(batch(b"[" + b",".join([member] * 64) + b"]").calls) == 64
    refusal = call(b"[" + b",".join([member] * 65) + b"]").refusal
    assert refusal is not None
    assert refusal.reason == "too_large"


# -- the short form and the words -----------------------------------------------------------------------


def test_the_original_message_format_is_a_send():
    drive = call(b'{"type": "drive", "payload": {"linear": 0.3}}')

    assert isinstance(drive, ShortSend)
    assert (drive.method, drive.command) == ("send", "drive")


def test_a_short_send_is_answered_with_its_type_and_the_id_of_the_command():
    answer = read(call(b'{"type": "drive"}').tell(DONE))

    assert answer == {
        "type": "drive",
        "id": "c1",
        "stage": "done",
        "state": "armed.teleop",
        "trace_id": "ab" * 16,
        "reason": "freshness",
        "result": {"linear": 0.3},
    }


def test_a_rejected_short_send_says_so_as_a_stage_with_the_error():
    answer = read(call(b'{"type": "drive"}').tell(REJECTED))

    assert (answer["type"], answer["id"], answer["stage"]) == ("drive", "c1", "rejected")
    assert answer["error"]["data"]["reason"] == "busy"


def test_a_malformed_short_send_is_refused_with_what_it_said_of_itself():
    answer = read(call(b'{"type": "drive", "id": "c7", "payload": 3}').refuse({"code": 1}))

    assert answer == {"type": "drive", "id": "c7", "stage": "rejected", "error": {"code": 1}}


@pytest.mark.parametrize(
    ("line", "method"), [(b"stop", "estop"), (b" STOP \r", "estop"), (b"status", "status")]
)
def test_a_person_may_type_a_word(line, method):
    word = call(line, words=True)

    assert isinstance(word, Word)
    assert word.method == method
    assert (read(word.answer({"a": 1})), read(word.refuse({"b": 2}))) == ({"a": 1}, {"error": {"b": 2}})


def test_a_word_is_a_parse_error_where_there_are_only_frames():
    refusal = call(b"stop").refusal

    assert refusal is not None
    assert refusal.reason == "parse_error"


# -- stops ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b'{"jsonrpc": "2.0", "id": 1, "method": "estop"}',
        b'{"jsonrpc": "2.0", "method": "estop", "params": [1, 2]}',
        b'{"method": "estop", "id": {"a": 1}}',
        b'{"jsonrpc": "3.0", "method": "estop", "unknown": 1}',
        b'{"type": "estop"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "send", "params": {"type": "estop", "payload": 7}}',
    ],
)
def test_a_stop_is_a_stop_however_badly_the_rest_is_formed(message):
    assert is_stop(call(message))


@pytest.mark.parametrize(
    "message",
    [
        b'{"type": "stop"}',
        b'{"type": ["estop"]}',
        b'{"jsonrpc": "2.0", "id": "estop", "method": "status"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "send", "params": "estop"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "send", "params": {"payload": {"type": "estop"}}}',
    ],
)
def test_what_only_speaks_of_a_stop_is_none(message):
    assert not is_stop(call(message))


# -- answers and notifications --------------------------------------------------------------------------


def test_a_stage_answers_a_send_as_a_result_and_a_rejection_as_an_error():
    send = call(b'{"jsonrpc": "2.0", "id": 5, "method": "send", "params": {"type": "drive"}}')

    assert read(send.tell(DONE))["result"]["stage"] == "done"
    assert read(send.tell(REJECTED))["error"]["code"] == -32002


def test_a_failed_command_is_a_result_that_carries_its_error():
    send = call(b'{"jsonrpc": "2.0", "id": 5, "method": "send", "params": {"type": "drive"}}')
    failed = DONE._replace(stage="failed", error=Refused("device_gone", "unplugged").as_error())

    assert read(send.tell(failed))["result"]["error"]["data"]["reason"] == "device_gone"


def test_a_stage_with_a_row_in_the_journal_says_which():
    send = call(b'{"jsonrpc": "2.0", "id": 5, "method": "send", "params": {"type": "drive"}}')

    assert "seq" not in read(send.tell(DONE))["result"]
    assert read(send.tell(DONE._replace(seq=812)))["result"]["seq"] == 812


def test_stages_have_a_notification_of_their_own_and_all_else_is_an_update():
    stage, state = encode_update("stage", {"id": "c1"}), encode_update("state", {"state": "armed"}, gap=3)

    assert read(stage) == {"jsonrpc": "2.0", "method": "stage", "params": {"id": "c1"}}
    assert read(state)["method"] == "update"
    assert read(state)["params"] == {"topic": "state", "data": {"state": "armed"}, "gap": 3}
