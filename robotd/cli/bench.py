"""What can be said to a simulated board while it is served: faults, and what its world is like."""

from __future__ import annotations

import re

from hal import FAULTS, FaultError, FaultyTwin, UnitError, UnknownQuantity, parse_world_value

HELP = (
    "a fault (unplug 5 s), battery: 10.2 V, bumper: pressed, bumper: free, world, faults, mend, help or quit"
)
_SETTING = re.compile(r"(\w+)\s*[:=]\s*(.*)")


def obey(line: str, twin: FaultyTwin, now: float) -> str:
    """Do what `line` says to `twin` and return what to answer, without a last line break. Never raises."""
    if line == "help":
        return HELP
    if line == "faults":
        return list_faults()
    if line == "world":
        return "  ".join(f"{name}: {_write(value)}" for name, value in twin.world().items())
    if line == "mend":
        twin.mend(now)
        return "mended"
    try:
        setting = _SETTING.fullmatch(line)
        if setting is not None:
            return _set(setting[1], setting[2], twin)
        twin.inject(line, now)
    except (FaultError, UnknownQuantity, UnitError) as error:
        return f"error: {error}"
    return "done"


def list_faults() -> str:
    """The whole grammar, a line for each kind."""
    width = max(len(info.example) for info in FAULTS.values())
    return "\n".join(
        [
            *(
                f"{info.example:{width}}  {info.does}{', until mended' * info.lasts}"
                for info in FAULTS.values()
            ),
            "one that is until mended may say so: deaf for 3 s; each may begin later: unplug 5 s after 10 s",
        ]
    )


def _set(name: str, text: str, twin: FaultyTwin) -> str:
    now = twin.world().get(name)
    twin.set_world(name, None if now is None else parse_world_value(text, now))
    return f"{name}: {_write(twin.world()[name])}"


def _write(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.4g}"
