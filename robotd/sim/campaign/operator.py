"""A random operator: everything that people and programs do to a robot, derived from its file alone.

They come in bursts of activity with silence in between, which is short mostly and long sometimes, as in a
real day. What they do is mostly sensible, so that the robot gets anywhere, and sometimes is not.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

from robotd.core.chart import BUILT_IN_TRIGGERS
from robotd.sim.campaign.values import NONSENSE, Values
from robotd.sim.scenario.model import (
    LATEST,
    OPERATOR,
    Action,
    Amount,
    Cancel,
    Connect,
    Disconnect,
    Lease,
    Reset,
    Send,
    SetWorld,
    Step,
    Stop,
    Write,
)
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.quantities import FLAG
from robotd.sim.simulation import Simulation

OTHERS = ("second", "third", "fourth")
"""Further clients, who come and go."""
IDS = ("a", "b", "c")
"""Ids that are used again and again."""
SHORTEST_SILENCE_S, LONGEST_SILENCE_S = 0.5, 3600.0
SILENCE_SHAPE = 0.4
"""Of the Pareto distribution of silences: half of them are over in 3 s, and one in thirty is the longest."""
BUSY_FOR = 12
"""Things done between two silences, on average."""
PAUSES_S = (0.0, 0.0, 0.01, 0.05, 0.1, 0.3, 0.5, 1.0)
"""Between two things. Nothing at all is as in a script, or in what a gap in the network held up."""
PATIENCE_S = (0.0, 0.0, 0.0, 5.0, 30.0, 120.0)
"""So long is waited for the end of what is under way: who never waits sees no motion come to its end."""
LOOK_S = 0.5
"""How often is looked whether it has ended."""
STREAMS_S = (0.2, 0.5, 1.0, 3.0)
LEASES: tuple[Literal["acquire", "release", "steal"], ...] = (*(("acquire",) * 6), "release", "steal")
RENEWED_S = (None, None, 0.5, 3.0)
"""How long a lease is renewed: not at all is as of a client that hangs at once."""
VALIDITIES_S = (0.001, 0.02, 0.2, 1.0, 10.0)
FLOODS = (20, 60, 300)
LETS_GO = 0.2
"""How likely, before anything else, a quantity that is held is given back: the world is mostly as it is."""
TAKES_IT = 0.3
"""How likely, before anything else, a lease that nobody has is asked for: many commands need it."""
KEEPS_AT_IT = 0.9
"""How likely a stopped robot is not left alone yet."""
LATCHES = ("none", "a-latch-of-last-week")
MALFORMED = (
    "",
    "{",
    "[]",
    "null",
    "\x00\x01\x02",
    '{"jsonrpc":"2.0","id":1,"method":"sned"}',
    '{"jsonrpc":"2.0","method":"send","params":{"type":"drive"}}',
    '[{"jsonrpc":"2.0","id":"b1","method":"status"},{"jsonrpc":"2.0","id":"b1","method":"status"},7]',
    '{"jsonrpc":"2.0","id":"c1","method":"cancel","params":{"id":"nobody"}}',
    '{"jsonrpc":"2.0","id":"d1","method":"describe"}',
    "[" * 100,
    '{"a":' * 30,
    "x" * 20_000,
)


class Operator:
    """Draws what is done next. What it draws depends on `rng` and on where the robot is."""

    def __init__(self, simulation: Simulation, rng: random.Random) -> None:
        self._simulation = simulation
        self._rng = rng
        self._config = simulation.config
        self._values = Values(self._config, rng)
        self._names = Names(self._config)
        self._events = [name for name in self._names.events if name not in self._config.commands]
        self._sent: Counter[str] = Counter()
        self._known: dict[str, None] = {}
        """The types of commands that were sent, and can be cancelled."""
        self._here: dict[str, None] = {OPERATOR: None}
        self._pinned: dict[str, None] = {}
        self._busy = self._how_busy()
        self._hurries = False
        self._patience_s: float | None = None
        """What is left of it for what is under way; None: nothing was."""
        deeds: Mapping[Callable[[], Step], float] = {
            self._possible: 50,
            self._any_command: 8,
            self._cancel: 6,
            self._waver: 6,
            self._stop: 4,
            self._reset: 3,
            self._lease: 5,
            self._fall_silent: 8,
            self._world: 14,
            self._nonsense: 4,
            self._malformed: 2,
            self._flood: 1.5,
            self._come_or_go: 5,
        }
        self._deeds, self._weights = list(deeds), list(deeds.values())

    def pause_s(self) -> float:
        """How long nothing is done before the next thing."""
        rng = self._rng
        if self._busy > 0:
            self._busy -= 1
            return rng.choice(PAUSES_S)
        if self._simulation.engine.stop.latch is not None and rng.random() < KEEPS_AT_IT:
            return rng.choice(PAUSES_S)
        self._busy = self._how_busy()
        silence_s = SHORTEST_SILENCE_S * rng.paretovariate(SILENCE_SHAPE)
        return round(min(silence_s, LONGEST_SILENCE_S), 3)

    def looks_on(self) -> bool:
        """Whether nothing is done for `LOOK_S` yet, since something is under way that ends by itself."""
        executor = self._simulation.engine.executor
        if self._hurries or all(executor.streams(run) for run in executor.actuating()):
            self._patience_s = None
            return False
        if self._patience_s is None:
            self._patience_s = self._rng.choice(PATIENCE_S)
        self._patience_s -= LOOK_S
        return self._patience_s >= 0

    def hurry(self) -> None:
        """From now on one thing after the other that the robot can do: then it is busy with one of them."""
        self._busy, self._hurries = BUSY_FOR, True

    def draw(self) -> Step:
        """What is done now; `for_s` is how long a stream goes on."""
        rng = self._rng
        if self._simulation.engine.stop.latch is not None and rng.random() < 0.5:
            return self._reset()
        leasing = self._simulation.engine.leasing
        if leasing.on and leasing.lease.holder is None and rng.random() < TAKES_IT:
            return self._lease()
        if self._pinned and rng.random() < LETS_GO:
            return self._let_go()
        (deed,) = rng.choices(self._deeds, self._weights)
        step = self._possible() if self._hurries else deed()
        if isinstance(step.do, Send):
            self._known[step.do.type] = None
        return step

    def _how_busy(self) -> int:
        return int(self._rng.expovariate(1 / BUSY_FOR)) + 1

    # -- commands

    def _possible(self) -> Step:
        """What the present states take: setpoints mostly, and what was rarely sent until now."""
        possible = self._simulation.engine.machine.possible()
        if not possible:
            return self._any_command()
        commands = self._config.commands
        weights = [(1 + 2 * commands[kind].streamed) / (1 + self._sent[kind]) ** 0.5 for kind in possible]
        return self._command(self._rng.choices(possible, weights)[0])

    def _any_command(self) -> Step:
        kinds = [*self._config.commands]
        return self._command(self._rng.choice(kinds)) if kinds else self._stop()

    def _waver(self) -> Step:
        """There, back and there again in one batch, before the robot has said a word."""
        there, back = self._possible().do, self._any_command().do
        wanted = [action for action in (there, back) if isinstance(action, Send)]
        calls = [
            {"jsonrpc": "2.0", "id": f"w{number}", "method": "send", "params": _params(wanted[number % 2])}
            for number in range(self._rng.choice((3, 5)) if len(wanted) == 2 else 0)
        ]
        return self._line(json.dumps(calls))

    def _command(self, kind: str, times: int = 1) -> Step:
        rng, info = self._rng, self._config.commands[kind]
        self._sent[kind] += 1
        streams = info.streamed and times == 1 and rng.random() < 0.5
        send = Send(
            kind,
            self._values.payload(kind, info.parameters),
            valid_for_s=rng.choice(VALIDITIES_S) if rng.random() < 0.1 else None,
            id=rng.choice(IDS) if rng.random() < 0.05 and not streams and times == 1 else None,
            priority="background" if rng.random() < 0.05 else None,
            version=self._version(),
            times=times,
            client=self._client(),
        )
        return Step(send, for_s=rng.choice(STREAMS_S) if streams else None)

    def _flood(self) -> Step:
        kinds = [*self._config.commands]
        times = self._rng.choice(FLOODS)
        return self._command(self._rng.choice(kinds), times) if kinds else self._stop()

    def _version(self) -> int | None:
        present = self._config.chart.version
        return self._rng.choice((present, present, present + 1)) if self._rng.random() < 0.05 else None

    def _cancel(self) -> Step:
        if not self._known:
            return self._possible()
        return Step(Cancel(self._rng.choice([*self._known]), self._client()))

    # -- stops

    def _stop(self) -> Step:
        return Step(Stop("at random", self._client()))

    def _reset(self) -> Step:
        latch = LATEST if self._rng.random() < 0.8 else self._rng.choice(LATCHES)
        return Step(Reset(latch, self._client()))

    def _lease(self) -> Step:
        """Mostly taken, and renewed for a while or not; sometimes given back, or from who has it."""
        what = self._rng.choice(LEASES)
        for_s = None if what == "release" else self._rng.choice(RENEWED_S)
        return Step(Lease(what, self._client()), for_s=for_s)

    def _fall_silent(self) -> Step:
        """A setpoint that is good for long, and then not a word."""
        commands = self._config.commands
        streamed = [kind for kind in self._simulation.engine.machine.possible() if commands[kind].streamed]
        if not streamed:
            return self._possible()
        self._busy = 0
        kind = self._rng.choice(streamed)
        payload = self._values.payload(kind, commands[kind].parameters)
        return Step(Send(kind, payload, valid_for_s=VALIDITIES_S[-1], client=self._client()))

    # -- what is no command

    def _nonsense(self) -> Step:
        """A command that there is not, or one with values of another kind."""
        rng = self._rng
        kind = rng.choice(
            [*self._config.commands, *self._events, *sorted(BUILT_IN_TRIGGERS), "always", "fly"]
        )
        parameters = self._config.commands[kind].parameters if kind in self._config.commands else ()
        names = [parameter.wire_name for parameter in parameters] + rng.choice(([], ["no_such_parameter"]))
        payload = ",".join(f"{json.dumps(name)}:{rng.choice(NONSENSE)}" for name in names)
        params = f'{{"type":{json.dumps(kind)},"payload":{{{payload}}}}}'
        return self._line(f'{{"jsonrpc":"2.0","id":"n1","method":"send","params":{params}}}')

    def _malformed(self) -> Step:
        return self._line(self._rng.choice(MALFORMED))

    def _line(self, line: str) -> Step:
        return Step(Write(line, self._client()))

    # -- clients

    def _client(self) -> str:
        here = [*self._here]
        return OPERATOR if len(here) == 1 or self._rng.random() < 0.7 else self._rng.choice(here)

    def _come_or_go(self) -> Step:
        """The operator too may hang up, and is back with the next thing that is done."""
        name = self._rng.choice((OPERATOR, *OTHERS))
        if name in self._here:
            del self._here[name]
            action: Action = Disconnect(name)
            if name == OPERATOR:
                self._here[name] = None
                action = Connect(name)
        else:
            self._here[name] = None
            action = Connect(name)
        return Step(action)

    # -- the world

    def _world(self) -> Step:
        """A quantity is held at a value."""
        rng = self._rng
        names = [*self._names.settable]
        if not names:
            return self._possible()
        name = rng.choice(names)
        self._pinned[name] = None
        return Step(SetWorld({name: self._held(name)}))

    def _let_go(self) -> Step:
        name = self._rng.choice([*self._pinned])
        del self._pinned[name]
        return Step(SetWorld({name: None}))

    def _held(self, name: str) -> Amount | bool:
        unit: Any = self._names.settable[name]
        if unit == FLAG:
            return True
        now = self._simulation.rig.world()[name]
        return Amount(round(self._values.threshold(name, float(now)), 4), unit or "")


def _params(send: Send) -> Mapping[str, Any]:
    """Of the wire's `send`."""
    return {"type": send.type, "payload": dict(send.payload)}
