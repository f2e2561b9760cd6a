"""The section `events`: when readings become events."""

from __future__ import annotations

from robotd.config.machine import Known, compile_at
from robotd.config.models import EventModel
from robotd.config.place import Place
from robotd.core.chart import BUILT_IN_TRIGGERS, OPERATOR_LOST
from robotd.core.message import Lane
from robotd.core.rules import Rule


def read_rules(place: Place, known: Known) -> dict[str, Rule | None]:
    """A rule for each event, by name; None where something is wrong with it."""
    rules: dict[str, Rule | None] = {}
    names: dict[str, Place] = {}
    for entry in place.members():
        name = str(entry.name)
        if name in BUILT_IN_TRIGGERS:
            hint = "choose another name"
            entry.refuse(f"the trigger '{name}' is built in", hint, key=True, code="estop")
        elif name == OPERATOR_LOST:
            hint = "a transition may take it; a rule of your own needs another name"
            entry.refuse(f"'{name}' comes by itself when the lease is lost", hint, key=True)
        else:
            entry.named("event", names)
        model = entry.read(EventModel)
        when, clear = (compile_at(entry / key, known) for key in ("when", "clear"))
        if when and not when.readings:
            (entry / "when").refuse("no reading stands in it, so nothing would ever make it come")
        rules[name] = Rule(name, when, clear, Lane[model.lane.upper()]) if model and when else None
    return rules
