"""A board: what sits at the far end of one wire, with its devices. Here is its life; drivers add a language.

    connecting -> online -> lost (or silent, refused) -> online again, with every device inactive

Not responsible for: any protocol (drivers), what a device may do (kinds), who needs which device (daemon).
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel

from hal.device import Actuator, Device, DeviceSpec, Evidence
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError, LinkError, LinkFull
from hal.link import Link, Parity
from hal.units import Duration

SHORTEST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
PAUSE_SHARE = 1 / 8
"""The pause before the next attempt, as a share of the time since the loss: the longer a board is away, the
rarer it is tried, and one that comes back after 5 s is found within another second."""
PAUSE_JITTER = 0.25
"""Boards that were lost together do not come back in step."""

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


class BoardState(StrEnum):
    """Where a board is in its life."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    ONLINE = "online"
    LOST = "lost"
    """There is no wire; it is tried again for ever."""
    SILENT = "silent"
    """The wire is there, but nothing comes."""
    REFUSED = "refused"
    """Something else sits there, or it cannot do what the file asks of it; it is tried again for ever."""


class BoardEvent(NamedTuple):
    """Something that the machine may want to act on."""

    kind: Literal["back", "lost", "silent", "refused", "degraded"]
    """`degraded`: it serves, but some of what it says does not come through. `silent` may be a part of it."""
    board: str
    detail: str
    """A sentence: why, and what to do next."""


class BoardSpec(BaseModel, frozen=True, extra="forbid"):
    """What the robot's file says about one board. Drivers give `baud` their product's default."""

    driver: str
    port: str
    baud: int = 115200
    parity: Parity = "none"
    """The bit with which a serial line checks each byte."""
    deadman: Duration | Literal["none"] | None = None
    """After how long without a word its firmware stops by itself."""


class Keeper(Protocol):
    """Who can stop a board when this process cannot, and has a hand of its own on the wire for that."""

    async def keep(self, board: Board) -> None:
        """Its wire is open: take a duplicate of it (`board.link`), and the stop frames.

        Called again for the same wire when the board was silent. Raises `HalError` where nobody can stop it.
        """

    async def give_back(self, board: Board) -> None:
        """Its wire is closed here. Returns when it is nowhere open any more: it is opened again next."""


