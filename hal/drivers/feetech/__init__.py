"""Feetech's serial servos: STS and SCS, many on one half-duplex wire."""
