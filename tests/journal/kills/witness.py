"""Reads the journal of daemons that are killed, and compares it with what their clients were told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from robotd.core.stage import ACCEPTED, EXPIRED, RECEIVED, REJECTED, TERMINAL, UNKNOWN
from robotd.journal import kinds
from robotd.journal.row import BEGINNING, Row, follows, is_whole


@dataclass(slots=True)
class Life:
    """What the journal says of one command."""

    seq: int
    """Of the row with which it was taken in."""
    boot: str
    started: bool = False
    stage: str | None = None
    """The terminal one."""


class Witness:
    """Reads on where it has stopped reading, and finds what must not be."""

    def __init__(self) -> None:
        self.seq = 0
        """Of the newest row read."""
        self.commands: dict[str, Life] = {}
        self._hash = BEGINNING
        self._open: dict[str, None] = {}

    def read(self, rows: Iterable[Row]) -> None:
        """The rows after those that were read: each must be whole, and follow the one before."""
        for row in rows:
            assert row.seq == self.seq + 1
            assert is_whole(row)
            assert follows(row, self._hash)
            self.seq, self._hash = row.seq, row.hash
            if row.id is not None:
                self._follow(row.id, row)

    def _follow(self, about: str, row: Row) -> None:
        if row.kind == kinds.COMMAND:
            assert about not in self.commands, f"{about} was taken in twice"
            left = [each for each in self._open if self.commands[each].boot != row.boot]
            assert left == [], "a daemon took a command in before it had settled what was open"
            self.commands[about] = Life(row.seq, row.boot)
            self._open[about] = None
        elif about not in self.commands:
            return  # the daemon's own messages are no commands
        elif row.kind == kinds.STARTED:
            life = self.commands[about]
            assert not life.started, f"{about} started twice"
            assert life.stage is None, f"{about} started after its end"
            assert life.boot == row.boot, f"{about} was run by another daemon than took it in"
            life.started = True
        elif row.kind in kinds.TERMINAL:
            life = self.commands[about]
            assert life.stage is None, f"{about} ended twice"
            life.stage = row.data["stage"]
            if life.boot != row.boot:
                assert life.stage == (UNKNOWN if life.started else EXPIRED)
            del self._open[about]

    @property
    def open_commands(self) -> list[str]:
        """Those without an end."""
        return list(self._open)

    def since(self, seq: int) -> list[str]:
        """The commands that were taken in with this row or later."""
        return [command for command, life in self.commands.items() if life.seq >= seq]

    def hold_to(self, command: str, stage: str) -> None:
        """A client was told that this command had reached this stage: the journal must say so, too."""
        life = self.commands.get(command)
        if stage in (RECEIVED, ACCEPTED) or (stage == REJECTED and life is None):
            return
        assert life is not None, f"{command} was told to be {stage}, and is not in the journal"
        if stage in TERMINAL:
            assert (command, life.stage) == (command, stage)
