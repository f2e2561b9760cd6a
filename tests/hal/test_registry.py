"""Finding a driver by its name."""

import importlib.metadata

import pytest

from hal import DRIVERS, Driver, DriverNotFound, driver_names, find_driver


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_of_the_table_is_there_and_knows_its_name(name: str) -> None:
    driver = find_driver(name)

    assert isinstance(driver, Driver)
    assert driver.name == name


def test_a_driver_may_be_named_by_its_module() -> None:
    assert find_driver("hal.drivers.firmata:DRIVER") is find_driver("firmata")


def test_an_installed_package_may_offer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("laser", "hal.drivers.firmata:DRIVER", "robotd.drivers")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])

    assert find_driver("laser") is find_driver("firmata")
    assert driver_names() == sorted([*DRIVERS, "laser"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("firmatta", "there is no driver 'firmatta'; did you mean 'firmata'?"),
        ("laser", f"there is no driver 'laser'; there are: {', '.join(sorted(DRIVERS))}"),
        ("my_laser.driver:Laser", "the driver 'my_laser.driver:Laser' is in no module 'my_laser.driver'"),
        ("hal.nothing:DRIVER", "is in no module 'hal.nothing'"),
        ("hal.drivers.firmata:NOTHING", "'hal.drivers.firmata:NOTHING' is no hal.Driver"),
        ("hal.board:Board", "'hal.board:Board' is no hal.Driver"),
        (":Laser", "':Laser' names no module"),
        (".laser:Laser", "'.laser:Laser' names no module"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_with_the_next_step(name: str, sentence: str) -> None:
    with pytest.raises(DriverNotFound) as caught:
        find_driver(name)

    assert sentence in str(caught.value)


def test_an_import_that_fails_inside_a_driver_is_its_authors_and_not_hidden(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_laser.py").write_text("import a_library_that_is_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_installed"):
        find_driver("broken_laser:DRIVER")
