"""`robotd run`: the daemon itself, from a file to a clean exit."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.arguments import board_faults, board_ports, simulated_boards
from robotd.cli.connection import interruption
from robotd.cli.ending import collect_less, run_to_the_end
from robotd.cli.exits import Exit, fail
from robotd.cli.files import load

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.daemon import Daemon, Ready
    from robotd.daemon.engine import Engine
    from robotd.systemd import Notifier

PROVEN_AT_START = 20_000
"""So many configurations are looked at before the daemon starts: a fifth of a second at most."""


def run(
    file: Annotated[str, typer.Argument(help="The robot's file, or example:NAME for an installed one.")],
    sim: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[BOARD]",
            help="Give this board a twin in place of its port; without BOARD, every board. May be repeated.",
        ),
    ] = None,
    real: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BOARD", help="This board keeps its port, whatever --sim says. May be repeated."
        ),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BOARD=PORT", help="Another port than the file's for one board. May be repeated."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[BOARD=]FAULT",
            help="What goes wrong, as in 'unplug 5 s after 10 s'; `robotd twin --help` lists all there is. "
            "At a real board it can only be its wire. May be repeated.",
        ),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|memory",
            envvar="ROBOTD_JOURNAL",
            help="Where the journal is kept; 'memory' keeps nothing beyond the end. "
            "Default: $STATE_DIRECTORY, or ~/.local/state/robotd/ROBOT.",
            show_default=False,
        ),
    ] = None,
    log_level: Annotated[
        str, typer.Option(help="How much goes to the log on stderr: debug, info, warning or error.")
    ] = "info",
) -> None:
    """Run the robot of FILE until Ctrl-C or SIGTERM.

    When it is up, one line on stdout tells where it listens. The log goes to stderr: pretty on a
    terminal, JSON elsewhere; what `robotd check` finds wrong is said there, too. Nothing moves at the
    start.

    Example: robotd run config/rover.yaml --sim

    Example: robotd run config/rover.yaml --port arduino=/dev/ttyACM0

    Example: robotd run config/rover.yaml --sim --fault "drop 1%" --fault "unplug 5 s after 10 s"
    """
    config = load(file)
    simulated = simulated_boards(config.boards, sim or (), real or ())
    ports = board_ports(config.boards, port or ())
    both = simulated & ports.keys()
    if both:
        raise typer.BadParameter(f"{', '.join(sorted(both))} has both a twin and a --port")
    faults = board_faults(config.boards, simulated, fault or ())

    from robotd import log

    try:
        log.configure(log_level)
    except (AttributeError, ValueError):
        raise typer.BadParameter(f"{log_level!r} is not debug, info, warning or error") from None
    from hal import FaultError
    from robotd.daemon import CannotStart, Daemon, Surroundings
    from robotd.daemon.guarding import guard_process
    from robotd.safety.latch import FILE
    from robotd.safety.switch import Switch
    from robotd.safety.watchdog import Watch
    from robotd.systemd import Notifier

    tell_failed_proofs(config, log.get("check"))

    folder = journal_folder(journal, config.robot)
    # What keeps a robot stopped is kept even where its journal is not.
    state = folder or state_folder(config.robot)
    guard = partial(guard_process, state=state)
    systemd = Notifier.from_environment()

    def watch(engine: Engine) -> None:
        systemd.stuck = Watch(engine.progress).stuck

    surroundings = Surroundings(
        journal=folder, latch=state / FILE, guard=guard, switch=Switch.beside, watch=watch
    )
    try:
        robot = Daemon(config, simulated=simulated, ports=ports, faults=faults, surroundings=surroundings)
    except FaultError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        run_to_the_end(_serve(robot, systemd))
    except CannotStart as error:
        fail(Exit.FAILED, str(error))


def journal_folder(journal: str | None, robot: str) -> Path | None:
    """Where the journal is kept; None: in memory."""
    if journal == "memory":
        return None
    return state_folder(robot) if journal is None else Path(journal)


def state_folder(robot: str) -> Path:
    """Where a robot keeps what outlives its daemon, unless told otherwise."""
    from robotd.journal.reader import default_folder

    return default_folder(robot, os.environ)


def tell_failed_proofs(config: RobotConfig, log: Any) -> None:
    """A line of the log for each error that `robotd check` finds; it is no reason not to start."""
    from robotd.check import Severity, Subject, prove

    for finding in prove(Subject.of(config), at_most=PROVEN_AT_START).findings:
        if finding.severity is Severity.ERROR:
            log.warning(finding.sentence, code=finding.code, where=str(finding.where))


async def _serve(robot: Daemon, systemd: Notifier) -> None:
    """Run until told to stop. Raises `CannotStart`."""

    def say_ready(ready: Ready) -> None:
        collect_less()
        line = ready_line(ready)
        typer.echo(line)
        systemd.ready(line)

    interrupted = interruption(systemd.stopping)
    # SIGHUP tells a daemon that there is something new to read; in a terminal, that nobody sits there now.
    hang_up = interrupted.set if os.isatty(0) else robot.reload
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
    beating = asyncio.ensure_future(systemd.beat())
    try:
        await robot.run(say_ready, interrupted)
    finally:
        beating.cancel()


def ready_line(ready: Ready) -> str:
    """The one line on stdout, for which scripts wait: where it listens, and what of it is simulated."""
    words = ["ready"]
    if ready.websocket is not None:
        words.append(f"{'wss' if ready.tls else 'ws'}://{ready.websocket}/ws")
    if ready.tcp is not None:
        words.append(f"{'tcps' if ready.tls else 'tcp'} {ready.tcp}")
    if ready.websocket is None and ready.tcp is None and ready.unix is not None:
        words.append(f"unix {ready.unix}")
    if ready.simulated:
        everything = set(ready.simulated) == set(ready.boards)
        words.append("(simulated)" if everything else f"({', '.join(sorted(ready.simulated))} simulated)")
    return "  ".join(words)
