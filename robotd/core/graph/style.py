"""How the SVG looks: the same rules twice, for a light page and for a dark one."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from robotd.core.graph.text import FAMILY

NAME_SIZE = 14.0
TEXT_SIZE = 12.0

_FIXED = f"""\
text {{ font-family: {FAMILY}; font-size: {TEXT_SIZE:g}px; white-space: pre; }}
.name {{ font-size: {NAME_SIZE:g}px; font-weight: 600; }}
.trigger {{ font-weight: 600; }}
.box, .line, .frame, .rule {{ fill: none; stroke-width: 1.25; }}
.rule {{ stroke-width: 1; }}
.marked > .line, .marked > .box {{ stroke-width: 1.75; stroke-dasharray: 6 4; }}
.region > .frame {{ stroke-dasharray: 2 4; stroke-linecap: round; }}
.transitions:hover > .line, .state:hover > .box {{ stroke-width: 2.5; }}
"""

_COLOURED = Template("""\
.page { fill: $page; }
.box { fill: $card; stroke: $stroke; }
.parent > .box { fill: $inset; }
.frame, .rule { stroke: $faint; }
.line { stroke: $stroke; }
.dot, .head { fill: $stroke; }
.chip { fill: $card; stroke: $faint; }
.name, .trigger { fill: $ink; }
.guard, .fact, .quiet { fill: $quiet; }
.action { fill: $action; }
.estopped > .box { stroke: $stop; }
.estopped > .name { fill: $stop; }
.marked > .box, .marked > .line, .marked > .chip { stroke: $mark; }
.badge, .head-marked { fill: $mark; }
.code { fill: $page; }
""")

LIGHT: Mapping[str, str] = {
    "page": "#ffffff",
    "card": "#ffffff",
    "inset": "#64748b12",
    "stroke": "#475569",
    "faint": "#cbd5e1",
    "ink": "#0f172a",
    "quiet": "#5b6779",
    "action": "#0f62c4",
    "stop": "#c01c28",
    "mark": "#b45309",
}
DARK: Mapping[str, str] = {
    "page": "#0d1117",
    "card": "#161b22",
    "inset": "#94a3b80f",
    "stroke": "#8b98a9",
    "faint": "#343d49",
    "ink": "#e6edf3",
    "quiet": "#9aa7b6",
    "action": "#7cb7ff",
    "stop": "#ff7b72",
    "mark": "#f0a04b",
}


def stylesheet() -> str:
    """The text of the `<style>` element."""
    dark = _COLOURED.substitute(DARK)
    return f"{_FIXED}{_COLOURED.substitute(LIGHT)}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
