from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.wire.http import Access, Answer, Pages, Request
from robotd.wire.service import Service
from tests.counts import cases
from tests.wire.still_robot import StillRobot

HOST = "127.0.0.1:8080"


def request(
    path: str = "/", method: str = "GET", *, host: str | None = HOST, origin: str | None = None
) -> Request:
    return Request(method, path, host, origin, "http:127.0.0.1:40112")


def answer_at_once(pages: Pages, asked: Request) -> Answer:
    answer = pages.answer(asked)
    assert isinstance(answer, Answer)
    return answer


@pytest.fixture
def robot() -> StillRobot:
    return StillRobot()


@pytest.fixture
def pages(robot: StillRobot) -> Pages:
    service: Service = robot
    return Pages(service, Access())


def header(answer: Answer, name: str) -> str | None:
    return dict(answer.headers).get(name)


# -- who may ask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9999", "[::1]", "[::1]:1"]
)
def test_loopback_is_a_host_with_any_port(pages: Pages, host: str):
    assert answer_at_once(pages, request("/healthz", host=host)).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "robot.local",
        "localhost.evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "localhost:",
        "localhost:80:80",
        "localhost:evil",
        "[::1",
        "::1",
        "localhost, evil.example",
        "localhost@evil.example",
    ],
)
def test_any_other_host_is_refused_so_that_rebinding_a_name_gives_nothing(pages: Pages, host: str | None):
    answer = answer_at_once(pages, request("/healthz", host=host))

    assert answer.status == HTTPStatus.FORBIDDEN
    assert json.loads(answer.body)["error"]["data"]["reason"] == "forbidden"


def test_the_file_adds_a_host_with_any_port_or_with_one(robot: StillRobot):
    pages = Pages(robot, Access(hosts=["robot.local", "arm.local:8080"]))
    statuses = {
        host: answer_at_once(pages, request("/healthz", host=host)).status.value
        for host in ("robot.local", "Robot.Local:9", "arm.local:8080", "arm.local", "arm.local:9")
    }

    assert statuses == {
        "robot.local": 200,
        "Robot.Local:9": 200,
        "arm.local:8080": 200,
        "arm.local": 403,
        "arm.local:9": 403,
    }


@pytest.mark.parametrize("origin", [None, f"http://{HOST}", f"https://{HOST}"])
def test_the_pages_own_origin_or_none_is_let_in(pages: Pages, origin: str | None):
    assert answer_at_once(pages, request("/healthz", origin=origin)).status == HTTPStatus.OK


def test_behind_tls_a_page_that_came_without_is_a_strangers(robot: StillRobot):
    pages = Pages(robot, Access(tls=True))

    assert pages.answer(request("/ws", origin=f"https://{HOST}")) is None
    assert answer_at_once(pages, request("/ws", origin=f"http://{HOST}")).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:9999",
        "http://localhost:8080",
        "http://evil.example",
        f"http://{HOST}.evil.example",
        f"http://{HOST}/",
        f"file://{HOST}",
    ],
)
async def test_no_other_page_may_stop_drive_or_look(robot: StillRobot, pages: Pages, origin: str):
    for path, method in (("/ws", "GET"), ("/api/v1/status", "GET"), ("/api/v1/estop", "POST")):
        assert answer_at_once(pages, request(path, method, origin=origin)).status == HTTPStatus.FORBIDDEN
    assert robot.stops == []


def test_an_origin_of_the_file_is_let_in_as_it_is_written(robot: StillRobot):
    pages = Pages(robot, Access(origins=["https://panel.example"]))

    assert answer_at_once(pages, request("/healthz", origin="https://panel.example")).status == HTTPStatus.OK
    assert pages.answer(request("/ws", origin="https://panel.example")) is None
    assert (
        answer_at_once(pages, request("/healthz", origin="http://panel.example")).status
        == HTTPStatus.FORBIDDEN
    )


def test_a_page_without_an_origin_of_its_own_is_never_let_in_whatever_the_file_says(robot: StillRobot):
    pages = Pages(robot, Access(origins=["null", "https://panel.example"]))

    assert answer_at_once(pages, request("/healthz", origin="null")).status == HTTPStatus.FORBIDDEN


