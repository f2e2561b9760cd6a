"""What must hold whatever happens: `never` and `always` of the robot's file, and of a scenario."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from typing import Literal

from robotd.core.chart import BUILT_IN_STATES, NOWHERE, Where
from robotd.core.expression import Expression, Readings, compile_expression
from robotd.core.message import NO_PAYLOAD

Kind = Literal["never", "always"]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence about states and readings, judged whenever the machine is at rest."""

    text: str
    expression: Expression
    kind: Kind
    where: Where = NOWHERE

    def broken(self, readings: Readings, states: Container[str]) -> bool:
        """Whether it is violated now. A reading without a value breaks neither kind. Never raises."""
        verdict = self.expression.test(readings, NO_PAYLOAD, states)
        return verdict.holds if self.kind == "never" else verdict.reason == "false"


def compile_invariant(
    text: str, kind: Kind, where: Where, *, readings: Mapping[str, str], states: Collection[str]
) -> Invariant:
    """Read and check `text`, over readings (each with its unit, as for an expression) and states.

    `states` are the paths of the chart; `estopped` and `down` may stand in it too. Raises `ExpressionError`.
    """
    known = {*states, *BUILT_IN_STATES}
    return Invariant(
        text, compile_expression(text, readings=readings, states=known, payload=False), kind, where
    )
