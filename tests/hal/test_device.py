import asyncio
import logging
import math

import pytest
from pydantic import ValidationError

from hal.device import Actuator, Device, DeviceSpec, DeviceState, Reading, VerbInfo, verb, verbs
from hal.errors import DeviceGone, DeviceRefused, DeviceUnavailable, Halted, LinkFull
from hal.kinds import (
    AnalogInputSpec,
    DigitalInput,
    DigitalInputSpec,
    DigitalOutput,
    DigitalOutputSpec,
    Motor,
    MotorSpec,
)
from tests import virtual
from tests.hal.bench import Wire, now

ABSENT, INACTIVE, ACTIVE, FAULTED = DeviceState


def motor(wire: Wire | None = None) -> Motor:
    return Motor("pump", MotorSpec(), wire or Wire())


def active_motor(wire: Wire | None = None) -> Motor:
    device = motor(wire)
    device.present()
    device.activate()
    return device


def bumper() -> DigitalInput:
    return DigitalInput("bumper", DigitalInputSpec(active="low"))


@pytest.mark.parametrize("make", [motor, bumper])
def test_a_device_is_absent_until_its_board_is_there_and_active_only_when_asked(make):
    device = make()
    life = [device.state]
    device.life_listeners.append(lambda changed: life.append(changed.state))

    device.present()
    device.present()
    device.activate()
    device.activate()
    device.present()
    device.deactivate()
    device.deactivate()
    device.activate()
    device.fail("it smokes")
    device.present()
    device.vanish()
    device.vanish()
    device.fail("too late to matter")

    assert life == [ABSENT, INACTIVE, ACTIVE, INACTIVE, ACTIVE, FAULTED, INACTIVE, ABSENT]


def test_an_absent_device_cannot_be_activated():
    with pytest.raises(DeviceGone, match="pump: its board is not connected"):
        motor().activate()


def test_a_faulted_device_says_why_it_cannot_be_activated_and_forgets_it_when_mended():
    device = active_motor()
    device.fail("its driver is too hot")

    assert device.fault == "its driver is too hot"
    with pytest.raises(DeviceRefused, match="its driver is too hot"):
        device.activate()

    device.present()

    assert device.fault is None
    device.activate()


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda device: device.vanish(), "check its cable and power"),
        (lambda device: device.deactivate(), "enter.* a state that names it under `active`"),
        (lambda device: device.fail("it smokes"), "it smokes; mend that"),
    ],
)
async def test_a_setpoint_for_a_device_that_is_not_active_is_refused_with_what_to_do(prepare, sentence):
    wire = Wire()
    device = active_motor(wire)
    prepare(device)
    written = len(wire.log)

    with pytest.raises(DeviceUnavailable, match=sentence):
        device.set_duty(0.5)

    assert len(wire.log) == written


def test_a_reading_is_none_until_something_was_heard():
    device = bumper()

    assert device.reading() is None
    with pytest.raises(KeyError):
        device.reading("colour")

    device.update(False, at=2.0)

    assert device.reading() == device.reading("active") == Reading(True, "bool", 2.0)
    assert device.readings_units() == {"active": "bool"}


def test_a_lost_board_takes_what_was_read_with_it():
    device = bumper()
    device.present()
    device.update(False, at=2.0)
    device.vanish()

    assert device.reading() is None


async def test_listeners_are_told_of_each_commanded_value_that_changed():
    told: list[tuple[str, float | bool]] = []
    device = active_motor()

    def listen(changed: Device, name: str) -> None:
        reading = changed.reading(name)
        assert reading is not None
        told.append((name, reading.value))

    device.listeners.append(listen)
    device.set_duty(0.5)
    device.set_duty(0.5)
    device.halt()
    device.halt()

    assert told == [("duty", 0.5), ("moving", True), ("duty", 0.0), ("moving", False)]


