"""What the page's script does to the robot, in a small browser of our own under Debian's `nodejs`."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
WORLD = Path(__file__).with_name("page_world.js")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Debian's package nodejs to run the page's script")

ZERO = {"linear": 0, "angular": 0}


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """Runs a story in the page's world and gives what it returns."""

    def run(story: str, protocol: str = "http:") -> Any:
        path = tmp_path / "story.js"
        path.write_text(story)
        with as_file(files("robotd.wire").joinpath("page.html")) as page:
            world = [str(NODE), str(WORLD), str(page), str(path), protocol]
            ended = subprocess.run(world, capture_output=True, text=True, timeout=30)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_the_page_greets_and_subscribes(told: Any):
    methods, url, state, title = told("""
        await robot.come();
        const methods = robot.sent.map((call) => call.method);
        return [methods, robot.socket.url, $("state").textContent, document.title];
    """)

    assert methods == ["hello", "describe", "status", "subscribe", "subscribe"]
    assert url == "ws://localhost:8080/ws"
    assert state == "armed.teleop"
    assert title == "armed.teleop · rover"


def test_holding_sends_20_setpoints_a_second_and_letting_go_sends_zero(told: Any):
    drives = told("""
        await robot.come();
        $("forward").fire("pointerdown");
        await advance(1000);
        $("forward").fire("pointerup");
        $("forward").fire("lostpointercapture");
        await advance(1000);
        return robot.drives();
    """)

    assert 20 <= len(drives) - 1 <= 21
    assert all(drive["payload"] == {"linear": 0.4, "angular": 0} for drive in drives[:-1])
    assert drives[-1]["payload"] == ZERO
    assert all(drive["valid_for_ms"] == 400 for drive in drives)


@pytest.mark.parametrize(
    "ending",
    [
        'window.fire("blur")',
        'window.fire("pagehide")',
        'document.hidden = true; document.fire("visibilitychange")',
        '$("forward").fire("pointercancel")',
        '$("forward").fire("lostpointercapture")',
    ],
)
def test_whatever_takes_the_hand_away_sends_zero_at_once_and_nothing_after(told: Any, ending: str):
    drives = told(f"""
        await robot.come();
        $("forward").fire("pointerdown");
        await advance(210);
        {ending};
        const atOnce = robot.drives().length;
        await advance(1000);
        return [atOnce, robot.drives()];
    """)

    assert drives[0] == len(drives[1]) == 6
    assert drives[1][-1]["payload"] == ZERO


def test_keys_add_up_and_letting_one_go_leaves_the_other(told: Any):
    drives = told("""
        await robot.come();
        key("keydown", "KeyW");
        key("keydown", "ArrowLeft");
        key("keydown", "KeyW", { repeat: true });
        await advance(60);
        key("keyup", "KeyW");
        await advance(60);
        key("keyup", "ArrowLeft");
        await advance(60);
        return robot.drives().map((drive) => drive.payload);
    """)

    assert {"linear": 0.4, "angular": 1} in drives
    assert {"linear": 0, "angular": 1} in drives
    assert drives[-1] == ZERO
    assert drives.count(ZERO) == 1


@pytest.mark.parametrize("modifier", ["ctrlKey", "metaKey", "altKey", "repeat"])
def test_a_shortcut_of_the_browser_does_not_drive(told: Any, modifier: str):
    assert (
        told(f"""
        await robot.come();
        key("keydown", "KeyW", {{ {modifier}: true }});
        await advance(200);
        return robot.drives();
    """)
        == []
    )


def test_the_arrow_keys_of_the_pace_do_not_drive(told: Any):
    assert (
        told("""
        await robot.come();
        key("keydown", "ArrowUp", { target: $("pace") });
        await advance(200);
        return robot.drives();
    """)
        == []
    )


def test_a_slow_line_gets_few_setpoints_and_the_zero_all_the_same(told: Any):
    drives = told("""
        await robot.come();
        robot.silent.add("drive");
        $("forward").fire("pointerdown");
        await advance(3000);
        $("forward").fire("pointerup");
        await advance(100);
        return robot.drives().map((drive) => drive.payload);
    """)

    assert len(drives) == 8 + 1
    assert drives[-1] == ZERO


