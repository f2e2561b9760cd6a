"""Moments in time as the steps of a scenario: in their order, with waits between, streams in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from robotd.sim.scenario.model import Cancel, Expect, InState, Send, SetWorld, StageIs, Step, Wait

SHORTEST_WAIT_S = 0.001
STREAM_GAP_S = 0.35
"""Setpoints that follow one another faster than they lapse are one stream..."""
STREAM_OF = 4
"""...if there are so many..."""
BURST_GAP_S = 0.02
"""...and they do not come all at once, as nobody drives."""


class Moment(NamedTuple):
    """A step and when it begins; of one time in the order of the rows that it comes from."""

    at: float
    seq: int
    order: int
    """Among those of one row: first what is set, then what is done, then what is expected."""
    step: Step


def paced(
    moments: Iterable[Moment], begins_at: float, is_streamed: Callable[[str], bool]
) -> tuple[Step, ...]:
    """The steps, from `begins_at` on: what is earlier comes at once. `is_streamed` of a command's type."""
    ordered = list(_streams(sorted(moments, key=lambda moment: moment[:3]), is_streamed))
    steps: list[Step] = []
    now = begins_at
    for moment in ordered:
        pause_s = round(moment.at - now, 3)
        if pause_s >= SHORTEST_WAIT_S:
            steps.append(Step(Wait(pause_s)))
            now += pause_s
        joined = _joined(steps[-1], moment.step) if steps else None
        if joined is None:
            steps.append(moment.step)
        else:
            steps[-1] = joined
    return tuple(steps)


def _joined(before: Step, step: Step) -> Step | None:
    """Two steps of one moment as one; None where they are not of a kind."""
    match before.do, step.do:
        case SetWorld(held), SetWorld(values):
            return Step(SetWorld({**held, **values}))
        case Expect(facts), Expect(more) if _say_other_things(facts, more):
            within_s = max(before.within_s or 0.0, step.within_s or 0.0)
            return Step(Expect((*facts, *more)), within_s=within_s)
    return None


def _say_other_things(facts: Sequence[object], more: Sequence[object]) -> bool:
    """Of the stages of several commands one expectation may tell, of two states one after the other not."""
    commands = {fact.command for fact in facts if isinstance(fact, StageIs)}
    return all(isinstance(fact, StageIs) and fact.command not in commands for fact in more) and not any(
        isinstance(fact, InState) for fact in more
    )


def _streams(moments: Sequence[Moment], is_streamed: Callable[[str], bool]) -> Iterator[Moment]:
    """Each run of the same setpoint as one step that renews it, and the last of them alone: it may lapse."""
    taken: set[int] = set()
    for place, moment in enumerate(moments):
        if place in taken:
            continue
        send = moment.step.do
        if isinstance(send, Send) and is_streamed(send.type):
            run = _run(moments, place, send)
            lasting_s = round(moments[run[-1]].at - moment.at, 3)
            if len(run) >= STREAM_OF and lasting_s >= len(run) * BURST_GAP_S:
                taken.update(run[1:-1])
                # By its own name, so that its end is not that of the last one, which may lapse.
                named = replace(send, name=f"{send.type}_stream")
                yield moment._replace(step=Step(named, for_s=lasting_s))
                continue
        yield moment


def _run(moments: Sequence[Moment], first: int, send: Send) -> list[int]:
    """Where the same setpoint comes again in time, before another of its type or its cancellation."""
    run = [first]
    for place in range(first + 1, len(moments)):
        again = moments[place].step.do
        if moments[place].at - moments[run[-1]].at > STREAM_GAP_S:
            break
        if again == send:
            run.append(place)
        elif isinstance(again, Send | Cancel) and _about(again) == send.type:
            break
    return run


def _about(action: Send | Cancel) -> str:
    return action.type if isinstance(action, Send) else action.command
