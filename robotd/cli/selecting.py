"""Which rows of a journal somebody wants: options that several commands share, and the moments in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.arguments import seconds
from robotd.clock import wall_time

if TYPE_CHECKING:
    from robotd.journal.store import Select

Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="From then on: '14:02', '10 min' (ago), '2026-11-21 14:02:11.310', or ISO with a zone.",
        show_default=False,
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Before then, written alike.", show_default=False),
]
Seq = Annotated[
    str | None,
    typer.Option(metavar="FROM..TO", help="By number: '800..900', '800..' or '..900'.", show_default=False),
]
Kind = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND", help="Only this kind: command, decision, stop... May be repeated.", show_default=False
    ),
]
Trace = Annotated[
    str | None, typer.Option(metavar="TRACE", help="Only what belongs to this trace.", show_default=False)
]
Id = Annotated[
    str | None,
    typer.Option(
        "--id", metavar="ID", help="Only what is about this message or command.", show_default=False
    ),
]
OfDevice = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only what names this device.", show_default=False)
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_NUMBERS = re.compile(r"#?(?P<first>\d+)?(?P<to>\.\.)?#?(?P<last>\d+)?")


def selection(
    *,
    since: str | None = None,
    until: str | None = None,
    seq: str | None = None,
    kind: Sequence[str] | None = None,
    trace: str | None = None,
    about: str | None = None,
    device: str | None = None,
) -> Select:
    """What the options say together. Raises `typer.BadParameter`."""
    from robotd.journal.store import Select

    now = wall_time()
    first, last = (0, None) if seq is None else numbers(seq)
    return Select(
        since=max(first - 1, 0),
        until=last,
        kinds=known_kinds(kind or ()),
        id=about,
        trace=trace,
        device=device,
        after=None if since is None else microseconds(moment(since, now)),
        before=None if until is None else microseconds(moment(until, now)),
    )


def known_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, if rows can be of all these kinds. Raises `typer.BadParameter`."""
    from robotd.journal.kinds import KINDS

    for name in names:
        if name not in KINDS:
            near = difflib.get_close_matches(name, KINDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the kinds are {', '.join(KINDS)}"
            raise typer.BadParameter(f"no row is of the kind {name!r}; {hint}")
    return tuple(names)


def numbers(text: str) -> tuple[int, int | None]:
    """`800..900`, `800..`, `..900`, `812`: the first and the last. Raises `typer.BadParameter`."""
    found = _NUMBERS.fullmatch(text.strip())
    if found is None or not (found["first"] or found["last"]):
        raise typer.BadParameter(f"{text!r} is not FROM..TO, as in 800..900")
    first = int(found["first"] or 0)
    if not found["to"]:
        return first, first
    last = None if found["last"] is None else int(found["last"])
    if last is not None and last < first:
        raise typer.BadParameter(f"{text!r} ends before it begins")
    return first, last


def moment(text: str, now: datetime) -> datetime:
    """`14:02` (the last time that it was so late here), `10 min` (ago), or an ISO date and time.

    In local time, where no zone is said. Raises `typer.BadParameter`.
    """
    text = text.strip().removesuffix(" ago")
    if _TIME_OF_DAY.fullmatch(text):
        return _time_of_day(text, now)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        pass
    try:
        return now - timedelta(seconds=seconds(text))
    except typer.BadParameter:
        said = "'14:02', '10 min' (ago) or '2026-11-21 14:02'"
        raise typer.BadParameter(f"{text!r} is no moment; write it as {said}") from None


def _time_of_day(text: str, now: datetime) -> datetime:
    today = now.astimezone().date()
    hour, _, rest = text.partition(":")
    try:
        for day in (today, today - timedelta(days=1)):
            # By the date, so that the zone is that of the day, in summer as in winter.
            found = datetime.fromisoformat(f"{day.isoformat()} {hour:0>2}:{rest}").astimezone(UTC)
            if found <= now:
                break
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time of day: {error}") from None
    return found


def microseconds(when: datetime) -> int:
    """Since 1970, as a row has it."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def local_time(wall: int) -> str:
    """`14:02:11.310`, with the date before it where that is not today's. `wall` is a row's."""
    text = local_date_and_time(wall)
    today = wall_time().astimezone().date().isoformat()
    return text.removeprefix(f"{today} ")


def local_date_and_time(wall: int) -> str:
    """`2026-11-21 14:02:11.310`."""
    when = (_EPOCH + timedelta(microseconds=wall)).astimezone()
    return when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03d}"
