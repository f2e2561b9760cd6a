"""One self-contained HTML page about a run of scenarios: no script, no address outside, light and dark."""

from robotd.sim.page.document import Shown, page

__all__ = ["Shown", "page"]