def test_what_the_socket_has_not_sent_yet_is_not_added_to(told: Any):
    drives = told("""
        await robot.come();
        $("forward").fire("pointerdown");
        robot.socket.bufferedAmount = 80;
        await advance(500);
        return robot.drives().length;
    """)

    assert drives == 1


@pytest.mark.parametrize("press", ['$("stop").fire("click")', 'key("keydown", "Escape")'])
def test_a_stop_goes_out_first_and_no_setpoint_after_it(told: Any, press: str):
    calls = told(f"""
        await robot.come();
        $("forward").fire("pointerdown");
        await advance(100);
        const before = robot.sent.length;
        {press};
        await advance(700);
        return [robot.sent.slice(before).map((call) => call.method), robot.posts, $("latch").hidden];
    """)

    assert calls == [["estop"], [], False]


def test_a_stop_without_an_answer_is_posted_too(told: Any):
    assert told("""
        await robot.come();
        robot.silent.add("estop");
        $("stop").fire("click");
        await advance(700);
        return robot.posts;
    """) == [[300, "POST", "/api/v1/estop"]]


def test_a_stop_without_a_connection_is_posted_at_once(told: Any):
    assert told("""
        $("stop").fire("click");
        await advance(1);
        return robot.posts;
    """) == [[0, "POST", "/api/v1/estop"]]


def test_a_lost_connection_ends_the_motion_and_a_new_one_does_not_resume_it(told: Any):
    drives, connections, shown = told("""
        await robot.come();
        $("forward").fire("pointerdown");
        await advance(100);
        await robot.go();
        const shown = $("connection").textContent;
        const before = robot.drives().length;
        await advance(300);
        await robot.come();
        await advance(500);
        return [robot.drives().length - before, robot.sockets.length, shown];
    """)

    assert (drives, connections, shown) == (0, 2, "not connected")


def test_reconnecting_waits_longer_each_time_up_to_five_seconds(told: Any):
    tries = told("""
        const tries = [];
        for (let attempt = 0; attempt < 8; attempt += 1) {
          await robot.go();
          const before = robot.sockets.length;
          let waited = 0;
          while (robot.sockets.length === before) { await advance(50); waited += 50; }
          tries.push(waited);
        }
        return tries;
    """)

    assert tries == [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]


def test_a_latch_is_shown_with_its_reason_and_reset_names_it(told: Any):
    hidden, why, reset, after = told("""
        await robot.come();
        const latch = { latch_id: "latch-9", reason: "bumper", by: "tcp" };
        await robot.tell("state", { state: "estopped", regions: {}, latch });
        const [hidden, why] = [$("latch").hidden, $("latch-why").textContent];
        $("reset").fire("click");
        await robot.tell("state", { state: "disarmed", regions: {}, latch: null });
        return [hidden, why, robot.asked("reset")[0].params, $("latch").hidden];
    """)

    assert (hidden, why) == (False, "bumper (tcp)")
    assert reset == {"latch_id": "latch-9"}
    assert after is True


def test_a_robot_that_does_not_answer_is_shown(told: Any):
    assert (
        told("""
        await robot.come();
        robot.silent.add("status");
        await advance(2000);
        return $("connection").textContent;
    """)
        == "no answer"
    )


# -- who may come in ----------------------------------------------------------------------------------------


def test_a_page_that_came_through_tls_speaks_tls(told: Any):
    assert told("return robot.socket.url;", protocol="https:") == "wss://localhost:8080/ws"


def test_the_page_shows_what_its_user_may(told: Any):
    shown = told("""
        await robot.come();
        return [$("role").textContent, $("role").hidden, $("door").hidden, robot.asked("hello")[0].params];
    """)

    assert shown == ["operator", False, True, {"client": "page", "protocol": [1]}]


def test_a_robot_that_wants_a_token_is_told_it_in_hello_and_this_tab_keeps_it(told: Any):
    seen = told("""
        robot.token = "rbd_1_secret";
        await robot.come();
        const before = [$("door").hidden, robot.sent.map((call) => call.method)];
        $("token").value = "  rbd_1_secret ";
        $("enter").fire("click");
        await advance(1);
        const after = [$("door").hidden, $("role").textContent, $("token").value, [...stored]];
        return [before, after, robot.sent.filter((call) => JSON.stringify(call).includes("secret"))];
    """)

    assert seen[0] == [False, ["hello"]]
    assert seen[1] == [True, "operator", "", [["robotd.token", "rbd_1_secret"]]]
    assert [(call["method"], call["params"]["token"]) for call in seen[2]] == [("hello", "rbd_1_secret")]


