import json
from functools import partial

import pytest

from robotd.errors import Refused
from robotd.wire.hub import Hub, Update


class Listener:
    def __init__(self) -> None:
        self.heard: list[Update] = []

    def update(self, update: Update) -> None:
        self.heard.append(update)


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.declare("state", lambda: {"state": "armed"})
    hub.declare("stage")
    for device in ("bumper", "battery"):
        hub.declare(f"reading.{device}", partial(dict, device=device))
    return hub


def test_only_who_subscribed_hears_of_a_topic(hub):
    listener = Listener()
    hub.subscribe(listener, ["state"])
    hub.publish("state", {"state": "docked"})
    hub.publish("reading.bumper", {"device": "bumper"})

    assert [update.topic for update in listener.heard] == ["state"]


def test_a_star_stands_for_all_topics_of_a_family(hub):
    listener = Listener()

    assert hub.subscribe(listener, ["reading.*", "reading.bumper"]) == ("reading.bumper", "reading.battery")
    hub.publish("reading.battery", {"device": "battery"})
    assert [update.topic for update in listener.heard] == ["reading.battery"]


@pytest.mark.parametrize("pattern", ["weather", "reading", "reading.", "*", "state.*", "reading.lamp", ""])
def test_an_unknown_topic_subscribes_to_nothing_at_all(hub, pattern):
    listener = Listener()
    with pytest.raises(Refused, match="there is no topic"):
        hub.subscribe(listener, ["state", pattern])

    assert not hub.wanted("state")


def test_who_makes_a_topic_is_told_when_somebody_wants_it_and_when_nobody_does():
    told: list[bool] = []
    hub = Hub()
    hub.declare("stage", when_wanted=told.append)
    one, other = Listener(), Listener()
    hub.subscribe(one, ["stage"])
    hub.subscribe(one, ["stage"])
    hub.subscribe(other, ["stage"])
    hub.unsubscribe(one)
    assert told == [True]

    hub.unsubscribe(other, ["stage"])
    hub.unsubscribe(other)
    assert told == [True, False]


def test_snapshots_are_of_what_lasts(hub):
    updates = hub.snapshots(hub.match(["state", "stage", "reading.bumper"]))

    assert [(update.topic, update.data) for update in updates] == [
        ("state", {"state": "armed"}),
        ("reading.bumper", {"device": "bumper"}),
    ]


def test_nothing_is_wanted_any_more_when_the_last_listener_has_gone(hub):
    first, second = Listener(), Listener()
    hub.subscribe(first, ["state", "stage"])
    hub.subscribe(second, ["state"])
    hub.unsubscribe(first)
    assert (hub.wanted("state"), hub.wanted("stage")) == (True, False)

    hub.unsubscribe(second, ["state"])
    assert not hub.wanted("state")
    assert not hub.wanted("never declared")


def test_a_listener_may_leave_while_it_is_told(hub):
    class Leaver(Listener):
        def update(self, update: Update) -> None:
            super().update(update)
            hub.unsubscribe(self)

    leaver, stayer = Leaver(), Listener()
    hub.subscribe(leaver, ["state"])
    hub.subscribe(stayer, ["state"])
    hub.publish("state", {})
    hub.publish("state", {})

    assert (len(leaver.heard), len(stayer.heard)) == (1, 2)


def test_an_update_is_encoded_once_for_all_who_missed_nothing(hub):
    update = Update("state", {"state": "armed"}, "state")

    assert update.encode() is update.encode()
    assert json.loads(update.encode(gap=2))["params"]["gap"] == 2


def test_each_stage_has_the_key_of_its_command_and_each_log_line_its_own(hub):
    hub.declare("log")
    listener = Listener()
    hub.subscribe(listener, ["stage", "log", "state"])
    hub.publish("stage", {"id": "a"})
    hub.publish("stage", {"id": "b"})
    hub.publish("stage", {"id": "a"})
    hub.publish("log", {})
    hub.publish("log", {})
    first, second, third, line, other_line = (update.key for update in listener.heard)

    assert first == third != second
    assert line != other_line
