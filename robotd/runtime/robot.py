"""What a handler holds: the robot, as far as this one call of it may touch it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hal import Actuator, Device, DeviceRefused, DeviceSilent, Reading, VerbInfo, verbs
from robotd.core.message import Message
from robotd.runtime.readings import Clock, ReadingTable

GRACE_S = 0.25
"""How long a cancelled action may clean up, moving nothing, before it is fenced altogether."""


class Fenced(DeviceRefused):
    """This action is over: cancelled, replaced or stopped. Its code may still run, but it moves nothing."""


@dataclass(slots=True, eq=False)
class Permit:
    """What one action may still do to the devices. Taken back the moment the action is over.

    Cancelling a task is a request; a permit is a fact. Code that swallows its cancellation, or that
    runs in a thread and cannot be cancelled, goes on running without being able to move anything.
    """

    action: str
    cause: Message | None = None
    """The message that it follows from."""
    moves: bool = True
    """May still call verbs that move something."""
    touches: bool = True
    """May still call any verb."""
    used: dict[Actuator, None] = field(default_factory=dict)
    """The actuators it has commanded, in that order: these halt when it ends in any way but well."""
    motions: tuple[Actuator, ...] = ()
    """Those with a finite motion that somebody is waiting for, once for each."""
    commanding: Callable[[Actuator, Permit], None] = lambda _actuator, _permit: None
    """Told when it has commanded one, so that whoever commanded it before is known to be replaced."""
    hangs: Callable[[Device, str], None] = lambda _device, _verb: None
    """Told when a verb has ignored the end of its time for `GRACE_S`."""

    def check_over(self) -> None:
        """Raises `Fenced` when not even a clean-up has any business with the robot any more."""
        if not self.touches:
            raise Fenced("robot", f"refused to {self.action!r}, which is over")

    def end_motion(self) -> None:
        """From now on only verbs that move nothing, for the clean-up of a cancelled handler."""
        self.moves = False

    def end(self) -> None:
        """From now on nothing at all."""
        self.moves = self.touches = False

    def check(self, device: Device, info: VerbInfo) -> None:
        """Raises `Fenced` where this permit does not reach that far (any more)."""
        if not (self.moves if info.moves else self.touches):
            raise Fenced(device.name, f"refused to {self.action!r}, which is over")

    def uses(self, device: Device, info: VerbInfo) -> None:
        """It is about to call a verb: what it moves halts with it, even when the call fails half-way."""
        if info.moves and isinstance(device, Actuator):
            self.used[device] = None

    def has_commanded(self, device: Device, info: VerbInfo) -> None:
        """The verb was accepted: whoever moved this device before is replaced."""
        if info.moves and isinstance(device, Actuator):
            self.commanding(device, self)

    @contextmanager
    def motion(self, device: Device) -> Iterator[None]:
        """While a finite verb of `device` is waited for."""
        if not isinstance(device, Actuator):
            yield
            return
        self.motions += (device,)
        try:
            yield
        finally:
            left = list(self.motions)
            left.remove(device)
            self.motions = tuple(left)

    def halt_motions(self) -> None:
        """Halt the motions under way: those that a handler began in the background do not outlive it."""
        for actuator in self.motions:
            actuator.halt()

    def halt_used(self) -> None:
        """Halt what this action has commanded."""
        for actuator in self.used:
            actuator.halt()


class DeviceProxy:
    """A device with its verbs, each behind the permit of the action that uses it."""

    def __init__(self, device: Device, permit: Permit) -> None:
        self._device = device
        self._permit = permit

    def __getattr__(self, name: str) -> Callable[..., Any]:
        device, permit = self._device, self._permit
        verb = verbs(device).get(name)
        if verb is None:
            known = ", ".join(sorted(verbs(device))) or "none"
            raise AttributeError(f"{device.name} ({device.KIND}) has no verb {name!r}; it has: {known}")
        info: VerbInfo = verb.verb_info  # type: ignore[attr-defined]  # set by hal's @verb on every verb
        if inspect.iscoroutinefunction(verb):

            async def call_and_wait(*args: Any, **kwargs: Any) -> Any:
                permit.check(device, info)
                permit.uses(device, info)
                permit.has_commanded(device, info)
                with permit.motion(device):
                    return await within(info.timeout_s, device, name, verb(*args, **kwargs), permit)

            return call_and_wait

        def call(*args: Any, **kwargs: Any) -> Any:
            permit.check(device, info)
            permit.uses(device, info)
            result = verb(*args, **kwargs)
            permit.has_commanded(device, info)
            return result

        return call


async def within(
    timeout_s: float | None, device: Device, verb: str, call: Coroutine[Any, Any, Any], permit: Permit
) -> Any:
    """Await a verb for at most `timeout_s`. Raises `DeviceSilent` when it has not come back by then.

    One that ignores its cancellation comes back when it likes: `permit` hears of it at the end of its grace.
    """
    if timeout_s is None:
        return await call
    grace = asyncio.get_running_loop().call_later(timeout_s + GRACE_S, permit.hangs, device, verb)
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except TimeoutError:
        raise DeviceSilent(device.name, f"{verb} did not end within {timeout_s:g} s") from None
    finally:
        grace.cancel()


class Robot:
    """The robot, as a handler sees it: its devices by name, its clock and its log.

        async def patrol(robot: Robot, speed_m_s: float = 0.2) -> None:
            robot.base.drive(linear_m_s=speed_m_s)

    Nothing of it outlives the call it was made for: when the action is over, verbs raise `Fenced`.
    """

    def __init__(
        self,
        table: ReadingTable,
        permit: Permit,
        clock: Clock,
        log: Any,
        payload: Mapping[str, Any],
    ) -> None:
        self._table = table
        self._permit = permit
        self._clock = clock
        self.log = log
        """A structlog logger, bound to the action and its trace id."""
        self.payload = payload
        """What the message that started this action carried."""

    def __getattr__(self, name: str) -> Any:
        try:
            device = self._table.device(name)
        except KeyError:
            raise AttributeError(f"this robot has no device {name!r}") from None
        return DeviceProxy(device, self._permit)

    def read(self, device: str, reading: str | None = None) -> Reading:
        """The newest reading of a device (its main one unless named): value in SI, unit, time in s.

        Raises `DeviceSilent` when it is stale or was never heard: an old value is worse than none.
        """
        try:
            found = self._table.device(device)
        except KeyError:
            raise AttributeError(f"this robot has no device {device!r}") from None
        fresh = self._table.fresh(found, reading)
        if fresh is None:
            raise DeviceSilent(device, "no fresh reading; is its board connected?")
        return fresh

    def now(self) -> float:
        """Seconds on the robot's monotonic clock."""
        return self._clock()

    async def sleep(self, duration_s: float) -> None:
        """Wait, in the robot's own time (which simulation may run faster)."""
        await asyncio.sleep(duration_s)


