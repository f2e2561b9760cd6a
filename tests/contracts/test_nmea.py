"""What a receiver of satellites promises: it talks, whatever the wire does, and nothing on it moves."""

from hal.testing import DriverContract, Robot


class TestNmea(DriverContract):
    robot = Robot(
        board={"driver": "nmea", "port": "/dev/gps", "rate": "5 Hz"},
        devices={"gps": {"kind": "gnss", "board": "gps", "stale": "3 s"}},
        sensor="satellites",
    )
