"""Serial ports: who may use them, and who else talks on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hal import PortInfo, list_ports, usb_folder
from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine
from robotd.doctor.robot import Robot, group_of, install, may_use

SERIAL_GROUPS = ("dialout", "uucp")
"""Who may open serial ports: with Debian and its kin, and elsewhere."""
RULES = ("etc", "run", "usr/lib", "lib")
"""Where udev looks for `udev/rules.d/60-robotd.rules`: the first that has a file of a name is obeyed."""
CMDLINES = ("boot/firmware/cmdline.txt", "boot/cmdline.txt")
"""What a Raspberry Pi will hand to its kernel at the next start."""
BEST_LATENCY_MS = 1
CHIPS = {"1a86/7523": "CH340", "10c4/ea60": "CP210x", "403/6001": "FT232R"}
"""Adapters whose chip some braille displays have, too; as `PRODUCT` of a uevent says them."""
_CONSOLE = re.compile(r"\bconsole=((?:tty(?:S|AMA|USB|ACM|THS)|serial)\d+)")
_GETTY = re.compile(r"serial-getty@(.+)\.service")


def permissions(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Ports that the user may not open. A login closes its console to others, which is told as that."""
    mine, talking = robot.devices(machine), _talking(machine)
    ports = list_ports(machine.root)
    for info in ports:
        name = Path(info.device).name
        if name not in talking and not may_use(Path(info.device), machine.user):
            yield _forbidden(machine, info, Severity.ERROR if name in mine else Severity.WARNING)
    if not ports and machine.user.uid != 0:
        yield from _no_group(machine)


def _forbidden(machine: Machine, info: PortInfo, severity: Severity) -> Finding:
    port = Path(info.device)
    name, group = machine.user.name, group_of(machine, port)
    sentence = f"{name} may not use {machine.shown(port)}"
    if group == "root" or port.stat().st_mode & 0o060 != 0o060:
        mend = f"it is not for its group {group} either: give udev a rule for it"
        return Finding("port-permission", severity, sentence, mend, _rule(machine, info))
    if name in machine.groups().get(group, (0, ()))[1]:
        mend, command = f"{name} has joined the group {group}, which counts from the next login", "logout"
    else:
        mend, command = f"join the group {group}, and log in again", f"sudo usermod -aG {group} {name}"
    return Finding("port-permission", severity, sentence, mend, (command,))


def _rule(machine: Machine, info: PortInfo) -> tuple[str, ...]:
    """What gives such a port to those who may open serial ports."""
    name = Path(info.device).name
    group = next((group for group in SERIAL_GROUPS if group in machine.groups()), SERIAL_GROUPS[0])
    if info.usb_id is None:
        which = f'KERNEL=="{name}"'
    else:
        vendor, _, product = info.usb_id.partition(":")
        which = f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"'
    rule = f'{which}, GROUP="{group}", MODE="0660"'
    return (
        f"echo '{rule}' | sudo tee /etc/udev/rules.d/70-{name}.rules",
        f"sudo udevadm control --reload && sudo udevadm trigger --name-match={name}",
    )


def _no_group(machine: Machine) -> Iterator[Finding]:
    """Nothing is plugged in: what will happen then?"""
    groups = machine.groups()
    group = next((name for name in SERIAL_GROUPS if name in groups), None)
    if group is None:
        return
    name, (number, members) = machine.user.name, groups[group]
    if number not in machine.user.groups and name not in members:
        yield Finding(
            "serial-group",
            Severity.WARNING,
            f"{name} is not in the group {group}, to which serial ports belong",
            "join it, and log in again",
            (f"sudo usermod -aG {group} {name}",),
        )