def test_a_stranger_neither_knocks_again_nor_asks_for_anything(told: Any):
    seen = told("""
        robot.token = "rbd_1_secret";
        await robot.come();
        await advance(2000);
        await robot.go();
        await advance(20000);
        return [robot.sockets.length, robot.sent.map((call) => call.method), $("connection").textContent];
    """)

    assert seen == [1, ["hello"], "token needed"]


def test_a_token_that_comes_after_the_robot_hung_up_is_said_on_a_new_connection(told: Any):
    seen = told("""
        robot.token = "rbd_1_secret";
        await robot.come();
        await robot.go();
        $("token").value = "rbd_1_secret";
        $("token").fire("keydown", { code: "Enter" });
        await robot.come();
        return [robot.sockets.length, $("door").hidden, $("connection").textContent];
    """)

    assert seen == [2, True, "connected"]


def test_a_token_that_is_revoked_is_forgotten_and_asked_for_again(told: Any):
    seen = told("""
        robot.token = "rbd_1_secret";
        stored.set("robotd.token", "rbd_1_secret");
        await robot.come();
        robot.token = "rbd_2_other";
        await robot.go();
        await advance(300);
        await robot.come();
        return [[...stored], $("door").hidden, $("door-why").textContent];
    """)

    assert seen == [[], False, "The robot does not take this token."]


def test_a_stop_needs_no_token(told: Any):
    seen = told("""
        robot.token = "rbd_1_secret";
        await robot.come();
        $("stop").fire("click");
        await advance(1);
        await robot.go();
        $("stop").fire("click");
        await advance(1);
        return [robot.asked("estop").length, robot.posts.map((post) => post[2])];
    """)

    assert seen == [1, ["/api/v1/estop"]]


def test_a_page_that_others_can_read_along_keeps_no_token_and_sends_none(told: Any):
    seen = told("""
        window.isSecureContext = false;
        robot.token = "rbd_1_secret";
        await robot.come();
        $("token").value = "rbd_1_secret";
        $("enter").fire("click");
        await advance(1);
        return [robot.asked("hello").length, [...stored], $("door-why").textContent];
    """)

    assert seen[:2] == [1, []]
    assert "https" in seen[2]


def test_typing_a_token_drives_nothing(told: Any):
    assert (
        told("""
        await robot.come();
        key("keydown", "KeyW", { target: $("token") });
        await advance(200);
        return robot.drives();
    """)
        == []
    )


def test_who_lost_the_lease_drives_no_further_until_it_presses_again(told: Any):
    stopped, said, methods = told("""
        await robot.come();
        $("forward").fire("pointerdown");
        await advance(210);
        await robot.notify("lease.lost", { lease_id: "lease-1", why: "lapsed" });
        const before = robot.sent.length;
        const methods = () => robot.sent.slice(before).map((call) => call.method);
        const after = () => methods().filter((name) => name !== "status");
        await advance(1000);
        const stopped = after().length;
        const said = $("answer").textContent;
        $("forward").fire("pointerup");
        $("forward").fire("pointerdown");
        await advance(60);
        $("forward").fire("pointerup");
        await advance(60);
        $("forward").fire("pointerdown");
        await advance(10);
        return [stopped, said, after()];
    """)

    assert stopped == 0
    assert "Press again" in said
    assert methods == ["lease.acquire", *["send"] * 3, "lease.release", "send"]


def test_the_page_shows_who_drives(told: Any):
    shown = told("""
        await robot.come();
        const shown = [];
        const holder = { source: "tcp:10.0.0.7:4711", principal: "bob", role: "operator" };
        for (const lease of [{ holder }, { holder, lost_ms: 12 }, { holder: null }, "off"]) {
            await robot.tell("lease", { lease });
            shown.push($("lease").hidden ? "" : $("lease").textContent);
        }
        return shown;
    """)

    assert shown == ["driven by tcp:10.0.0.7:4711", "lost by tcp:10.0.0.7:4711", "", ""]