class Board(ABC):
    """One board and its devices. `run` is its supervisor; everything else is called from the same loop."""

    IDLE_GAP_S: ClassVar[float] = 0.0
    """On a half-duplex bus: how long its line is quiet before somebody else may speak."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        self.name = name
        self.spec = spec
        self.devices: dict[str, Device] = {}
        self.state = BoardState.CLOSED
        self.detail = ""
        """What was identified there (`StandardFirmata 2.5`), or why it is not online."""
        self.since = 0.0
        """The loop time since when `state` holds."""
        self.link: Link | None = None
        self.trouble: HalError | None = None
        """Why it is not online, as it was raised; None while it is, and before the first attempt."""
        self.listener: Callable[[BoardEvent], None] | None = None
        self.keeper: Keeper | None = None
        self._connect = connect
        self._rng = rng
        self._told: str | None = None
        self._lost_since: float | None = None
        self._arrived = asyncio.Event()
        self._lost: asyncio.Future[HalError] | None = None
        self._next_look: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ what a driver adds

    @abstractmethod
    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make the device that `spec` describes and own it. Before `run` only."""

    @abstractmethod
    async def identify(self) -> str:
        """Find out what is there, and return its name and version.

        Raises `DeviceSilent` or `DeviceRefused` with the probable cause and the next step.
        """

    @abstractmethod
    async def configure(self) -> None:
        """Prepare the far end for every device. Moves nothing."""

    @abstractmethod
    def received(self, data: bytes, now: float) -> None:
        """Bytes from the far end, cut anywhere."""

    @abstractmethod
    def tend(self, now: float) -> float:
        """Do what is due, such as asking for a sign of life; returns when there is something to do next."""

    @abstractmethod
    def silent_at(self) -> float:
        """The moment after which the board counts as silent if nothing comes until then."""

    @abstractmethod
    def why_silent(self, now: float) -> str:
        """A sentence that says what did not come, and what to look at."""

    @abstractmethod
    def stop_frames(self) -> bytes:
        """What makes every actuator safe, from any parser state of the far end."""

    def stop_series(self) -> Sequence[bytes]:
        """The same for somebody who only writes: one after the other, some 20 ms apart, what moves first.

        A driver whose far ends take no two frames in one go has more than one.
        """
        return [self.stop_frames()]

    @abstractmethod
    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask the far end what each actuator is doing. The caller bounds the time."""

    # ------------------------------------------------------------------ its life

    async def run(self) -> None:
        """Connect, serve, and connect again, for ever. A cancellation halts what is there and closes.

        Foreseen failures change `state` and reach the `listener`, once for each loss; they are not raised.
        """
        try:
            while True:
                try:
                    await self._serve_one_connection()
                except HalError as error:
                    self._lose(error)
                if self.keeper is not None:
                    await self.keeper.give_back(self)
                await asyncio.sleep(self._pause_s())
        finally:
            self.halt()
            try:
                await self.last_words()
            finally:
                self._part(BoardState.CLOSED, "")

    async def last_words(self) -> None:
        """Its wire is closed next: return when the stop is on it, where that must wait for its turn."""
        return

    async def online(self) -> None:
        """Wait until the board is there and configured."""
        await self._arrived.wait()

    def halt(self) -> None:
        """Discard what is on its way and make every actuator safe. Never waits, never raises, any time."""
        if self.link is None:
            return
        try:
            self.link.flush_output()
            self.link.write(self.stop_frames())
        except HalError as error:
            _log.warning("%s: the stop could not be written: %s", self.name, error)
        except Exception:
            # A driver's bug must not keep the next board from being stopped.
            _log.exception("%s: the stop could not be written", self.name)

    def send(self, data: bytes) -> None:
        """Write to the far end, whole or not at all. Never waits.

        Raises:
            DeviceGone: there is no wire.
            LinkFull: the far end takes no more bytes.
        """
        if self.link is None:
            raise DeviceGone(self.name, "it is not connected; check its cable and power")
        try:
            self.link.write(data)
        except LinkFull as error:
            raise LinkFull(
                f"{self.name} takes no more bytes ({error}); is it powered, is it hanging?"
            ) from error
        except LinkError as error:
            raise DeviceGone(self.name, f"its wire was lost ({error}); check the cable") from error

    async def answered(self, answer: asyncio.Future[_T], timeout_s: float) -> _T | None:
        """The answer, or None after `timeout_s`. Raises the reason when the wire is lost meanwhile."""
        lost = self._lost
        if lost is None:
            raise DeviceGone(self.name, "it is not connected; check its cable and power")
        either: list[asyncio.Future[Any]] = [answer, lost]
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            raise lost.result()
        return answer.result() if answer.done() else None

    def lose(self, reason: HalError) -> None:
        """This connection is over, for `reason`; a new one follows."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    def data_received(self, data: bytes) -> None:
        """From the link."""
        self.received(data, asyncio.get_running_loop().time())

    def connection_lost(self, reason: Exception | None) -> None:
        """From the link."""
        self.lose(DeviceGone(self.name, f"its wire was lost ({reason}); check the cable and the power"))

    async def _serve_one_connection(self) -> None:
        loop = asyncio.get_running_loop()
        if self._told is None:
            self._enter(BoardState.CONNECTING, self.spec.port)
        self._lost = loop.create_future()
        link = self._connect()
        await link.open(self)
        self.link = link
        while True:
            detail = await self.identify()
            await self.configure()
            if self.keeper is not None and any(isinstance(one, Actuator) for one in self.devices.values()):
                await self.keeper.keep(self)
            self._arrive(detail)
            await self._serve_until_silent(self._lost)
            # A silence may hide a restart that forgot every pin: begin anew with whoever answers.

    async def _serve_until_silent(self, lost: asyncio.Future[HalError]) -> None:
        """Raises the reason when the wire is lost first."""
        loop = asyncio.get_running_loop()
        silent: asyncio.Future[float] = loop.create_future()
        self._look_after(loop, silent)
        either: list[asyncio.Future[Any]] = [lost, silent]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._next_look is not None:
                self._next_look.cancel()
        if lost.done():
            raise lost.result()
        self._fall_silent(self.why_silent(silent.result()))

    def _look_after(self, loop: asyncio.AbstractEventLoop, silent: asyncio.Future[float]) -> None:
        """Tend it whenever that is due, by a timer and without a task; `silent` is told when it is."""
        self._next_look = None
        now = loop.time()
        try:
            silent_at = self.silent_at()
            due = silent_at if now >= silent_at else min(silent_at, self.tend(now))
        except Exception as error:  # a driver's bug ends the board's task, as everything in it would
            silent.set_exception(error)
            return
        if now >= silent_at:
            silent.set_result(now)
        else:
            self._next_look = loop.call_at(due, self._look_after, loop, silent)

    def _arrive(self, detail: str) -> None:
        self._lost_since = None
        self.trouble = None
        self._enter(BoardState.ONLINE, detail)
        for device in self.devices.values():
            device.present()
        self._arrived.set()
        if self._told is not None:
            self._tell("back", f"{detail} is back; its devices are inactive")
            self._told = None

    def _fall_silent(self, why: str) -> None:
        self.halt()
        for device in self.devices.values():
            device.fail(f"{self.name}: {why}")
        self._arrived.clear()
        self._enter(BoardState.SILENT, why)
        self._tell("silent", why)

    def _lose(self, reason: HalError) -> None:
        self.trouble = reason
        sentence = (
            reason.sentence if isinstance(reason, DeviceSilent | DeviceGone | DeviceRefused) else str(reason)
        )
        if isinstance(reason, DeviceRefused):
            self._part(BoardState.REFUSED, sentence)
            self._tell("refused", sentence)
        else:
            silent = isinstance(reason, DeviceSilent)
            self._part(BoardState.SILENT if silent else BoardState.LOST, sentence)
            self._tell("lost", sentence)

    def _part(self, state: BoardState, detail: str) -> None:
        """The wire is given up: devices vanish, first, so that what can still be stopped is stopped."""
        for device in self.devices.values():
            device.vanish()
        self._arrived.clear()
        self._lost = None
        link, self.link = self.link, None
        if link is not None:
            link.close()
        self._enter(state, detail)

    def _pause_s(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._lost_since is None:
            self._lost_since = now
        share_s = (now - self._lost_since) * PAUSE_SHARE
        jitter = self._rng.uniform(1 - PAUSE_JITTER, 1 + PAUSE_JITTER)
        return min(max(share_s * jitter, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)

    def _enter(self, state: BoardState, detail: str) -> None:
        self.detail = detail
        if state is not self.state:
            self.state = state
            self.since = asyncio.get_running_loop().time()

    def _tell(self, kind: Literal["back", "lost", "silent", "refused"], detail: str) -> None:
        if kind != self._told:
            self._told = kind
            if self.listener is not None:
                self.listener(BoardEvent(kind, self.name, detail))
