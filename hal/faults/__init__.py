"""Wires and far ends that misbehave, from one grammar: for tests, for a robot's file, for campaigns."""

from hal.faults.grammar import KINDS, Fault, FaultError, FaultKind, parse_fault
from hal.faults.link import FaultyLink, FaultyTwinLink
from hal.faults.twin import FaultyTwin

__all__ = [
    "KINDS",
    "Fault",
    "FaultError",
    "FaultKind",
    "FaultyLink",
    "FaultyTwin",
    "FaultyTwinLink",
    "parse_fault",
]
