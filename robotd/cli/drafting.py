"""What a scan found, as the lines of a robot's file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from robotd.sim.scenario.writing import flow

if TYPE_CHECKING:
    from hal import Driver, Found, Probe


class Answer(NamedTuple):
    """What answered, and how it was asked."""

    probe: Probe
    found: Found

    @property
    def who(self) -> str:
        """For people: model and address."""
        return f"{self.found.model} {self.found.address}".strip()

    @property
    def description(self) -> str:
        """In one line, all that it says of itself."""
        details = ", ".join(f"{name} {value}" for name, value in self.found.details.items())
        return f"{self.who}: {details}" if details else self.who


@dataclass(frozen=True, slots=True)
class Draft:
    """One board and its devices, as the file will name them."""

    board: str
    board_says: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]
    remarks: Sequence[str]
    """What is wrong with what was found, in sentences."""
    about: Mapping[str, Sequence[str]]
    """What the board and each device is: model, address and details. What is no device is the board's."""

    @classmethod
    def of(cls, driver: Driver, port: str, answers: Sequence[Answer]) -> Draft:
        """All that answered at the commonest speed, and remarks about the rest: a board has but one."""
        speeds = [speed(answer.probe) for answer in answers]
        usual = max(speeds, key=speeds.count)
        probe = answers[speeds.index(usual)].probe
        board = board_name(driver.name)
        devices: dict[str, Mapping[str, Any]] = {}
        about: dict[str, list[str]] = {board: []}
        remarks = [f"{answer.who}: {answer.found.trouble}" for answer in answers if answer.found.trouble]
        for answer, its_speed in zip(answers, speeds, strict=True):
            says = answer.found.device
            name = "_".join([str(says.get("kind")), *re.findall(r"\d+", answer.found.address)])
            if its_speed != usual:
                remarks.append(f"{answer.who} speaks at {its_speed}: set it as the others are, {usual}")
            elif not says:
                about[board].append(answer.description)
            elif name not in devices:  # a second one at one address is in the remarks
                devices[name] = {"kind": says["kind"], "board": board, **says}
                about[name] = [answer.description]
        board_says = {"driver": driver.name, "port": port, "baud": probe.baud}
        usually = driver.board_spec.model_fields
        if probe.parity != usually["parity"].default:
            board_says["parity"] = probe.parity
        if usually["deadman"].default in (None, "none"):
            board_says["deadman"] = "none"  # the file says so, or `check` asks
        return cls(board, board_says, devices, remarks, about)

    def lines(self) -> list[str]:
        """The sections `boards` and `devices`."""
        lines = ["boards:", f"  {self.board}: {flow(self.board_says)}"]
        if self.devices:
            lines += ["", "devices:"]
            lines += [f"  {name}: {flow(says)}" for name, says in self.devices.items()]
        return lines


def speed(probe: Probe) -> str:
    """For people: the speed, and the parity where there is one."""
    return f"{probe.baud} baud" + ("" if probe.parity == "none" else f" with {probe.parity} parity")


def board_name(driver: str) -> str:
    """`laser` for `laser` and for `my_package.laser:DRIVER`."""
    module, colon, _ = driver.partition(":")
    return re.sub(r"\W", "_", module.rpartition(".")[2] if colon else driver)
