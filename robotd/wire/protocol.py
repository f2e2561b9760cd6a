"""JSON-RPC 2.0 as robotd speaks it, without any I/O: bytes to calls, results to bytes.

Beside requests, notifications and batches there are two shorter forms. `{"type": "drive", "payload": {...}}`
is a `send` without an answer id; its answer carries the command's own. On the line transports a person may
type the words `stop` and `status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from robotd.core.limits import Limits
from robotd.core.stage import REJECTED, Stage
from robotd.errors import Refused
from robotd.json import decode, encode, too_large
from robotd.wire.tracing import read_traceparent

VERSION = "2.0"
NOTICES = frozenset({"stage", "lease.lost"})
"""What is told as a method of its own; any other topic is an `update`."""
WORDS: Mapping[bytes, str] = {b"stop": "estop", b"status": "status"}
NO_PARAMS: dict[str, Any] = {}
TRACE = ("trace_id", "traceparent")
"""What an answer and an error's data say of the trace they belong to."""


class Call:
    """One thing that a client asks for, and how to answer it. A plain one is a notification: no answer."""

    __slots__ = ("batch", "command", "method", "params", "refusal")

    answered: ClassVar[bool] = False
    """Whether its sender waits for an answer."""

    def __init__(self, method: str, params: Any, refusal: Refused | None = None) -> None:
        self.method = method
        self.params = params
        """An object for every method that means to succeed; anything else is for the method to refuse."""
        self.refusal = refusal
        """Why this call cannot be carried out whatever its method is."""
        self.batch: Batch | None = None
        command = params.get("type") if method == "send" and type(params) is dict else None
        self.command: str | None = command if type(command) is str else None
        """The type of the command, where this is a `send` that has one."""

    def answer(self, result: Any) -> bytes:
        """The success, where there is an answer."""
        return b""

    def refuse(self, error: Mapping[str, Any]) -> bytes:
        """The failure, where there is an answer; `error` is `Refused.as_error()`."""
        return b""

    def tell(self, stage: Stage) -> bytes:
        """The answer to a `send` that has reached `stage`."""
        said = self._said_of(stage)
        if stage.stage == REJECTED and stage.error is not None:
            trace = {name: said[name] for name in TRACE if name in said}
            return self.refuse(traced(stage.error, trace))
        return self.answer(said)

    def _said_of(self, stage: Stage) -> dict[str, Any]:
        """The stage, with the trace that goes on where the sender named one."""
        said = stage_result(stage)
        if "traceparent" in self.params:
            trace = read_traceparent(self.params["traceparent"])
            if trace is not None and trace.id == stage.trace_id:
                said["traceparent"] = trace.traceparent(stage.id)
        return said


class Request(Call):
    """A JSON-RPC request (section 4): answered with its `id`."""

    __slots__ = ("id",)

    answered = True
    id: str | float | None
    """Set by who makes it: a constructor of its own would cost as much as all the rest of it."""

    def answer(self, result: Any) -> bytes:
        """The response object with `result`."""
        return encode({"jsonrpc": VERSION, "id": self.id, "result": result})

    def refuse(self, error: Mapping[str, Any]) -> bytes:
        """The response object with `error`."""
        return encode({"jsonrpc": VERSION, "id": self.id, "error": error})


class ShortSend(Call):
    """A command in the original message format."""

    __slots__ = ()

    answered = True

    def answer(self, result: Any) -> bytes:
        """The stage, beside the command's type."""
        return encode({"type": self.params["type"], **result})

    def refuse(self, error: Mapping[str, Any]) -> bytes:
        """The stage `rejected`, beside what the message said of itself."""
        known = {name: self.params[name] for name in ("type", "id", "trace_id") if name in self.params}
        return encode({**known, "stage": REJECTED, "error": error})

    def tell(self, stage: Stage) -> bytes:
        """The stage, a rejection too: without an answer id, the command's id is what a client knows it by."""
        said = self._said_of(stage)
        return self.answer({**said, "error": stage.error} if stage.error is not None else said)


