"""What a scan finds of a Firmata board: the twin, and far ends that say it wrong. In virtual time."""

import asyncio
from collections.abc import Callable

import pytest

from hal import Found, LinkClosed, find_driver
from hal.drivers.firmata import codec, words
from hal.drivers.firmata.probe import ASK_AGAIN_S, GREETINGS, find
from hal.faults import FaultyTwinLink
from hal.links.memory import MemoryLink, memory_pair
from hal.links.tap import TappedLink
from tests import virtual
from tests.hal.rover import simulated_rover


class FarEnd:
    """Somebody at the other end of a memory wire who says what `answers` holds for the frames it hears."""

    def __init__(self, link: MemoryLink, answers: Callable[[words.Frame], bytes]) -> None:
        self.link = link
        self._decoder = codec.Decoder.of_requests()
        self._answers = answers

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if reply := self._answers(frame):
                self.link.write(reply)

    def connection_lost(self, reason: Exception | None) -> None: ...


def scan(answers: Callable[[words.Frame], bytes], *, lost_after_s: float | None = None) -> list[Found]:
    async def story() -> list[Found]:
        near, far = memory_pair("/dev/ttyACM0")
        await far.open(FarEnd(far, answers))
        if lost_after_s is not None:
            asyncio.get_running_loop().call_later(lost_after_s, far.close)
        found = [one async for one in find(near, 57600)]
        assert not near.is_open
        return found

    return virtual.run(story())


def scan_the_rover(*faults: str, seed: int = 0) -> tuple[list[Found], bytes]:
    """What is found of the twin of the tests' rover, and all that was said to it."""
    said = bytearray()

    def tap(way: str, data: bytes) -> None:
        if way == "to":
            said.extend(data)

    async def story() -> list[Found]:
        rig = simulated_rover(faults=faults, seed=seed)
        link = TappedLink(FaultyTwinLink("simulated arduino", rig.twins["arduino"]), tap)
        return [one async for one in find(link, 57600)]

    return virtual.run(story()), bytes(said)


def sketch(
    *, protocol: tuple[int, int] = (2, 5), capabilities: bytes | None = b"\x00\x01\x01\x01\x7f\x7f"
) -> Callable[[words.Frame], bytes]:
    """A sketch with one pin that is an input or an output, and one that is nothing."""

    def answers(frame: words.Frame) -> bytes:
        match frame:
            case words.VersionQuery():
                return codec.version(*protocol)
            case words.Sysex(command=words.FIRMWARE):
                return codec.firmware(2, 7, "Hexapod.ino")
            case words.Sysex(command=words.CAPABILITY_QUERY) if capabilities is not None:
                return codec.sysex(words.CAPABILITY_ANSWER, capabilities)
        return b""

    return answers


def test_the_driver_looks_at_both_usual_speeds():
    assert [probe.baud for probe in find_driver("firmata").probes] == [57600, 115200]


def test_an_arduino_is_found_with_its_sketch_and_what_its_pins_can_do():
    (found,), _ = scan_the_rover()

    assert found == Found(
        address="",
        model="StandardFirmata 2.5",
        baud=57600,
        details={
            "protocol": "2.5",
            "pins": "18",
            "analog": "14..19",
            "pwm": "3, 5, 6, 9..11",
            "servo": "2..19",
        },
    )


def test_nothing_is_said_to_it_but_questions():
    _, said = scan_the_rover()

    questions = {codec.VERSION_QUERY, codec.FIRMWARE_QUERY, codec.CAPABILITIES_QUERY}
    left = said.removeprefix(codec.END_ANYTHING)
    for question in sorted(questions, key=len, reverse=True):
        left = left.replace(question, b"")
    assert said.startswith(codec.END_ANYTHING)
    assert left == b""


@pytest.mark.parametrize("fault", ["split", "corrupt 2%", "drop 1%", "delay 5..40 ms", "garbage 64 B"])
def test_a_bad_wire_does_not_hide_it(fault: str):
    (found,), _ = scan_the_rover(fault, seed=3)

    assert found.model == "StandardFirmata 2.5"


def test_a_port_where_nobody_answers_is_given_up_after_four_seconds():
    async def story() -> float:
        near, far = memory_pair("/dev/ttyACM0")
        await far.open(FarEnd(far, lambda frame: b""))
        assert [one async for one in find(near, 57600)] == []
        return asyncio.get_running_loop().time()

    assert virtual.run(story()) == pytest.approx(GREETINGS * ASK_AGAIN_S)


def test_noise_that_reads_like_a_version_once_is_no_board():
    numbers = iter(range(1 << 14))

    def noise(frame: words.Frame) -> bytes:
        number = next(numbers)
        return codec.version(number >> 7, number & 0x7F)

    assert scan(noise) == []


def test_a_sketch_of_its_own_is_told_by_its_name():
    (found,) = scan(sketch())

    assert (found.model, found.details["pins"], found.trouble) == ("Hexapod 2.7", "1", None)


def test_a_sketch_that_is_too_old_says_what_to_upload():
    (found,) = scan(sketch(protocol=(2, 3)))

    assert found.trouble is not None
    assert "Firmata 2.3, too old" in found.trouble
    assert "upload StandardFirmata 2.5 or newer" in found.trouble


def test_one_that_does_not_tell_its_pins_is_found_all_the_same():
    (found,) = scan(sketch(capabilities=None))

    assert found.model == "Hexapod 2.7"
    assert found.trouble is not None
    assert "is the wire disturbed?" in found.trouble


def test_a_wire_that_is_lost_meanwhile_ends_the_scan():
    with pytest.raises(LinkClosed, match="/dev/ttyACM0 was lost during the scan"):
        scan(lambda frame: b"", lost_after_s=1.0)
