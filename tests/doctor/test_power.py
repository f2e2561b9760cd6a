"""The supply and the processor."""

from __future__ import annotations

import pytest

from robotd.doctor import Severity
from tests.doctor.conftest import Patient

CPU = "sys/devices/system/cpu/cpu0"


@pytest.mark.parametrize(
    ("said", "severity"),
    [("0x50005", Severity.ERROR), ("0x1", Severity.ERROR), ("0x50000", Severity.WARNING)],
)
def test_a_weak_supply_is_an_error_now_and_a_warning_afterwards(
    said: str, severity: Severity, patient: Patient
) -> None:
    patient.answers["vcgencmd"] = f"throttled={said}"

    found = patient.finding("under-voltage", severity)

    assert "5.1 V" in found.mend


def test_the_kernel_tells_what_the_firmware_says_where_there_is_no_program(patient: Patient) -> None:
    del patient.answers["vcgencmd"]
    patient.write("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n")

    patient.finding("under-voltage", Severity.WARNING)


def test_a_sensor_that_gives_alarm_is_heard(patient: Patient) -> None:
    patient.write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")

    patient.finding("under-voltage", Severity.ERROR)


@pytest.mark.parametrize(
    "words", ["Under-voltage detected! (0x00050005)", "hwmon hwmon1: Undervoltage detected!"]
)
def test_the_kernels_log_remembers_it(words: str, patient: Patient) -> None:
    patient.write("dev/kmsg", f"6,1,0,-;Booting\n4,912,35941910398,-;{words}\n")

    patient.finding("under-voltage", Severity.WARNING)


def test_a_machine_that_says_nothing_of_its_supply_is_believed(patient: Patient) -> None:
    patient.answers["vcgencmd"] = "VCHI initialization failed"
    (patient.root / "dev/kmsg").unlink()
    (patient.root / "sys/class/hwmon/hwmon0/in0_lcrit_alarm").unlink()

    assert patient.findings() == []


@pytest.mark.parametrize(
    ("said", "severity"), [("0x8", Severity.WARNING), ("0x4", Severity.WARNING), ("0x80000", Severity.NOTE)]
)
def test_a_hot_processor_is_told(said: str, severity: Severity, patient: Patient) -> None:
    patient.answers["vcgencmd"] = f"throttled={said}"

    assert "heat sink" in patient.finding("cpu-throttled", severity).mend


def test_other_processors_count_how_often_they_were_hot(patient: Patient) -> None:
    patient.write(f"{CPU}/thermal_throttle/core_throttle_count", "3\n")

    patient.finding("cpu-throttled", Severity.NOTE)


def test_a_processor_that_is_always_slow_is_told_its_governor(patient: Patient) -> None:
    patient.write(f"{CPU}/cpufreq/scaling_governor", "powersave\n")
    patient.write(f"{CPU}/cpufreq/scaling_driver", "cpufreq-dt\n")

    found = patient.finding("cpu-governor", Severity.WARNING)

    assert found.sentence.startswith("cpu0 ")
    assert "scaling_governor" in found.commands[0]


def test_a_driver_whose_powersave_follows_the_load_is_fine(patient: Patient) -> None:
    patient.write(f"{CPU}/cpufreq/scaling_governor", "powersave\n")
    patient.write(f"{CPU}/cpufreq/scaling_driver", "intel_pstate\n")

    assert patient.findings() == []
