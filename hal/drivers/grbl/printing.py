"""What a simulated Grbl board prints when a terminal asks for its parser, its offsets or its help. Pure.

Source: github.com/gnea/grbl, `doc/markdown/interface.md` ("Non-Queried Feedback Messages") and `commands.md`.
Our own board asks for none of these; other people's senders do.
"""

from __future__ import annotations

from hal.drivers.grbl.interpreter import Modes
from hal.drivers.grbl.words import Point

HELP = "[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]\r\n"
STARTUP = "$N0=\r\n$N1=\r\n"
"""It has no lines that it begins with."""
OTHER_PLACES = ("G55", "G56", "G57", "G58", "G59", "G28", "G30", "G92")


def parser_state(modes: Modes, *, coolant: bool) -> str:
    """`[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]`, the answer to `$G`."""
    codes = (
        "G80" if modes.motion is None else f"G{modes.motion}",
        *("G54", "G17"),
        "G21" if modes.scale_mm == 1.0 else "G20",
        "G90" if modes.absolute else "G91",
        *("G94", "M5"),
        "M8" if coolant else "M9",
    )
    return f"[GC:{' '.join(codes)} T0 F{(modes.feed_mm_s or 0.0) * 60:.0f} S0]\r\n"


def offsets(modes: Modes) -> str:
    """The answer to `$#`: where its coordinate systems begin, in millimetres."""
    lines = [f"[G54:{_point(modes.offset)}]"]
    lines += [f"[{name}:{_point((0.0, 0.0, 0.0))}]" for name in OTHER_PLACES]
    lines += ["[TLO:0.000]", "[PRB:0.000,0.000,0.000:0]"]
    return "".join(f"{line}\r\n" for line in lines)


def _point(place: Point) -> str:
    return ",".join(f"{value:.3f}" for value in place)
