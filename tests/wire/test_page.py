"""The page: self-contained, bound by its policy, and the promises of its script that a text can show."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest

from robotd.wire.http import Access, Answer, Pages, Request
from tests.markup import Markup
from tests.wire.still_robot import StillRobot

PAGE = files("robotd.wire").joinpath("page.html").read_text()


@pytest.fixture(scope="module")
def page() -> Markup:
    return Markup(PAGE)


@pytest.fixture(scope="module")
def policy() -> dict[str, str]:
    answer = Pages(StillRobot(), Access()).answer(Request("GET", "/", "localhost:8080", None, "http:test"))
    assert isinstance(answer, Answer)
    assert answer.body.decode() == PAGE
    directives = dict(answer.headers)["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (directive.partition(" ") for directive in directives)}


def test_the_page_asks_nobody_else_for_anything(page: Markup):
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "data", "poster")
    ]

    assert addresses == ["data:,"]
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", PAGE)


def test_nothing_runs_but_the_one_script_whose_hash_the_policy_names(page: Markup, policy: dict[str, str]):
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert policy["script-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert [tag for tag, _ in page.elements].count("script") == 1


def test_nothing_styles_but_the_one_sheet_whose_hash_the_policy_names(page: Markup, policy: dict[str, str]):
    (style,) = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy["style-src"] == f"'sha256-{digest}'"
    assert [tag for tag, _ in page.elements].count("style") == 1


def test_the_policy_lets_the_page_talk_to_this_robot_alone_and_be_framed_by_nobody(policy: dict[str, str]):
    assert policy["connect-src"] == "'self' ws://localhost:8080 wss://localhost:8080"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert not any("unsafe" in value for value in policy.values())


def test_no_element_carries_code_or_style_that_the_policy_would_block(page: Markup):
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag


def test_every_id_is_there_once_and_every_one_the_script_uses_exists(page: Markup):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    used = set(re.findall(r'\$\("([a-z-]+)"\)', PAGE)) | set(re.findall(r'show\("([a-z-]+)"', PAGE))
    labels = {
        target
        for _, attributes in page.elements
        for name in ("for", "aria-labelledby")
        if (target := attributes.get(name))
    }

    assert len(ids) == len(set(ids))
    assert used | labels <= set(ids)


def test_every_button_has_a_name_for_a_screen_reader_and_submits_nothing(page: Markup):
    buttons = [attributes for tag, attributes in page.elements if tag == "button"]

    assert all(attributes.get("type") == "button" for attributes in buttons)
    for direction in ("forward", "backward", "left", "right"):
        assert "hold" in (page.with_id(direction)["aria-label"] or "")
    assert page.with_id("stop")["aria-keyshortcuts"] == "Escape"


def test_what_changes_by_itself_is_announced(page: Markup):
    assert page.with_id("latch")["role"] == "alert"
    for name in ("connection", "state", "answer"):
        assert page.with_id(name)["role"] == "status"


def test_the_page_says_its_language_and_knows_light_and_dark(page: Markup):
    assert ("html", {"lang": "en"}) in page.elements
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.elements
    assert "prefers-color-scheme: dark" in PAGE


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_all_text_has_the_contrast_of_wcag_aa_in_light_and_in_dark():
    for scheme in re.findall(r":root \{(.*?)\}", PAGE, re.DOTALL):
        colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))
        pairs = [(ink, ground) for ink in ("ink", "soft", "bad") for ground in ("card", "ground")]
        pairs += [("on-accent", "accent")]
        values = [(colour[a], colour[b]) for a, b in pairs]
        values += [("#ffffff", colour["stop"]), ("#ffffff", colour["stop-dark"])]
        for first, second in values:
            light, dark = sorted((luminance(first), luminance(second)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (first, second)


def test_setpoints_go_out_at_20_hz_with_the_freshness_of_a_streamed_command():
    assert "const PERIOD_MS = 50;" in PAGE
    assert "const VALID_FOR_MS = 400;" in PAGE


@pytest.mark.parametrize(
    "ending", ["blur", "pagehide", "visibilitychange", "pointercancel", "lostpointercapture"]
)
def test_whatever_takes_the_hand_away_ends_the_motion(ending: str):
    assert f'"{ending}"' in PAGE


def test_nothing_is_kept_beyond_the_tab():
    assert "sessionStorage" in PAGE
    assert not re.search(r"localStorage|indexedDB|document\.cookie|history\.", PAGE)
