"""What people type, and what it means."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from robotd.cli.arguments import (
    ALL_BOARDS,
    board_faults,
    board_ports,
    host_and_port,
    nested,
    payload,
    seconds,
    simulated_boards,
    spell_out_sim,
)

BOARDS = ("base", "arm")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rover.yaml --sim", "rover.yaml --sim=*"),
        ("--sim rover.yaml", "--sim=* rover.yaml"),
        ("--sim config/rover.yaml", "--sim=* config/rover.yaml"),
        ("--sim example:rover", "--sim=* example:rover"),
        ("rover.yaml --sim base", "rover.yaml --sim base"),
        ("rover.yaml --sim base --real arm", "rover.yaml --sim base --real arm"),
        ("rover.yaml --sim --real arm", "rover.yaml --sim=* --real arm"),
        ("rover.yaml --sim base --sim arm", "rover.yaml --sim base --sim arm"),
        ("rover.yaml --sim=base", "rover.yaml --sim=base"),
        ("rover.yaml", "rover.yaml"),
    ],
)
def test_sim_alone_means_every_board_and_before_a_name_that_board(typed: str, meant: str) -> None:
    assert spell_out_sim(typed.split()) == meant.split()


@pytest.mark.parametrize(
    ("sim", "real", "expected"),
    [
        ([], [], set()),
        ([ALL_BOARDS], [], {"base", "arm"}),
        (["base"], [], {"base"}),
        (["base"], ["arm"], {"base"}),
        ([ALL_BOARDS], ["arm"], {"base"}),
        ([], ["arm"], set()),
    ],
)
def test_sim_and_real_choose_the_boards_that_get_a_twin(
    sim: list[str], real: list[str], expected: set[str]
) -> None:
    assert simulated_boards(BOARDS, sim, real) == expected


@pytest.mark.parametrize(("sim", "real"), [(["leg"], []), ([], ["leg"])])
def test_a_name_that_is_no_board_is_told_with_those_that_are(sim: list[str], real: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match="no board is called 'leg'; the boards are base, arm"):
        simulated_boards(BOARDS, sim, real)


def test_a_board_cannot_be_simulated_and_real() -> None:
    with pytest.raises(typer.BadParameter, match="arm cannot be both"):
        simulated_boards(BOARDS, ["base", "arm"], ["arm"])


def test_a_port_belongs_to_a_board() -> None:
    expected = {"base": "/dev/ttyACM0", "arm": "tcp://192.0.2.1:5000"}
    assert expected == board_ports(BOARDS, ["base=/dev/ttyACM0", "arm=tcp://192.0.2.1:5000"])


@pytest.mark.parametrize("pair", ["base", "base=", "=x", "leg=/dev/ttyACM0"])
def test_a_port_without_its_board_is_refused(pair: str) -> None:
    with pytest.raises(typer.BadParameter):
        board_ports(BOARDS, [pair])


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0.2", 0.2),
        ("-1", -1),
        ("1e-3", 0.001),
        ("true", True),
        ("null", None),
        ("20 cm/s", "20 cm/s"),
        ("", ""),
        ("a=b", "a=b"),
        ('"quoted"', '"quoted"'),
        ("[1]", "[1]"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("nan", "nan"),
    ],
)
def test_a_payload_value_is_a_number_a_truth_or_a_text(typed: str, value: Any) -> None:
    assert payload([f"key={typed}"]) == {"key": value}


@pytest.mark.parametrize("pairs", [["linear"], ["=1"], ["a=1", "a=2"]])
def test_a_payload_that_says_nothing_or_twice_is_refused(pairs: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        payload(pairs)


def test_names_with_a_dot_are_numbers_by_name():
    flat = {"joints.shoulder": "20 deg", "speed": 50, "joints.elbow": 0.2}

    assert nested(flat) == {"joints": {"shoulder": "20 deg", "elbow": 0.2}, "speed": 50}


@pytest.mark.parametrize("flat", [{"a": 1, "a.b": 2}, {"a.b": 1, "a": 2}])
def test_a_name_is_one_value_or_several(flat: dict[str, Any]):
    with pytest.raises(typer.BadParameter, match="'a' is one value in one place and several in another"):
        nested(flat)


@given(st.lists(st.text()))
def test_no_payload_ends_in_anything_but_values_or_a_usage_error(pairs: list[str]) -> None:
    try:
        values = payload(pairs)
    except typer.BadParameter:
        return
    assert len(values) == len(pairs)


@pytest.mark.parametrize(
    ("simulated", "texts", "faults"),
    [
        ((), [], {}),
        (("base",), ["unplug 5 s after 10 s"], {"base": ["unplug 5 s after 10 s"]}),
        (("base",), ["arm=drop 1%", " base = nak"], {"arm": ["drop 1%"], "base": ["nak"]}),
        (BOARDS, ["arm=drop 1%", "arm=split"], {"arm": ["drop 1%", "split"]}),
    ],
)
def test_a_fault_is_of_the_board_before_it_or_of_the_only_one(
    simulated: tuple[str, ...], texts: list[str], faults: dict[str, list[str]]
) -> None:
    assert board_faults(BOARDS, simulated, texts) == faults


@pytest.mark.parametrize(
    ("simulated", "text", "sentence"),
    [
        (BOARDS, "nak", "write whose fault it is, as in BOARD=nak"),
        ((), "nak", "write whose fault it is, as in BOARD=nak"),
        (BOARDS, "leg=nak", "no board is called 'leg'; the boards are base, arm"),
        (BOARDS, "arm=", "'' is no fault: there is no such kind"),
        (BOARDS, "arm=drip 1%", "'drip 1%' is no fault: did you mean 'drop'?"),
    ],
)
def test_a_fault_that_is_none_or_nobodys_is_refused(
    simulated: tuple[str, ...], text: str, sentence: str
) -> None:
    with pytest.raises(typer.BadParameter) as refusal:
        board_faults(BOARDS, simulated, [text])

    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "expected"), [("2s", 2.0), ("500ms", 0.5), ("1.5 min", 90.0), (".5s", 0.5), ("1h", 3600.0)]
)
def test_a_time_has_a_unit(typed: str, expected: float) -> None:
    assert seconds(typed) == pytest.approx(expected)


@pytest.mark.parametrize("typed", ["2", "", "s", "-1s", "2 years", "1s2", "nan s", "1e3s"])
def test_a_time_without_a_unit_is_refused(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="needs a number and a unit"):
        seconds(typed)


@pytest.mark.parametrize(
    ("typed", "expected"), [("127.0.0.1:5000", ("127.0.0.1", 5000)), ("[::1]:0", ("::1", 0))]
)
def test_an_address_has_a_host_and_a_port(typed: str, expected: tuple[str, int]) -> None:
    assert host_and_port(typed) == expected


@pytest.mark.parametrize("typed", ["5000", ":5000", "host:", "host:http", "host:65536", "host:-1"])
def test_an_address_without_either_is_refused(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="not HOST:PORT"):
        host_and_port(typed)
