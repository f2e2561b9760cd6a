"""From a step of the file to the Python call: a device's verb or a user's handler."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hal import Actuator, Device, DeviceState, VerbInfo, verbs
from robotd.core.action import ActionInfo
from robotd.core.chart import Do, Step
from robotd.core.message import Command, Message
from robotd.runtime.readings import Clock, ReadingTable
from robotd.runtime.robot import Permit, Robot, ThreadRobot, within


class Callee:
    """One action of the chart, ready to be called."""

    __slots__ = ("actuates", "device", "function", "info", "parameters", "plain", "verb")

    def __init__(self, info: ActionInfo, function: Callable[..., Any], device: Device | None) -> None:
        self.info = info
        self.function = function
        self.device = device
        self.verb: VerbInfo | None = getattr(function, "verb_info", None) if device else None
        self.actuates = device is None or (isinstance(device, Actuator) and function.__name__ != "halt")
        """Whether it may set an actuator, other than to its stop value; what a handler does nobody knows."""
        self.plain = device is not None and not inspect.iscoroutinefunction(function)
        """Returns at once: it needs no task."""
        self.parameters = tuple((p.wire_name, p.name) for p in info.signature.parameters)

    @property
    def unavailable(self) -> bool:
        """Whether its actuator takes nothing now."""
        return isinstance(self.device, Actuator) and self.device.state is not DeviceState.ACTIVE

    def arguments(self, step: Step, cause: Message) -> dict[str, Any]:
        """What the file says, overridden by what the command carries (bound when it arrived)."""
        arguments = dict(step.arguments)
        if type(cause) is Command and cause.payload:
            payload = cause.payload
            for wire_name, name in self.parameters:
                if wire_name in payload:
                    arguments[name] = payload[wire_name]
        return arguments


class Plan(NamedTuple):
    """What is known of a `do` before it is done."""

    moves: bool
    """Whether any step may set something in motion..."""
    actuates: bool
    """...or anything else at an actuator, which is written down before."""
    lasts: bool
    """Whether any step carries out a program: once begun it goes on for as long as that takes."""
    at_once: Callee | None
    """The one verb that it consists of, when that returns at once."""


class Caller:
    """Knows every action that the chart may run, and calls it under a permit."""

    def __init__(
        self,
        actions: Mapping[str, ActionInfo],
        handlers: Mapping[str, Callable[..., Any]],
        devices: Mapping[str, Device],
        table: ReadingTable,
        clock: Clock,
        log: Any,
    ) -> None:
        self._table = table
        self._clock = clock
        self._log = log
        self._callees: dict[str, Callee] = {}
        self._plans: dict[int, Plan] = {}
        """By the identity of the `Do`, which lives as long as the chart."""
        for name, info in actions.items():
            if name in handlers:
                self._callees[name] = Callee(info, handlers[name], None)
            else:
                device_name, _, verb = name.partition(".")
                device = devices[device_name]
                self._callees[name] = Callee(info, verbs(device)[verb], device)

    def plan(self, do: Do) -> Plan:
        """How `do` is to be done; worked out once."""
        plan = self._plans.get(id(do))
        if plan is None:
            callees = [self._callees[step.action] for step in do.steps]
            moves = any(callee.info.moves for callee in callees)
            actuates = any(callee.actuates for callee in callees)
            at_once = callees[0] if len(callees) == 1 and callees[0].plain else None
            lasts = any(callee.verb is not None and callee.verb.lasting for callee in callees)
            plan = self._plans[id(do)] = Plan(moves, actuates, lasts, at_once)
        return plan

    def call(self, callee: Callee, step: Step, cause: Message, permit: Permit) -> Any:
        """Call a plain verb now. Raises what the device raises."""
        device, verb = callee.device, callee.verb
        if device is None or verb is None:
            raise TypeError(f"{step.action} is not a verb")
        permit.check(device, verb)
        permit.uses(device, verb)
        result = callee.function(**callee.arguments(step, cause))
        permit.has_commanded(device, verb)
        return result

    async def wait(self, step: Step, cause: Message, permit: Permit, expires_at: float | None) -> Any:
        """Carry out any step to its end, a motion at most until `expires_at`.

        Raises what the device, or the handler's own code, raises.
        """
        callee = self._callees[step.action]
        arguments = callee.arguments(step, cause)
        device, verb = callee.device, callee.verb
        if device is None or verb is None:
            return await self._handle(callee, arguments, cause, permit)
        if callee.plain:
            return self.call(callee, step, cause, permit)
        permit.check(device, verb)
        permit.uses(device, verb)
        permit.has_commanded(device, verb)
        if expires_at is not None and isinstance(device, Actuator):
            # A verb begins with the first step of its coroutine; the end of its time is set right after.
            asyncio.get_running_loop().call_soon(device.motion_expires, expires_at)
        verb_name = step.action.rpartition(".")[2]
        return await within(callee.info.timeout_s, device, verb_name, callee.function(**arguments), permit)

    async def _handle(self, callee: Callee, arguments: dict[str, Any], cause: Message, permit: Permit) -> Any:
        log = self._log.bind(action=permit.action, trace_id=cause.trace_id)
        robot = Robot(self._table, permit, self._clock, log, cause.payload)
        if not callee.info.blocking:
            return await callee.function(robot, **arguments)
        loop = asyncio.get_running_loop()
        return await in_thread(permit.action, callee.function, ThreadRobot(robot, permit, loop), arguments)


async def in_thread(
    name: str, function: Callable[..., Any], robot: ThreadRobot, arguments: dict[str, Any]
) -> Any:
    """Run a blocking handler in a thread of its own and wait for it; cancelled, for its end all the same.

    A thread cannot be cancelled, only what it waits for. So one that goes on and on is counted with those
    that ignore their cancellation.

    Not in the loop's pool of threads: a handler that never returns would hold a place there, and would
    hold up the end of the process. This thread is a daemon thread, and nobody waits for it then.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_exception(error) if error is not None else ended.set_result(result)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = function(robot, **arguments)
        except StopIteration as raised:
            # No future takes it: it would end whoever waits instead of telling them (PEP 479).
            error = RuntimeError(f"{name} raised {raised!r}")
            error.__cause__ = raised
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            return  # the loop is closed: nobody is left who wants to know

    threading.Thread(target=work, name=name, daemon=True).start()
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        if not ended.done():
            robot.cancel()
            await asyncio.wait({ended})
        ended.exception()  # of what raised after its end nobody is told
        raise