class Word(Call):
    """A word that a person typed: the answer is the bare result."""

    __slots__ = ()

    answered = True

    def answer(self, result: Any) -> bytes:
        """The bare result."""
        return encode(result)

    def refuse(self, error: Mapping[str, Any]) -> bytes:
        """The error, named as such."""
        return encode({"error": error})


class Batch:
    """Calls that are answered together, in one list, when the last of them is answered (section 6)."""

    __slots__ = ("_answers", "_waiting", "calls")

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self._waiting = sum(call.answered for call in calls)
        self._answers: list[bytes] = []
        for call in calls:
            call.batch = self

    def add(self, answer: bytes) -> bytes:
        """Take the answer to a call that has one; returns the whole with the last, nothing before."""
        self._waiting -= 1
        self._answers.append(answer)
        return b"" if self._waiting else b"[" + b",".join(self._answers) + b"]"


def parse(message: bytes, limits: Limits, *, words: bool = False) -> Call | Batch:
    """What one message asks for. Never raises: what cannot be read is a call with a `refusal`."""
    if words and (method := WORDS.get(message.strip().lower())):
        return Word(method, NO_PARAMS)
    try:
        value = decode(message, limits)
    except Refused as refused:
        return unreadable(refused)
    if type(value) is not list:
        return read_call(value)
    if not value:
        return _not_a_request("a batch has at least one call")
    if len(value) > limits.in_flight:
        return unreadable(too_large("a batch", limits.in_flight, "calls"))
    return Batch([read_call(item) for item in value])


def read_call(value: Any) -> Call:
    """One decoded object, as a call."""
    if type(value) is not dict:
        return _not_a_request("a call is an object")
    method = value.get("method")
    if method is None and "type" in value:
        return ShortSend("send", value)
    call_id = value.get("id")
    if type(method) is not str:
        return _not_a_request("a call names its method")
    params = value.get("params", NO_PARAMS)
    if call_id is not None and type(call_id) not in (str, int, float):
        return _not_a_request("the id of a call is a string or a number", None, method, params)
    if value.get("jsonrpc") != VERSION:
        return _not_a_request('a call says "jsonrpc": "2.0"', call_id, method, params)
    if "id" not in value:
        return Call(method, params)
    call = Request(method, params)
    call.id = call_id
    return call


def is_stop(call: Call) -> bool:
    """Whether `call` means the emergency stop, however badly the rest of it may be formed."""
    return call.method == "estop" or call.command == "estop"


def stage_result(stage: Stage) -> dict[str, Any]:
    """The stage of a command as its sender is told."""
    result: dict[str, Any] = {
        "id": stage.id,
        "stage": stage.stage,
        "state": stage.state,
        "trace_id": stage.trace_id,
    }
    if stage.reason is not None:
        result["reason"] = stage.reason
    if stage.result is not None:
        result["result"] = stage.result
    if stage.error is not None and stage.stage != REJECTED:
        result["error"] = stage.error
    if stage.seq is not None:
        result["seq"] = stage.seq
    return result


def traced(error: Mapping[str, Any], trace: Mapping[str, str]) -> dict[str, Any]:
    """An error that says which trace it belongs to (`Trace.told`)."""
    return {**error, "data": {**error["data"], **trace}}


def encode_update(topic: str, data: Mapping[str, Any], gap: int = 0) -> bytes:
    """The notification of something said about `topic`; `gap` is how many before it were left out."""
    is_notice = topic in NOTICES
    params = data if is_notice else {"topic": topic, "data": data}
    return encode(
        {
            "jsonrpc": VERSION,
            "method": topic if is_notice else "update",
            "params": {**params, "gap": gap} if gap else params,
        }
    )


def unreadable(refusal: Refused) -> Request:
    """What never became a call, as one to be refused; nobody knows its id."""
    call = Request("", NO_PARAMS, refusal)
    call.id = None
    return call


def _not_a_request(sentence: str, call_id: Any = None, method: str = "", params: Any = NO_PARAMS) -> Request:
    hint = 'for example {"jsonrpc": "2.0", "id": 1, "method": "status"}'
    call = Request(method, params, Refused("invalid_request", sentence, hint=hint))
    call.id = call_id
    return call
