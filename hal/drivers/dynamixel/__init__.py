"""Dynamixel servos of the X series: protocol 2.0, many on one half-duplex wire."""