def test_a_setpoint_lapses_400_ms_after_its_last_renewal_and_not_before():
    wire = Wire()
    lapses: list[float] = []

    async def story() -> None:
        device = active_motor(wire)
        device.on_lapse = lambda: lapses.append(now())
        for _ in range(5):
            device.set_duty(0.5)
            await asyncio.sleep(0.3)
        await asyncio.sleep(10)
        assert device.at_rest
        assert device.rest_since == pytest.approx(1.6, abs=1e-9)

    virtual.run(story())

    assert lapses == [pytest.approx(1.6, abs=1e-9)]
    assert wire.last == 0.0
    assert wire.log[-1][0] == pytest.approx(1.6, abs=1e-9)


def test_a_thousand_renewals_keep_one_timer():
    async def story() -> int:
        device = active_motor()
        for _ in range(1000):
            device.set_duty(0.5)
        scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # how else to count timers
        return len(scheduled)

    assert virtual.run(story()) == 1


def test_a_shorter_lease_of_the_output_is_kept_and_a_longer_one_too():
    async def story() -> list[float]:
        lapses: list[float] = []
        device = active_motor()
        device.on_lapse = lambda: lapses.append(now())
        device.set_duty(0.5)
        device.expires(now() + 0.1)
        await asyncio.sleep(1)
        device.set_duty(0.5)
        device.expires(now() + 3)
        await asyncio.sleep(5)
        device.set_duty(0.5)
        device.expires(now() - 1)
        await asyncio.sleep(1)
        return lapses

    assert virtual.run(story()) == pytest.approx([0.1, 4.0, 6.0])


def test_a_halt_leaves_nothing_that_could_lapse():
    lapses: list[float] = []

    async def story() -> int:
        device = active_motor()
        device.on_lapse = lambda: lapses.append(now())
        device.set_duty(0.5)
        device.halt()
        await asyncio.sleep(1)
        return device.generation

    assert virtual.run(story()) == 1
    assert lapses == []


def test_every_halt_and_lapse_raises_the_generation():
    async def story() -> list[int]:
        device = active_motor()
        generations = [device.generation]
        device.halt()
        generations.append(device.generation)
        device.set_duty(0.5)
        await asyncio.sleep(1)
        generations.append(device.generation)
        device.deactivate()
        generations.append(device.generation)
        return generations

    assert virtual.run(story()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "refusal", [DeviceGone("pump", "away"), LinkFull("full"), ZeroDivisionError("a bug")]
)
@pytest.mark.parametrize("end", ["halt", "deactivate", "vanish"])
async def test_a_stop_never_raises_whatever_the_wire_does(refusal, end, caplog):
    wire = Wire()
    device = active_motor(wire)
    device.set_duty(0.5)
    wire.refusal = refusal

    with caplog.at_level(logging.CRITICAL):
        getattr(device, end)()

    assert device.at_rest


@pytest.mark.parametrize("state", DeviceState)
def test_a_halt_may_come_in_any_state_and_outside_a_loop(state):
    wire = Wire()
    device = motor(wire)
    if state is not ABSENT:
        device.present()
    if state is ACTIVE:
        device.activate()
    if state is FAULTED:
        device.fail("it smokes")
    device.halt()

    assert device.state is state
    assert wire.last == 0.0


def test_a_halt_after_the_loop_was_closed_still_writes():
    wire = Wire()

    async def story() -> Motor:
        device = active_motor(wire)
        device.set_duty(0.5)
        return device

    device = virtual.run(story())
    device.halt()

    assert wire.last == 0.0
    assert device.at_rest


def test_a_device_outlives_its_loop_and_its_setpoints_lapse_on_the_next_one():
    wire = Wire()
    device = active_motor(wire)

    async def story() -> None:
        device.set_duty(0.5)

    async def longer_story() -> None:
        device.set_duty(0.6)
        await asyncio.sleep(0.41)

    virtual.run(story())
    virtual.run(longer_story())

    assert wire.last == 0.0


async def test_a_listener_with_a_bug_does_not_keep_a_stop_from_its_end(caplog):
    wire = Wire()
    device = active_motor(wire)
    device.set_duty(0.5)
    device.listeners.append(lambda *_: 1 / 0)  # type: ignore[arg-type]  # that it fails is the point
    with caplog.at_level(logging.CRITICAL):
        device.halt()

    assert wire.last == 0.0
    assert device.at_rest