def consoles(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Ports on which the system itself talks: the kernel's messages, or a login."""
    mine = robot.devices(machine)
    for device, why in sorted(_talking(machine).items()):
        taken = device in mine
        yield Finding(
            "serial-console",
            Severity.ERROR if taken else Severity.NOTE,
            f"{device} is this machine's console ({', '.join(why)})"
            + ("; a board there hears all that it says" if taken else ": no port for a robot"),
            "take it from the system, and restart the machine",
            _without_console(machine, device, why),
        )


def _talking(machine: Machine) -> dict[str, dict[str, str]]:
    """By device, why it is a console: words for people, and the file or unit that makes it one."""
    found: dict[str, dict[str, str]] = {}

    def note(name: str, why: str, source: str) -> None:
        found.setdefault((machine.at("dev") / name).resolve().name, {})[why] = source

    for file in ("proc/cmdline", *CMDLINES):
        for name in _CONSOLE.findall(machine.text(file)):
            note(name, "kernel messages", file)
    for folder in ("etc/systemd/system", "run/systemd/generator"):
        for link in machine.glob(f"{folder}/getty.target.wants/serial-getty@*"):
            if match := _GETTY.fullmatch(link.name):
                note(match[1], "login", link.name)
    for process in machine.processes():
        if process.name == "agetty":
            for word in process.command:
                if re.fullmatch(r"tty(S|AMA|USB|ACM|THS)\d+|serial\d", word):
                    note(word, "login", f"serial-getty@{word}.service")
    return found


def _without_console(machine: Machine, device: str, why: dict[str, str]) -> tuple[str, ...]:
    if machine.at("usr/bin/raspi-config").exists():
        return ("sudo raspi-config nonint do_serial_cons 1", "sudo reboot")
    commands = [f"sudo systemctl disable --now {unit}" for reason, unit in why.items() if reason == "login"]
    if "kernel messages" in why:
        file = next((name for name in CMDLINES if machine.at(name).exists()), None)
        edit = f"/{file}" if file else "/etc/default/grub && sudo update-grub"
        commands.append(f"sudo sed -i -E 's/console=({device}|serial[0-9])[^ \"]* ?//' {edit}")
    return (*commands, "sudo reboot")


def modem_manager(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A program that asks each new serial port whether it is a modem."""
    ruled = any(machine.at(f"{folder}/udev/rules.d/60-robotd.rules").exists() for folder in RULES)
    if not ruled and any(process.name == "ModemManager" for process in machine.processes()):
        yield Finding(
            "modem-manager",
            Severity.WARNING,
            "ModemManager writes to each serial port that is plugged in, which a board takes for its own",
            "install the rules that keep it away from boards, or do without it",
            (install(machine, robot), "sudo systemctl disable --now ModemManager"),
        )


def braille(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A program for braille displays that takes an adapter for one, and its port away."""
    found: dict[str, Path] = {}
    for folder in RULES:
        for file in machine.glob(f"{folder}/udev/rules.d/*brltty*.rules"):
            found.setdefault(file.name, file)
    for name, file in found.items():
        text = machine.text(file)
        rules = {usb_id: rf'^\s*ENV\{{PRODUCT\}}=="{usb_id}/' for usb_id in CHIPS}
        taken = [CHIPS[usb_id] for usb_id, rule in rules.items() if re.search(rule, text, re.MULTILINE)]
        if taken:
            yield Finding(
                "brltty",
                Severity.WARNING,
                f"brltty takes adapters with a {' or '.join(taken)} for braille displays: their ports vanish",
                "where nobody needs a braille display, switch its rule off, and plug the adapter in again",
                (f"sudo ln -s /dev/null /etc/udev/rules.d/{name}", "sudo udevadm control --reload"),
            )


def latency_timers(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """FTDI adapters that keep what they received to themselves for a while."""
    for timer in machine.glob("sys/bus/usb-serial/devices/*/latency_timer"):
        wait_ms = machine.number(timer)
        if wait_ms is not None and wait_ms > BEST_LATENCY_MS:
            yield Finding(
                "latency-timer",
                Severity.WARNING,
                f"the adapter {timer.parent.name} keeps each answer for {wait_ms} ms, which a bus waits for "
                "in every question",
                f"let it wait {BEST_LATENCY_MS} ms: now, and with our rules at each plugging",
                (f"echo {BEST_LATENCY_MS} | sudo tee {machine.shown(timer)}", install(machine, robot)),
            )


def autosuspend(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """USB ports that the system may put to sleep."""
    for info in list_ports(machine.root):
        usb = usb_folder(info.device, machine.root)
        if usb is None:
            continue
        control = usb / "power/control"
        delay_ms = machine.number(control.with_name("autosuspend_delay_ms"))
        if machine.text(control) == "auto" and (delay_ms is None or delay_ms >= 0):
            yield Finding(
                "usb-autosuspend",
                Severity.WARNING,
                f"{machine.shown(info.name)} may be put to sleep when it is quiet",
                "keep it awake: till it is pulled, and for good where power is saved (tlp, powertop)",
                (f"echo on | sudo tee {machine.shown(control)}",),
            )
