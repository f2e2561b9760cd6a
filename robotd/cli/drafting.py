"""What a scan found as the lines of a robot's file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from robotd.sim.scenario.writing import flow

if TYPE_CHECKING:
    from hal import Driver, Found
    from robotd.cli.scanning import Answer

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Draft:
    """One board and its devices, as the file will name them."""

    board: str
    board_says: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]
    remarks: tuple[str, ...] = ()
    """What could not be put into it, in sentences."""

    @classmethod
    def of(cls, driver: Driver, port: str, found: Sequence[Answer]) -> Draft:
        """Everything that answered as most did: a board speaks at one speed."""
        board = re.sub(r"\W", "_", driver.name.rpartition(":")[0].rpartition(".")[2] or driver.name)
        (baud, parity), _ = Counter((probe.baud, probe.parity) for probe, _ in found).most_common(1)[0]
        devices: dict[str, Mapping[str, Any]] = {}
        remarks = []
        for probe, one in found:
            what = f"{one.model} {one.address}".strip()
            if (probe.baud, probe.parity) != (baud, parity):
                remarks.append(
                    f"{what} speaks at {probe.baud} baud, parity {probe.parity}: set it as the others"
                )
                continue
            if one.trouble is not None:
                remarks.append(f"{what}: {one.trouble}")
            if one.device and (name := _name(one, devices)) is not None:
                devices[name] = {"kind": one.device["kind"], "board": board} | dict(one.device)
        says = {"driver": driver.name, "port": port, "baud": baud}
        if parity != driver.board_spec.model_fields["parity"].default:
            says["parity"] = parity
        return cls(board, says, devices, tuple(remarks))

    def lines(self) -> list[str]:
        """The sections `boards` and `devices`."""
        lines = ["boards:", f"  {self.board}: {flow(self.board_says)}"]
        if self.devices:
            lines += ["", "devices:"]
            lines += [f"  {name}: {flow(says)}" for name, says in self.devices.items()]
        return lines


def _name(one: Found, taken: Iterable[str]) -> str | None:
    """`joint_3` for the joint at `id 3`; None where another one answered there."""
    number = _NUMBER.search(one.address)
    name = f"{one.device['kind']}_{number[0] if number else 1}"
    return None if name in taken else name
