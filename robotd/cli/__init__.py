"""The command line. Nothing else in robotd parses arguments or prints.

What a command needs is imported inside it, so that `robotd version` and a mistyped option answer at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from robotd.cli import (
    auditing,
    beginning,
    certifying,
    checking,
    controlling,
    daemon,
    dead,
    describing,
    doctoring,
    driving,
    hardware,
    journal,
    leading,
    replaying,
    scanning,
    service,
    simulating,
    templating,
    testing,
    tokens,
    verifying,
    watching,
    why,
)
from robotd.cli.arguments import RunCommand
from robotd.cli.proving import Commands

__all__ = ["app", "main"]

app = typer.Typer(
    name="robotd",
    cls=Commands,
    help="One daemon for one robot: run it, look at it, drive it, stop it.\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 4 cannot connect, 5 refused by the robot, 78 file invalid.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("run", cls=RunCommand)(daemon.run)
app.command("check")(checking.check)
app.command("test")(testing.run_scenarios)
app.command("sim")(simulating.sim)
app.command("status")(watching.status)
app.command("send")(driving.send)
app.command("watch")(watching.watch)
app.command("lease")(leading.lease)
app.command("stop")(controlling.stop)
app.command("reset")(controlling.reset)
app.add_typer(journal.app, name="journal")
journal.app.command("verify")(verifying.verify)
journal.app.command("stats")(verifying.stats)
journal.app.command("acknowledge")(verifying.acknowledge)
app.add_typer(dead.app, name="dead")
app.add_typer(service.app, name="service")
app.add_typer(certifying.app, name="tls")
app.add_typer(tokens.app, name="token")
app.add_typer(auditing.app, name="audit")
app.command("replay")(replaying.replay)
app.command("why")(why.why)
app.command("graph")(describing.graph)
app.command("init")(beginning.init)
app.command("doctor")(doctoring.doctor)
app.command("ports")(hardware.ports)
app.command("scan")(scanning.scan)
app.command("twin")(hardware.twin)
app.command("new-driver")(templating.new_driver)
app.command("schema")(describing.schema)
app.command("version")(describing.version)


def main() -> None:
    """Run the command that `sys.argv` names and exit with its code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what cannot be written there is no reason to fall
    app(prog_name="robotd")
