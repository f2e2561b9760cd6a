"""Why the robot stands still now: the newest reason why no actuator moves."""

from __future__ import annotations

from robotd.journal.kinds import (
    BOOT,
    DEAD,
    DECISION,
    DEVICE,
    ENDED,
    HALT,
    JOURNAL,
    RESET,
    SHUTDOWN,
    STARTED,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.why.case import MOMENT_S, Body, Case, Fact
from robotd.journal.why.motion import Robot, after, last_motion, under_way
from robotd.journal.why.process import TROUBLE, crash
from robotd.journal.why.ways import ways_to_activity

NOT_CARRIED_OUT = ("rejected", "expired", "failed")


def standing(case: Case, newest: Row, *, runs: bool) -> Row | Fact:
    """What holds the robot now, the strongest first: its end, a stop, its journal; else what came last."""
    last = case.last(BOOT, SHUTDOWN, STOP, RESET)
    if not runs and (last is None or last.kind != SHUTDOWN):
        return crash(case, newest)
    if last is not None and last.kind in (SHUTDOWN, STOP):
        return last
    trouble = case.last(JOURNAL, where=lambda _, body: body["what"] in (*TROUBLE, "well"), boot=newest.boot)
    if trouble is not None and trouble.data["what"] in TROUBLE:
        return trouble
    robot = Robot.of(case, newest.boot)
    case.ran_out = None
    return _moving(case, robot) or _newest_reason(case, robot) or _never_asked(case, robot, newest)


def _moving(case: Case, robot: Robot) -> Fact | None:
    found = under_way(case, robot)
    if found is None:
        return None
    began, what = found
    return Fact(began, f"not told to stand still: {what}", f"Nothing told it to stand still: {what}.")


def _newest_reason(case: Case, robot: Robot) -> Row | Fact | None:
    """A halt, an actuator that is not active any more, a command that was not taken: what came last."""
    stopped = _last_halt(case, robot)
    inactive = _inactive(case, robot, stopped)
    reasons = [row for row in (stopped, inactive) if row is not None]
    newest = max(reasons, key=lambda row: row.seq, default=None)
    refused = _not_carried_out(case, robot, above=0 if newest is None else newest.seq)
    if refused is not None and (stopped is None or stopped.data.get("command") != refused.id):
        return refused
    if newest is None:
        return _motion_that_ended(case, robot)
    if len(reasons) == 2 and abs(reasons[0].at - reasons[1].at) <= MOMENT_S:
        newest = reasons[0]  # what deactivates a device halts it first: it is one story
    again = _activated_again(case, robot)
    if again is None or again.at - newest.at <= MOMENT_S:
        return newest
    began = last_motion(case, robot)
    if began is not None and began.seq > again.seq:
        return _motion_that_ended(case, robot) or newest
    return _not_asked_since(case, robot, again, newest)


def _last_halt(case: Case, robot: Robot) -> Row | None:
    """The newest halt of a device that has not moved, and come to a good end, since then."""
    looked_at: set[str] = set()
    for row in case.back(HALT, boot=robot.boot):
        device = str(row.data.get("device"))
        if device not in looked_at and not _moved_well_since(case, robot, device, row):
            return row
        looked_at.add(device)
    return None


def _moved_well_since(case: Case, robot: Robot, device: str, halt: Row) -> bool:
    def is_its(_: Row, body: Body) -> object:
        return str(body["action"]).startswith(f"{device}.") and robot.is_motion(body["action"])

    began = case.last(STARTED, where=is_its, boot=robot.boot)
    if began is None or began.id is None:
        return False
    end = case.about(began.id, ENDED, near=began)
    return end is not None and end.seq > halt.seq and end.data["stage"] == "done" and "reason" not in end.data


def _inactive(case: Case, robot: Robot, stopped: Row | None) -> Row | None:
    """Of the actuators that were active or there once and are not now, the one that changed last.

    Of those that changed at the same moment the one that stopped last, else what the robot's file is about.
    """
    newest: dict[str, Row] = {}
    lives: set[str] = set()
    """Those with an earlier row: a device whose only row is its first never was more than inactive."""
    for row in case.back(DEVICE, boot=robot.boot):
        name = row.data.get("device")
        if name is not None and (robot.actuators is None or name in robot.actuators):
            if name in newest:
                lives.add(name)
            newest.setdefault(name, row)
        if robot.actuators is not None and len(lives) == len(robot.actuators):
            break
    gone = [row for name, row in newest.items() if name in lives and row.data.get("state") != "active"]
    if not gone:
        return None
    together = {row.data["device"]: row for row in gone if gone[0].at - row.at <= MOMENT_S}
    stopped_last = () if stopped is None else (stopped.data.get("device"),)
    named = (name for name in (*stopped_last, *robot.devices_in_order()) if name in together)
    return together[next(named, gone[0].data["device"])]


def _not_carried_out(case: Case, robot: Robot, *, above: int) -> Row | None:
    """The newest command since `above` that would have moved something, or led there, and did not."""
    for row in after(above, case.back(ENDED, DEAD, boot=robot.boot)):
        body = row.data
        if body.get("stage") in NOT_CARRIED_OUT and (
            robot.is_moved_by(body.get("type", "")) or _leads_there(case, robot, body)
        ):
            return row
    return None


def _leads_there(case: Case, robot: Robot, body: Body) -> bool:
    return body.get("type") in ways_to_activity(robot.chart, body.get("state", ""))


def _motion_that_ended(case: Case, robot: Robot) -> Row | None:
    """The newest motion that came to its end by itself."""
    began = last_motion(case, robot)
    if began is None or began.id is None:
        return None
    return case.about(began.id, ENDED, DEAD, near=began)


# -- nobody has asked -----------------------------------------------------------------------------------


def _activated_again(case: Case, robot: Robot) -> Row | None:
    """The newest of: an actuator was activated, the latch was taken back."""

    def again(row: Row, body: Body) -> bool:
        if row.kind == RESET:
            return True
        return body["state"] == "active" and (robot.actuators is None or body["device"] in robot.actuators)

    return case.last(DEVICE, RESET, where=again, boot=robot.boot)


def _not_asked_since(case: Case, robot: Robot, again: Row, before: Row) -> Fact:
    """What held it once does so no more, and nobody has asked it to move since."""
    led = again
    if again.kind == DEVICE:
        led = case.near(again, DECISION, where=lambda _, body: body.get("entered")) or again
    if led.kind == RESET:
        undone = case.last(STOP, below=led.seq, boot=robot.boot)
        before = before if undone is None or undone.seq < before.seq else undone
        name = f"the reset by {led.data['by']}"
    elif led.kind == DECISION:
        name = f"{case.name(led.id or '', led)} from {led.data['source']}"
    else:
        name = f"{led.data['device']} was activated"
    return Fact(
        led,
        f"not asked to move since {name} at {case.clock(led)}",
        f"Since {name} the robot was not asked to move. {_next_step(case, robot)}",
        before,
    )


def _never_asked(case: Case, robot: Robot, newest: Row) -> Fact:
    """Nothing moved since the start, or as far back as was looked."""
    where = _where(case, robot)
    place = f" in {', '.join(where.data['after'])}" if where is not None else ""
    if case.ran_out is None:
        phrase, start = f"never asked to move since the start{place and f',{place}'}", robot.start
    else:
        phrase, start = f"not asked to move since row #{case.ran_out}, before which was not looked", None
    return Fact(
        where or robot.start or newest,
        phrase,
        f"The robot was not asked to move{place and f'; it is{place}'}. {_next_step(case, robot)}",
        start,
    )


def _where(case: Case, robot: Robot) -> Row | None:
    """The newest decision: it says where the robot is."""
    return case.last(DECISION, boot=robot.boot)


def _next_step(case: Case, robot: Robot) -> str:
    where = _where(case, robot)
    states = () if where is None else where.data["after"]
    ways = [way for state in states for way in ways_to_activity(robot.chart, state)]
    enter = f"{' or '.join(ways)}, then " if ways else ""
    return (
        f"Next: send {enter}a command that moves something ({', '.join(robot.moves or ()) or 'see status'})."
    )
