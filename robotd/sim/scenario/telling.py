"""A failure, for people: where, what was expected and what was seen, the last messages, how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator

from robotd.config.errors import shown
from robotd.core.chart import NOWHERE
from robotd.sim.scenario.chronicle import Told
from robotd.sim.scenario.runner import Failure, Result
from robotd.sim.scenario.writing import step_lines

SHOWN_MESSAGES = 20
SHOWN_ERRORS = 3


def report(result: Result, name: str) -> str:
    """All of it, without a last end of line. `name`: how the command line calls the scenario's file."""
    failure = result.failure
    if failure is None:
        return ""
    lines = [*_place(result, failure), *_details(failure), *_errors(result), *_messages(result)]
    lines.append(f"repeat: {repeating(result, name)}")
    return "\n".join(lines)


def repeating(result: Result, name: str) -> str:
    """The command that does the same again."""
    return f"robotd test {name} --seed {result.seed}"


def _place(result: Result, failure: Failure) -> list[str]:
    where, document = failure.where, result.script.document
    label = f"failed at {failure.at:.3f} s"
    if document is not None and where.file == document.file:
        return shown(where, label, failure.sentence, None, document.line(where.line))
    robot = result.script.config.document
    if where.file == robot.file:
        return shown(where, label, failure.sentence, None, robot.line(where.line))
    lines = [f"{label}: {failure.sentence}"]
    if where is NOWHERE and failure.step is not None:
        lines += step_lines(result.script.scenario.steps[failure.step])
    return lines


def _details(failure: Failure) -> Iterator[str]:
    for word, text in failure.details:
        lines = text.splitlines()
        yield f"  {word + ':':<10}{text if len(lines) == 1 else ''}".rstrip()
        if len(lines) > 1:
            yield from (f"    {line}" for line in lines)


def _errors(result: Result) -> Iterator[str]:
    for at, text in [] if result.chronicle is None else result.chronicle.errors[-SHOWN_ERRORS:]:
        first, *rest = text.splitlines()
        yield f"an error was logged at {at:.3f} s: {first}"
        yield from (f"    {line}" for line in rest)


def _messages(result: Result) -> Iterator[str]:
    told = [] if result.chronicle is None else result.chronicle.told[-SHOWN_MESSAGES:]
    if not told:
        yield "no message came"
        return
    yield f"the last {len(told)} messages:" if len(told) > 1 else "the only message:"
    types = max(len(message.type) for message in told)
    sources = max(len(message.source) for message in told)
    for message in told:
        who = f"{message.type:<{types}}  {message.source:<{sources}}"
        yield f"  {message.at:10.3f} s  {who}  {_became(message)}"


def _became(message: Told) -> str:
    why = f" ({message.why})" if message.why else ""
    return f"{message.outcome}{why}  {', '.join(message.after)}"
