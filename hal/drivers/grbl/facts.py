"""What a Grbl board says of itself, believed when it was said twice alike: a wire may lie once. Pure."""

from __future__ import annotations

from hal.drivers.grbl.words import Build, Frame, Options, Setting, SettingValue

BUILD = "build"
OPTIONS = "options"
NEEDED = (
    BUILD,
    OPTIONS,
    Setting.REPORT_INCHES,
    Setting.HOMING,
    Setting.HOMING_DIRECTIONS,
    *Setting.MAX_RATE,
    *Setting.ACCELERATION,
    *Setting.TRAVEL,
)


class Facts:
    """Version, buffers and settings."""

    def __init__(self) -> None:
        self._heard: dict[int | str, Frame] = {}
        self._sure: dict[int | str, Frame] = {}

    @property
    def complete(self) -> bool:
        """Whether everything that a host needs is sure."""
        return all(key in self._sure for key in NEEDED)

    @property
    def build(self) -> Build:
        """Raises `KeyError` before it is sure, as all of these."""
        found = self._sure[BUILD]
        assert isinstance(found, Build)
        return found

    @property
    def options(self) -> Options:
        """How it was built."""
        found = self._sure[OPTIONS]
        assert isinstance(found, Options)
        return found

    def __getitem__(self, setting: int) -> float:
        found = self._sure[setting]
        assert isinstance(found, SettingValue)
        return found.value

    def tell(self, frame: Frame) -> None:
        """It said something; only what it says of itself is kept."""
        key: int | str
        if isinstance(frame, SettingValue):
            key = frame.number
        elif isinstance(frame, Build):
            key = BUILD
        elif isinstance(frame, Options):
            key = OPTIONS
        else:
            return
        if self._heard.get(key) == frame:
            self._sure[key] = frame
        self._heard[key] = frame
