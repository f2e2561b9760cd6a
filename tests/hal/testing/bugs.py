"""Drivers with one bug each, as their authors might have left them."""

from __future__ import annotations

import math
from dataclasses import replace

from hal import DeviceSilent, Evidence
from hal.drivers.firmata import DRIVER, codec
from hal.drivers.firmata.board import FirmataBoard


class ForgetsToStop(FirmataBoard):
    def stop_frames(self) -> bytes:
        return codec.END_ANYTHING


class StopsOnlyBetweenMessages(FirmataBoard):
    def stop_frames(self) -> bytes:
        return super().stop_frames().removeprefix(codec.END_ANYTHING)


class SaysThatItStopped(FirmataBoard):
    async def confirm_stop(self) -> dict[str, Evidence]:
        return {name: Evidence(True, 0.0, 0.0) for name in await super().confirm_stop()}


class ForgetsAnActuator(FirmataBoard):
    async def confirm_stop(self) -> dict[str, Evidence]:
        evidence = await super().confirm_stop()
        del evidence["lamp"]
        return evidence


class JumpsWhenItIsPrepared(FirmataBoard):
    async def configure(self) -> None:
        await super().configure()
        self.send(codec.analog(5, 60))
        self.send(codec.analog(5, 0))


class ActivatesByItself(FirmataBoard):
    async def configure(self) -> None:
        await super().configure()
        for device in self.devices.values():
            device.life_listeners.append(lambda device: device.activate() if device.name == "lamp" else None)


class TrustsItsBytes(FirmataBoard):
    def received(self, data: bytes, now: float) -> None:
        super().received(data, now)
        if data.startswith(b"!"):
            raise ValueError("this cannot happen")


class WaitsForEver(FirmataBoard):
    def tend(self, now: float) -> float:
        return now + 1.0

    def silent_at(self) -> float:
        return math.inf


class GivesNoReason(FirmataBoard):
    async def identify(self) -> str:
        try:
            return await super().identify()
        except DeviceSilent:
            raise DeviceSilent(self.name, "time is over") from None


class DropsItsReports(FirmataBoard):
    def received(self, data: bytes, now: float) -> None:
        super().received(data, now)
        self._layout.digital.clear()


FORGETS_TO_STOP = replace(DRIVER, board=ForgetsToStop)
STOPS_ONLY_BETWEEN_MESSAGES = replace(DRIVER, board=StopsOnlyBetweenMessages)
SAYS_THAT_IT_STOPPED = replace(DRIVER, board=SaysThatItStopped)
FORGETS_AN_ACTUATOR = replace(DRIVER, board=ForgetsAnActuator)
JUMPS_WHEN_IT_IS_PREPARED = replace(DRIVER, board=JumpsWhenItIsPrepared)
ACTIVATES_BY_ITSELF = replace(DRIVER, board=ActivatesByItself)
TRUSTS_ITS_BYTES = replace(DRIVER, board=TrustsItsBytes)
WAITS_FOR_EVER = replace(DRIVER, board=WaitsForEver)
GIVES_NO_REASON = replace(DRIVER, board=GivesNoReason)
DROPS_ITS_REPORTS = replace(DRIVER, board=DropsItsReports)