@settings(max_examples=cases(2_000), deadline=None)
@given(host=st.text(max_size=40), origin=st.none() | st.text(max_size=40))
def test_no_made_up_host_is_let_in(host: str, origin: str | None):
    refusal = Access().refusal(request(host=host, origin=origin))

    name = host.lower().rpartition(":")[0] or host.lower()
    if host.lower() not in ("localhost", "127.0.0.1", "[::1]") and name not in (
        "localhost",
        "127.0.0.1",
        "[::1]",
    ):
        assert refusal is not None


def test_a_page_that_the_table_does_not_name_is_for_nobody(robot: StillRobot):
    pages = Pages(robot, Access())
    pages.routes = {"/new": {"GET": lambda _: Answer(HTTPStatus.OK, (), b"")}}

    assert answer_at_once(pages, request("/new")).status == HTTPStatus.FORBIDDEN


# -- what is answered -------------------------------------------------------------------------------------


def test_the_websocket_path_is_left_to_the_handshake(pages: Pages):
    assert pages.answer(request("/ws")) is None
    assert pages.answer(request("/ws?token=no")) is None


async def test_posting_a_stop_stops_before_anything_is_awaited_and_answers_the_evidence(
    robot: StillRobot, pages: Pages
):
    pending = pages.answer(request("/api/v1/estop", "POST"))
    stops_at_once = list(robot.stops)
    assert pending is not None
    assert not isinstance(pending, Answer)
    answer = await pending

    assert stops_at_once == [("POST /api/v1/estop", "http:127.0.0.1:40112")]
    assert answer.status == HTTPStatus.OK
    assert json.loads(answer.body) == {"latch_id": "latch-1", "evidence": {}, "trace_id": robot.traces[0]}


def test_looking_at_the_stop_page_does_not_stop(robot: StillRobot, pages: Pages):
    answer = answer_at_once(pages, request("/api/v1/estop"))

    assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert header(answer, "Allow") == "POST"
    assert robot.stops == []


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/api/v1/status"])
def test_the_pages_are_only_to_be_looked_at(pages: Pages, path: str):
    assert answer_at_once(pages, request(path)).status == HTTPStatus.OK
    assert answer_at_once(pages, request(path, "POST")).status == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("path", ["/favicon.ico", "//", "/ws/", "/../etc/passwd", "/api/v1/estop/", "*", ""])
def test_an_unknown_page_is_not_found_and_names_those_there_are(pages: Pages, path: str):
    answer = answer_at_once(pages, request(path))

    assert answer.status == HTTPStatus.NOT_FOUND
    assert "/healthz" in json.loads(answer.body)["error"]["data"]["hint"]


def test_every_answer_is_kept_by_nobody_and_read_as_what_it_says(pages: Pages):
    for path in ("/", "/healthz", "/nothing"):
        headers = dict(answer_at_once(pages, request(path)).headers)
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_status_page_is_the_status(robot: StillRobot, pages: Pages):
    status = json.loads(answer_at_once(pages, request("/api/v1/status")).body)

    assert status == robot.status() | {"trace_id": status["trace_id"]}


@pytest.mark.parametrize(
    ("boards", "latch", "status", "body"),
    [
        ({"arduino": {"state": "online"}}, None, 200, "ready\n"),
        ({"arduino": {"state": "lost"}}, None, 503, "arduino: lost\n"),
        ({"arduino": {"state": "online"}}, {"by": "tcp"}, 503, "stopped by tcp\n"),
    ],
)
def test_ready_means_every_board_is_there_and_nothing_is_latched(
    robot: StillRobot,
    pages: Pages,
    boards: dict[str, Any],
    latch: dict[str, Any] | None,
    status: int,
    body: str,
):
    robot.boards, robot.latch = boards, latch
    answer = answer_at_once(pages, request("/readyz"))

    assert (answer.status, answer.body.decode()) == (status, body)
