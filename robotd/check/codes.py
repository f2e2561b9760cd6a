"""Every code that a finding can have: what it means, a file that has it, and the mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """For a person who sees a code for the first time."""

    means: str
    example: str
    """A part of a robot's file that has it."""
    mend: str
    """The same part without it, or what to do."""


CODES: Mapping[str, Explanation] = {
    "unreachable-state": Explanation(
        "A state in which the robot can never be: no transition leads there, or none of those that do is "
        "ever taken. Usually a transition is missing or names another state.",
        """\
states: {idle: {}, busy: {}, docked: {}}
transitions:
  - {trigger: go,   source: idle, dest: busy}
  - {trigger: stay, source: busy, dest: idle}      # nothing has docked for a dest""",
        "  - {trigger: dock, source: busy, dest: docked}",
    ),
    "trap-state": Explanation(
        "A state that nothing in the file leads out of: the robot stays there until somebody stops and "
        "resets it.",
        """\
states: {idle: {}, broken: {}}
transitions:
  - {trigger: arduino.lost, source: idle, dest: broken}""",
        """\
  - {trigger: arduino.back, source: broken, dest: idle}
or, where it is meant to be the end:
states: {idle: {}, broken: {final: true}}""",
    ),
    "not-final": Explanation(
        "A state says 'final: true', and yet a transition leads out of it, its own or one of a state "
        "around it.",
        """\
states: {idle: {}, done: {final: true}}
transitions:
  - {trigger: again, source: done, dest: idle}""",
        "states: {idle: {}, done: {}}",
    ),
    "estop": Explanation(
        "A stop leads to 'estopped' from every state, whatever any guard says. The file may neither "
        "define nor redirect 'estop', 'reset', 'shutdown', 'estopped' and 'down'.",
        "  - {trigger: estop, source: busy, dest: idle}",
        "  - {trigger: abort, source: busy, dest: idle}     # and leave stopping to robotd",
    ),
    "no-way-back": Explanation(
        "Once the robot got somewhere, some state can never be again: not by any trigger, nor by a stop "
        "and a reset, which starts the first region afresh and leaves the others as they are.",
        """\
regions:
  main:   {initial: idle, states: {idle: {}, busy: {}}, ...}
  health:
    initial: fine
    states: {fine: {}, low: {}, critical: {}}
    always:                                        # low and critical follow one another, fine is lost
      - {source: fine, dest: low, when: battery.value < 11}
      - {source: low, dest: critical, when: battery.value < 10}
      - {source: critical, dest: low, when: battery.value > 10.5}""",
        "      - {source: low, dest: fine, when: battery.value > 11.5}",
    ),
    "never-broken": Explanation(
        "What the file says under 'never' can come about, or what it says under 'always' can fail. Over "
        "states it is proven; over readings it is only watched, in simulation, and told as a note.",
        """\
never: lifting and driving
machine:
  regions:
    base: {initial: still, states: {still: {}, driving: {}}, ...}
    arm:  {initial: rest, states: {rest: {}, lifting: {}},
           transitions: [{trigger: lift, source: rest, dest: lifting}]}""",
        "           transitions: [{trigger: lift, source: rest, dest: lifting, when: still}]}",
    ),
    "dead-transition": Explanation(
        "A transition that is never taken: its guard cannot hold, or another one always comes first. The "
        "innermost state that takes a trigger wins; in one state the first whose guard holds.",
        """\
  - {trigger: go, source: idle, dest: slow}
  - {trigger: go, source: idle, dest: fast, when: battery.value > 12}""",
        """\
  - {trigger: go, source: idle, dest: fast, when: battery.value > 12}
  - {trigger: go, source: idle, dest: slow}""",
    ),
    "always-cycle": Explanation(
        "Transitions under 'always' that lead round without end while the readings stay as they are. At "
        "run time the machine gives up after 100 rounds.",
        """\
always:
  - {source: fine, dest: low, when: battery.value < 11}
  - {source: low, dest: fine, when: battery.value > 10}""",
        """\
  - {source: fine, dest: low, when: battery.value < 10.8}
  - {source: low, dest: fine, when: battery.value > 11.4}""",
    ),
    "unknown-trigger": Explanation(
        "A trigger that nothing sends, or an event or time-out that nothing takes: usually a typing "
        "error. What is no event, outcome, time-out or board's word is a client's command, so 'bmup' is a"
        " command that nobody sends. An outcome can come only while its action may be under way.",
        """\
events: {bump: {when: bumper.active}}
...
  - {trigger: bmup, source: busy, dest: idle}""",
        "  - {trigger: bump, source: busy, dest: idle}",
    ),
    "unhandled-failure": Explanation(
        "A motion that no client asked for can fail, and nothing says what then: the robot stays in a "
        "state whose action is over.",
        """\
states: {idle: {}, auto: {do: patrol, timeout: {after: 10 min, trigger: enough}}}
transitions:
  - {trigger: [enough, patrol.done], source: auto, dest: idle}""",
        "  - {trigger: [enough, patrol.done, patrol.failed], source: auto, dest: idle}",
    ),
    "no-stop-value": Explanation(
        "A stop leaves the output of this actuator as it is, and that output is motion: a motor would go "
        "on turning.",
        "left: {kind: motor, board: arduino, pwm_pin: 5, direction_pin: 4, on_stop: keep}",
        "left: {kind: motor, board: arduino, pwm_pin: 5, direction_pin: 4}",
    ),
    "unbounded-motion": Explanation(
        "Nothing bounds how long this may move the robot. A setpoint lapses after 400 ms, a verb has a "
        "time-out or ends by construction; a handler runs until its state is left, so that state, or one "
        "around it, needs a time-out whose trigger surely leads out.",
        "auto: {do: patrol}",
        "auto: {do: patrol, timeout: {after: 10 min, trigger: patrol_timeout}}",
    ),
    "unused-device": Explanation(
        "No action, expression, state, handler or other device names this device. Usually something is "
        "missing; a device that only clients read is named by a state.",
        "sonar: {kind: analog_input, board: arduino, pin: A3}",
        "idle: {active: [sonar]}",
    ),
    "unprotected": Explanation(
        "If the computer dies, nothing stops the actuators of this board: its firmware has no deadman, or"
        " the file does not say so. What can hurt someone needs a hardware emergency stop in any case.",
        "arduino: {driver: firmata, port: /dev/ttyACM0}",
        "arduino: {driver: firmata, port: /dev/ttyACM0, deadman: none}     # known, and told as a note",
    ),
    "no-feedback": Explanation(
        "A note: of these actuators nobody hears what they really do. Where the board tells what it puts out "
        "(the state of a pin), that is compared with their limits, and twice in a row beyond one stops the "
        "robot; a wheel that slips, or a servo that is held, shows nowhere.",
        "mast: {kind: servo, board: arduino, pin: 9, min: -80 deg, max: 80 deg}",
        "Use an actuator that reports its position where that matters; a switch at its end is an event: "
        "at_end: {when: end_switch.active, lane: safety}.",
    ),
    "unattended": Explanation(
        "A note: in this state the robot goes on moving without an operator's lease.",
        "auto: {do: patrol, unattended: true}",
        "Leave 'unattended' out where somebody is to watch.",
    ),
    "no-guard": Explanation(
        "A daemon that is killed or hangs leaves these actuators running: the file says 'guard: off', or "
        "their board is reached over TCP, where the guard has no wire of its own.",
        "guard: off",
        "Leave it out where the robot is real. A board on TCP needs a deadman of its own: deadman: 300 ms.",
    ),
    "no-lease": Explanation(
        "A note: the file says 'lease: off'. Whoever may send commands moves the robot, also several at "
        "once, and what an operator began goes on when that operator is lost.",
        "lease: off",
        "Leave it out: the first who moves something has the lease, and nobody else until it is free.",
    ),
    "unproven": Explanation(
        "Nobody can say whether a proof holds: a guard does arithmetic with several names, or there are "
        "too many configurations to look at.",
        "  - {trigger: go, source: idle, dest: fast, when: a.value * b.value > 2 and a.value * b.value < 1}",
        "Compare each name with a number; join regions that depend on one another.",
    ),
}
