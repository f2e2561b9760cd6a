"""One robot at the far end of a connection: what it is asked, and what it tells by itself.

Not responsible for reconnecting: what a caller does after a loss (send a motion again, or better not) is
not for a library to decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from robotd.client.channel import Channel, open_channel
from robotd.client.command import Command, Stage
from robotd.client.errors import CannotConnect, ClientError, ConnectionLost, InFlight, RemoteError
from robotd.client.lease import Lease
from robotd.client.line import Line
from robotd.client.subscription import Subscription, Update
from robotd.client.target import Target

PROTOCOL_VERSION = 1
CONNECT_TIMEOUT_S = 3.0
CALL_TIMEOUT_S = 10.0
"""For an answer that does not depend on how long a motion takes."""


class RemoteRobot:
    """A robot at the far end of a connection; made by `connect`."""

    def __init__(self, channel: Channel, *, new_id: Callable[[], str]) -> None:
        self._line = Line(channel, self._take_notification, self._lose)
        self._new_id = new_id
        self._commands: WeakValueDictionary[str, Command] = WeakValueDictionary()
        self._subscriptions: list[Subscription] = []
        self._leases: list[Lease] = []
        self._following: asyncio.Task[Any] | None = None
        self.server: Mapping[str, Any] = {}
        """The robot's answer to `hello`: its name, version, capabilities and limits."""
        self.last_seq = 0
        """The newest row of the robot's journal among the stages told here. After a loss, the `subscribe` of
        the next connection takes it as its `since_seq` and hears what was missed."""

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = CALL_TIMEOUT_S,
    ) -> Any:
        """Ask for any method and wait for its result.

        Raises `RemoteError` when the robot refuses, `ConnectionLost`, and `TimeoutError` after `timeout_s`.
        """
        return await self._line.request(InFlight(method, None), params, timeout_s)

    async def status(self) -> dict[str, Any]:
        """What the robot is doing now: states, boards, devices with their readings, queue, latch."""
        status: dict[str, Any] = await self.call("status")
        return status

    async def describe(self) -> dict[str, Any]:
        """What the robot is: its machine, the commands with their payloads, its devices and limits."""
        description: dict[str, Any] = await self.call("describe")
        return description

    async def send(
        self,
        command_type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        wait: str | None = None,
        command_id: str | None = None,
        trace_id: str | None = None,
        traceparent: str | None = None,
        correlation_id: str | None = None,
        priority: str | None = None,
        valid_for_s: float | None = None,
        version: int | None = None,
        timeout_s: float | None = None,
    ) -> Command:
        """Send a command; returns when it has reached the stage `wait`, or any terminal one.

        `wait` is `accepted`, `journaled`, `started` (the default) or `done`. The `command_id` is made where
        none is given; after a `ConnectionLost` the same id and body may be sent again and never run twice.
        `traceparent` (W3C Trace Context) makes it a part of the caller's trace. Raises `RemoteError` when the
        robot rejects it; a command that ran and failed does not raise, its stage is `failed`.
        """
        await self._follow_stages()
        command = Command(command_id if command_id is not None else self._new_id(), command_type)
        self._commands[command.id] = command
        params = _given(
            type=command_type,
            payload=payload,
            id=command.id,
            trace_id=trace_id,
            traceparent=traceparent,
            correlation_id=correlation_id,
            priority=priority,
            valid_for_ms=None if valid_for_s is None else valid_for_s * 1000,
            version=version,
            wait=wait,
        )
        answer = await self._line.request(InFlight("send", command.id), params, timeout_s)
        command.trace_id = str(answer.get("trace_id", ""))
        command.traceparent = str(answer.get("traceparent", ""))
        command.heard(Stage.of(answer))
        return command

    async def cancel(self, command_id: str, *, traceparent: str | None = None) -> dict[str, Any]:
        """Cancel a queued or running command; the answer says which it was."""
        answer: dict[str, Any] = await self.call("cancel", _given(id=command_id, traceparent=traceparent))
        return answer

    async def estop(self, reason: str = "", *, traceparent: str | None = None) -> dict[str, Any]:
        """Stop everything now. Returns the evidence for each actuator and the `latch_id`."""
        params = _given(reason=reason or None, traceparent=traceparent)
        evidence: dict[str, Any] = await self.call("estop", params)
        return evidence

    async def reset(self, latch_id: str, *, traceparent: str | None = None) -> dict[str, Any]:
        """Lift the latch of a stop. Raises `RemoteError` that says why not. Nothing moves by it."""
        params = _given(latch_id=latch_id, traceparent=traceparent)
        answer: dict[str, Any] = await self.call("reset", params)
        return answer

    def lease(self, window_s: float | None = None, *, steal: bool = False) -> Lease:
        """Have the robot to oneself: `async with robot.lease() as lease:`. It is renewed meanwhile.

        The first command that moves something takes a free lease by itself, for as long as it moves; this one
        stays. `window_s` (0.2 to 10): the robot halts when it hears nothing for so long. `steal`: also from
        who is not heard any more, or has a lower role.
        """
        return Lease(self.call, self._leases, window_s, steal=steal)

    async def why(self, about: str | int | None = None) -> dict[str, Any]:
        """The causes of a command (its id) or of a row (its number); of neither, of standing still now."""
        params = {} if about is None else {"seq" if isinstance(about, int) else "id": about}
        answer: dict[str, Any] = await self.call("why", params)
        return answer

    async def journal(self, since_seq: int = 0, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """The rows of the robot's journal after `since_seq`, the oldest first, up to the newest there is.

        `query`: `until_seq`, `kinds`, `id`, `trace_id`, `device`, as in `journal.read`.
        """
        while True:
            page = await self.call("journal.read", {**query, "since_seq": since_seq})
            for record in page["records"]:
                yield record
            if page["next_seq"] >= min(page["last_seq"], query.get("until_seq", page["last_seq"])):
                return
            since_seq = page["next_seq"]

    def subscribe(
        self, *topics: str, max_hz: float | None = None, since_seq: int | None = None
    ) -> Subscription:
        """News of `state`, `stage`, `log`, `reading.<device>` or `reading.*`, each at most at `max_hz`.

        With `since_seq` (`last_seq` of a connection that was lost) `stage` begins with what was missed.
        """

        async def begin(subscription: Subscription) -> Mapping[str, Any]:
            self._line.raise_if_lost()
            self._subscriptions.append(subscription)
            params = _given(topics=list(subscription.topics), max_hz=max_hz, since_seq=since_seq)
            try:
                answer: Mapping[str, Any] = await self.call("subscribe", params)
            except BaseException:
                self._forget(subscription)
                raise
            return answer

        return Subscription(topics, begin, self._end_subscription)

    async def _end_subscription(self, subscription: Subscription) -> None:
        unused = self._forget(subscription)
        if unused and not self._line.lost:
            # The wish to hear no more must not fail a caller who is leaving anyway.
            with contextlib.suppress(ClientError, TimeoutError):
                await self.call("unsubscribe", {"topics": unused})

    def _forget(self, subscription: Subscription) -> list[str]:
        """Drop it; returns the topics that nobody here wants any more."""
        if subscription not in self._subscriptions:
            return []
        self._subscriptions.remove(subscription)
        wanted = {topic for other in self._subscriptions for topic in other.topics}
        if self._following is not None:
            wanted.add("stage")
        # Either may be a pattern, and the robot would take `reading.*` away from who listens to one of them.
        return [
            topic
            for topic in subscription.topics
            if not any(fnmatchcase(topic, other) or fnmatchcase(other, topic) for other in wanted)
        ]

    async def _follow_stages(self) -> None:
        """Ask once, before the first command, to be told the stages of commands."""
        if self._following is None:
            self._following = asyncio.create_task(self.call("subscribe", {"topics": ["stage"]}))
        try:
            await asyncio.shield(self._following)
        except (ClientError, TimeoutError):
            self._following = None  # the next command asks again
            raise

    def _take_notification(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "lease.lost":
            for lease in self._leases:
                lease.heard(params)
            return
        if method == "stage":
            self.last_seq = max(self.last_seq, params.get("seq") or 0)
            command = self._commands.get(params["id"])
            if command is not None:
                command.heard(Stage.of(params))
            update = Update("stage", params, params.get("gap", 0))
        else:
            update = Update(params["topic"], params["data"], params.get("gap", 0))
        for subscription in self._subscriptions:
            if subscription.wants(update.topic):
                subscription.heard(update)

    def _lose(self, loss: ConnectionLost) -> None:
        """Nobody who listens here hears any more."""
        listeners: list[Command | Subscription] = [*self._commands.values(), *self._subscriptions]
        for listener in listeners:
            listener.lost(ConnectionLost(loss.sentence, loss.in_flight))

    async def _open(self, client: str, token: str | None, timeout_s: float, *, as_stranger: bool) -> None:
        self._line.open()
        try:
            greeting = _given(client=client, protocol=[PROTOCOL_VERSION], token=token)
            self.server = await self.call("hello", greeting, timeout_s=timeout_s)
        except RemoteError:
            if not as_stranger:
                raise
        except (ConnectionLost, TimeoutError) as error:
            raise CannotConnect(
                f"connected, but no robotd answers there: {str(error) or 'silence'}"
            ) from error

    async def _close(self) -> None:
        self._line.lose("this side closed the connection")
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._line.close()


@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    token_file: Path | None = None,
    fingerprint: str | None = None,
    as_stranger: bool = False,
    client: str = "robotd.client",
    timeout_s: float = CONNECT_TIMEOUT_S,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> AsyncIterator[RemoteRobot]:
    """Connect to `url` (`wss://`, `tcps://`, `ws://`, `tcp://`, `unix://`); without, to this machine's.

    `token`, or what stands in `token_file`, says who we are. It leaves this machine inside TLS alone, after
    the robot has proved who it is: by the `fingerprint` of its certificate (`sha256:...`), where none is
    given by an authority that the system trusts. `as_stranger`: go on where the robot does not know us; it
    takes a stop from anybody.

    Raises `CannotConnect` (nobody there, or not that robot, or not robotd), `ValueError` (not an address, a
    token or a fingerprint; not private), and `RemoteError` (the robot does not want us).
    """
    target = Target.of(url, fingerprint=fingerprint, token=token, token_file=token_file)
    robot = RemoteRobot(await open_channel(target, timeout_s), new_id=new_id)
    try:
        await robot._open(client, target.token, timeout_s, as_stranger=as_stranger)
        yield robot
    finally:
        await robot._close()


def _given(**params: Any) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in params.items() if value is not None}
