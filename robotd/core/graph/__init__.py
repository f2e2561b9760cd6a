"""The chart as a drawing: SVG for a browser, or in the languages of Mermaid and Graphviz.

Text only: no file is touched and no other program run. The same chart always gives the same text.
"""

from __future__ import annotations

from robotd.core.graph.dot import dot
from robotd.core.graph.marks import NO_MARKS, Marks
from robotd.core.graph.mermaid import mermaid
from robotd.core.graph.svg import svg

__all__ = ["NO_MARKS", "Marks", "dot", "mermaid", "svg"]
