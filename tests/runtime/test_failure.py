"""What went wrong, in words that any client can be told."""

from __future__ import annotations

import json

import pytest

import hal
from robotd.runtime.failure import explain, explain_bug
from robotd.runtime.robot import Fenced


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (hal.OutOfRange("a", "too much", limit=1.0, unit="m"), "out_of_range"),
        (hal.DeviceUnavailable("a", "inactive"), "device_unavailable"),
        (hal.Halted("a", "halted"), "halted"),
        (hal.DeviceRefused("a", "no"), "device_refused"),
        (Fenced("a", "over"), "device_refused"),
        (hal.DeviceSilent("a", "no answer"), "device_silent"),
        (hal.DeviceGone("a", "unplugged"), "device_gone"),
        (hal.LinkFull("the wire is full"), "device_refused"),
        (hal.HalError("something"), "device_refused"),
    ],
)
def test_each_sort_of_trouble_has_its_word(error: hal.HalError, reason: str):
    refused = explain(error)

    assert (refused.reason, refused.message) == (reason, str(error))


def test_a_limit_comes_with_its_unit():
    assert explain(hal.OutOfRange("a", "too much", limit=1.5, unit="rad")).data == {
        "limit": 1.5,
        "unit": "rad",
    }


def test_a_bug_is_told_by_its_type_and_text():
    assert explain_bug(ZeroDivisionError("by zero")).message == "ZeroDivisionError: by zero"


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [ValueError("\ud800"), ValueError("x" * 10**6), MuteError(), SystemExit(3)])
def test_no_bug_is_too_strange_to_be_told(error: BaseException):
    message = explain_bug(error).message

    assert json.dumps(message).encode()
    assert message.encode()
    assert len(message) <= 1000
