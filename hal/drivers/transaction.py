"""The words of a shared line: a transaction, who goes first, what became of it, and whose frame is whose."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Generic, NamedTuple, Protocol, TypeVar


class Priority(IntEnum):
    """Who goes first when the line is free."""

    STOP = 0
    SETPOINT = 1
    READ = 2


class Trouble(Enum):
    """Why a transaction is not complete, in words that go behind a device's name."""

    SILENT = "it did not answer"
    SUPERSEDED = "something newer took its place"
    TOO_LATE = "the bus was busy until it meant nothing any more"
    DROPPED = "it was given up before its turn: a stop, or a lost wire"


class Keyed(Protocol):
    """A frame that was cut out of the bytes on the line."""

    @property
    def key(self) -> Hashable:
        """Whom it is from and what it looks like."""


FrameT = TypeVar("FrameT", bound=Keyed)
FrameT_co = TypeVar("FrameT_co", bound=Keyed, covariant=True)


class Framer(Protocol[FrameT_co]):
    """Cuts what comes into frames."""

    def feed(self, data: bytes) -> Sequence[FrameT_co]:
        """The frames that `data` completes. Never raises."""

    def end(self) -> Sequence[FrameT_co]:
        """Nothing more belongs to what came: the frames that are still found in it; the rest is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """One request and the answers that it is to have."""

    request: bytes
    priority: Priority
    answers: Mapping[Hashable, int] = field(default_factory=dict)
    """By key, how many bytes each has on the line. Empty: nobody answers a broadcast."""
    instead: Mapping[Hashable, Hashable] = field(default_factory=dict)
    """What a far end that refuses says in place of its answer: by the key of that frame, the answer's key."""
    topic: Hashable | None = None
    """Of those with one topic only the newest waits."""
    begin_by: float = math.inf
    """The loop time after which it is not begun any more."""
    thinks_s: float = 0.0
    """How long the far ends take by themselves until all have answered."""
    tries: int = 2
    timeless: bool = False
    """A late answer to the same question is as good: it need not wait until none can come."""
    narrow: Callable[[Sequence[Hashable]], bytes] | None = None
    """What to ask when only these keys are missing; None: the same again."""


class Outcome(NamedTuple, Generic[FrameT]):
    """What became of a transaction."""

    answers: Mapping[Hashable, FrameT]
    """Those that came, by the key that was asked for; a refusal stands in its answer's place."""
    trouble: Trouble | None = None
    """None: all came."""


Done = Callable[[Outcome[FrameT]], None]
"""Called once, when the transaction is over. It may put the next one."""
