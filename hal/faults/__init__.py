"""Wires that misbehave, from one grammar: for tests, for trying out a robot's file, for campaigns."""

from hal.faults.grammar import Fault, FaultError, FaultKind, parse_fault
from hal.faults.link import FaultyLink

__all__ = ["Fault", "FaultError", "FaultKind", "FaultyLink", "parse_fault"]
