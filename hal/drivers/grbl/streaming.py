"""A job under way: its lines one after the other, then one that waits until all of them are done."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from hal.drivers.grbl import words
from hal.drivers.grbl.job import Job, JobLine
from hal.drivers.grbl.lines import Line
from hal.errors import HalError


class Listener(Protocol):
    """Who is told how a job goes. It may have given up this stream already."""

    def taken(self, stream: Stream, line: JobLine, share: float) -> None:
        """This line was taken, and with it this share of the job."""

    def refused(self, stream: Stream, line: JobLine, error: int) -> None:
        """This line was answered with `error:<error>`."""

    def lost(self, stream: Stream, number: int, reason: HalError) -> None:
        """The line with this number will never be answered."""

    def ended(self, stream: Stream, error: int | None) -> None:
        """Everything has been done, or the wait for that was refused."""


class Stream:
    """Gives the lines of a job whenever there is room for one."""

    def __init__(self, job: Job, listener: Listener) -> None:
        self.job = job
        self._listener = listener
        self._next = 0

    def next_line(self) -> Line | None:
        """The next line to send; None behind the last."""
        index, total = self._next, len(self.job.lines)
        self._next += 1
        if index < total:
            line = self.job.lines[index]
            lost = partial(self._listener.lost, self, line.number)
            return Line(line.data, partial(self._answered, index), lost, line.dwell_s)
        if index == total:
            ended = partial(self._listener.ended, self)
            return Line(words.END_OF_JOB, ended, partial(self._listener.lost, self, self.job.length))
        return None

    def _answered(self, index: int, error: int | None) -> None:
        line = self.job.lines[index]
        if error is not None:
            self._listener.refused(self, line, error)
        else:
            self._listener.taken(self, line, (index + 1) / (len(self.job.lines) + 1))
