"""What each role may ask."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from robotd.access.table import NEEDED, refusal, unauthenticated
from robotd.core.role import Role
from robotd.wire.http import Access, Pages
from tests.wire.still_robot import StillRobot

FILE = yaml.safe_load(files("robotd.wire").joinpath("asyncapi.yaml").read_text())
METHODS = {name for name, operation in FILE["operations"].items() if operation["action"] == "receive"}
"""Another test holds them against the code."""


def test_every_method_and_every_page_has_a_row_and_every_row_is_one_of_them():
    pages = {
        f"{method} {path}"
        for path, methods in Pages(StillRobot(), Access()).routes.items()
        for method in methods
    }

    assert set(NEEDED) == METHODS | pages


def test_the_description_of_the_wire_says_the_same():
    said = {name: FILE["operations"][name]["x-role"] for name in METHODS}

    assert said == {name: str(NEEDED[name]) for name in METHODS}


def test_whoever_may_look_may_not_drive_and_so_on_up():
    allowed = {role: {what for what in NEEDED if refusal(role, what) is None} for role in Role}

    assert allowed[Role.STRANGER] == {"hello", "estop", "GET /", "GET /healthz", "POST /api/v1/estop"}
    for lower, higher in zip(Role, list(Role)[1:], strict=False):
        assert allowed[lower] <= allowed[higher]
    assert "send" not in allowed[Role.VIEWER]
    assert "dead.bury" not in allowed[Role.OPERATOR]
    assert allowed[Role.ADMIN] == set(NEEDED)


@pytest.mark.parametrize("role", Role)
def test_everybody_may_stop_the_robot(role: Role):
    assert refusal(role, "estop") is refusal(role, "POST /api/v1/estop") is None


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("what", ["", "config.reload", "Send", "send ", "GET /ws", "POST /"])
def test_what_has_no_row_nobody_may(role: Role, what: str):
    assert refusal(role, what) is not None


def test_who_is_known_is_told_the_role_that_is_needed_and_who_is_not_is_told_nothing():
    told, untold = refusal(Role.VIEWER, "send"), refusal(Role.STRANGER, "send")
    assert told is not None
    assert untold is not None

    assert (told.reason, told.data) == ("forbidden", {"role": "viewer", "needed": "operator"})
    assert untold.as_error() == unauthenticated().as_error()


def test_a_role_goes_by_its_name_and_nobody_is_given_that_of_a_stranger():
    assert [Role.named(str(role)) for role in Role if role] == [role for role in Role if role]
    with pytest.raises(KeyError):
        Role.named("stranger")