class ThreadRobot:
    """The same for a blocking handler, which runs in a thread: every call is carried out on the loop.

    It offers what `Robot` offers, as plain functions that wait. When its action is cancelled, the call that
    waits raises `asyncio.CancelledError`; what is called after its grace raises `Fenced`.
    """

    def __init__(self, robot: Robot, permit: Permit, loop: asyncio.AbstractEventLoop) -> None:
        self._robot = robot
        self._permit = permit
        self._loop = loop
        self.log = robot.log
        self.payload = robot.payload
        self._carried: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return _ThreadProxy(getattr(self._robot, name), self._on_loop)

    def cancel(self) -> None:
        """Cancel what the thread waits for. Call it on the loop."""
        for task in self._carried:
            task.cancel()

    def _on_loop(self, call: Callable[[], Any]) -> Any:
        ended: Future[Any] = Future()

        async def carry_out() -> None:
            try:
                self._permit.check_over()
                result = call()
                ended.set_result(await result if inspect.isawaitable(result) else result)
            except BaseException as error:
                ended.set_exception(error)

        def begin() -> None:
            task = self._loop.create_task(carry_out())
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)

        # The coroutine is made on the loop: a loop that has ended leaves none behind that nobody awaits.
        self._loop.call_soon_threadsafe(begin)
        return ended.result()

    def read(self, device: str, reading: str | None = None) -> Reading:
        """As `Robot.read`."""
        found: Reading = self._on_loop(lambda: self._robot.read(device, reading))
        return found

    def now(self) -> float:
        """As `Robot.now`."""
        return self._robot.now()

    def sleep(self, duration_s: float) -> None:
        """As `Robot.sleep`, for a plain function."""
        self._on_loop(lambda: self._robot.sleep(duration_s))


class _ThreadProxy:
    """A device's verbs, called on the loop and waited for in the thread."""

    def __init__(self, proxy: DeviceProxy, on_loop: Callable[[Callable[[], Any]], Any]) -> None:
        self._proxy = proxy
        self._on_loop = on_loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb = getattr(self._proxy, name)
        return lambda *args, **kwargs: self._on_loop(lambda: verb(*args, **kwargs))
