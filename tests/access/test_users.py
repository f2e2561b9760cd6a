"""The users of this machine."""

from __future__ import annotations

from robotd.access.users import Users, by_number
from robotd.core.role import Role

NUMBERS = {"alice": 1001, "bob": 1002}


def test_who_runs_the_daemon_and_root_maintain_and_all_others_operate():
    users = Users(own=1000)

    assert [users.role(user) for user in (0, 1000, 1001)] == [Role.MAINTAINER, Role.MAINTAINER, Role.OPERATOR]


def test_what_the_file_says_comes_first():
    users = Users(own=1000, roles={0: Role.VIEWER, 1000: Role.ADMIN, 1001: Role.VIEWER})

    assert [users.role(user) for user in (0, 1000, 1001)] == [Role.VIEWER, Role.ADMIN, Role.VIEWER]


def test_users_go_by_name_or_number_and_who_is_unknown_is_said():
    roles, unknown = by_number(
        {"alice": Role.ADMIN, "1003": Role.VIEWER, "carol": Role.OPERATOR}, NUMBERS.__getitem__
    )

    assert roles == {1001: Role.ADMIN, 1003: Role.VIEWER}
    assert unknown == ("carol",)