def test_a_stop_that_a_full_wire_did_not_take_is_repeated_until_it_does():
    wire = Wire()

    async def story() -> None:
        device = active_motor(wire)
        device.set_duty(0.5)
        wire.refusal = LinkFull("4096 bytes wait")
        await asyncio.sleep(1)
        assert wire.last == 0.5
        wire.refusal = None
        await asyncio.sleep(0.021)
        assert wire.last == 0.0
        written = len(wire.log)
        await asyncio.sleep(1)
        assert len(wire.log) == written

    virtual.run(story())


@pytest.mark.parametrize("away", ["vanish", "move"])
def test_a_stop_is_not_repeated_when_the_board_is_gone_or_something_newer_was_told(away):
    wire = Wire()

    async def story() -> None:
        device = active_motor(wire)
        device.set_duty(0.5)
        wire.refusal = LinkFull("4096 bytes wait")
        device.halt()
        if away == "vanish":
            wire.refusal = DeviceGone("pump", "its wire was lost")
            device.vanish()
        wire.refusal = None
        if away == "move":
            device.set_duty(0.7)
        written = list(wire.log)
        await asyncio.sleep(0.1)
        assert wire.log == written

    virtual.run(story())


def test_a_switch_that_was_told_something_newer_is_not_switched_off_by_an_old_stop():
    wire = Wire()

    async def story() -> None:
        lamp = DigitalOutput("lamp", DigitalOutputSpec(), wire)
        lamp.present()
        lamp.activate()
        wire.refusal = LinkFull("4096 bytes wait")
        lamp.halt()
        wire.refusal = None
        lamp.write(True)
        await asyncio.sleep(0.1)

    virtual.run(story())

    assert wire.values == [1.0]


def test_verbs_are_what_is_marked_as_one_and_halt_is_one_of_them():
    device = motor()

    assert set(verbs(Motor)) == set(verbs(device)) == {"set_duty", "halt"}
    assert verbs(device)["halt"] == device.halt
    assert Motor.set_duty.verb_info == VerbInfo(moves=True, streamed=True, timeout_s=5.0)  # type: ignore[attr-defined]  # the decorator's
    assert Motor.halt.verb_info == VerbInfo(moves=False, streamed=False, timeout_s=5.0)  # type: ignore[attr-defined]  # the decorator's
    assert verbs(DigitalInput) == {}


def test_a_kind_of_ones_own_needs_only_its_stop_and_its_verbs():
    class Laser(Actuator):
        KIND = "laser"
        READINGS = {"on": "bool"}  # noqa: RUF012  # as a user's driver would write it

        @verb(moves=False, timeout_s=1.0)
        async def fire(self) -> float:
            self._require_active()
            return await self._until_reached()

        def _to_stop_value(self, now: float) -> None:
            self._publish("on", False, now)

    async def story() -> None:
        laser = Laser("laser", MotorSpec())
        laser.present()
        laser.activate()
        shot = asyncio.ensure_future(laser.fire())
        await asyncio.sleep(0.1)
        laser.halt()
        with pytest.raises(Halted, match="laser: it was halted"):
            await shot
        assert laser.reading("on") == Reading(False, "bool", 0.1)

    virtual.run(story())


def test_a_spec_knows_its_kind_and_refuses_words_it_does_not_know():
    assert MotorSpec().kind == "motor"
    assert DeviceSpec(kind="lidar").resources() == {}
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        MotorSpec.model_validate({"kind": "motor", "max_dutty": 1})
    with pytest.raises(ValidationError):
        MotorSpec.model_validate({"kind": "servo"})
    with pytest.raises(ValidationError):
        MotorSpec.model_validate({"max_duty": math.nan})


def test_the_schema_of_a_spec_explains_itself_and_writes_defaults_as_a_file_would():
    properties = AnalogInputSpec.model_json_schema()["properties"]

    assert properties["sample"]["default"] == "0.05 s"
    assert properties["sample"]["description"] == "How often the board reports it."
