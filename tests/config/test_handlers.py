"""The user's own Python: found, checked, and when it is broken, said so at the robot's file."""

import sys

import pytest

from tests.config.robots import PATROL, Bench


def test_a_handler_is_found_by_the_name_of_its_function(bench: Bench):
    config = bench.load()

    assert set(config.handlers) == {"patrol"}
    assert [parameter.wire_name for parameter in config.actions["patrol"].signature.parameters] == [
        "speed",
        "rounds",
    ]
    assert not config.actions["patrol"].blocking


def test_nothing_of_the_process_is_changed_but_one_module_of_its_own_name(bench: Bench):
    before_path, before = list(sys.path), set(sys.modules)

    module = bench.load().handlers["patrol"].__module__

    assert sys.path == before_path
    assert {name for name in set(sys.modules) - before if "patrol" in name} == {module}
    assert module.startswith("robotd_handlers_patrol_")


def test_two_robots_may_both_have_a_patrol(tmp_path):
    benches = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        benches.append(Bench(tmp_path / name))

    modules = [bench.load().handlers["patrol"].__module__ for bench in benches]

    assert modules[0] != modules[1]


def test_no_bytecode_is_left_next_to_the_file(bench: Bench):
    bench.load()

    assert sorted(path.name for path in bench.folder.iterdir()) == ["patrol.py", "rover.yaml"]


def test_a_file_may_import_its_neighbour(bench: Bench):
    (bench.folder / "neighbour_of_patrol.py").write_text("NEAR_M = 0.4\n")
    (bench.folder / "patrol.py").write_text("from neighbour_of_patrol import NEAR_M\n" + PATROL)

    assert "patrol" in bench.load().handlers


def test_a_neighbour_does_not_shadow_an_installed_module(bench: Bench):
    (bench.folder / "this.py").write_text("raise RuntimeError\n")
    (bench.folder / "colorsys.py").write_text("raise RuntimeError\n")
    (bench.folder / "patrol.py").write_text("import colorsys\n" + PATROL)

    assert "patrol" in bench.load().handlers


def test_a_blocking_handler_is_declared(bench: Bench):
    text = PATROL.replace("@handler\nasync def", "@handler(blocking=True)\ndef").replace("await ", "")
    (bench.folder / "patrol.py").write_text(text)

    assert bench.load().actions["patrol"].blocking


def test_several_files_may_be_named(bench: Bench):
    (bench.folder / "more.py").write_text(PATROL.replace("patrol", "wander"))
    bench.change("handlers: [patrol.py]", "handlers: [patrol.py, more.py]")

    assert set(bench.load().handlers) == {"patrol", "wander"}


def test_two_files_cannot_have_the_same_handler(bench: Bench):
    (bench.folder / "more.py").write_text(PATROL)
    bench.change("handlers: [patrol.py]", "handlers: [patrol.py, more.py]")

    sentence, pointed, _ = bench.pointed()
    assert sentence == "there is already a handler 'patrol' in another file"
    assert pointed == "more.py]"


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("\n\ndef broken(:\n", "patrol.py, line 3: invalid syntax"),
        ("x = 1\n1 / 0\n", "patrol.py, line 2: ZeroDivisionError: division by zero"),
        (
            "import no_such_module\n",
            "patrol.py, line 1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("import sys\nsys.exit(3)\n", "patrol.py, line 2: SystemExit: 3"),
        (
            "def deep():\n    deep()\ndeep()\n",
            "patrol.py, line 2: RecursionError: maximum recursion depth exceeded",
        ),
        ("\0", "patrol.py"),
        ("raise KeyboardInterrupt\n", None),
        ("x = 'ä'\n".encode("latin-1"), "patrol.py"),
        ("def patrol(): ...\n", "no function in patrol.py is a handler"),
        ("", "no function in patrol.py is a handler"),
        (
            PATROL.replace("async ", "").replace("await ", ""),
            "patrol.py, line 4: patrol is not an async function",
        ),
        (PATROL.replace("float", "complex"), "patrol: 'speed_m_s' has the type complex"),
        (PATROL.replace(": float", ""), "patrol: 'speed_m_s' has no type"),
        (PATROL.replace("rounds: int = 3", "*rounds: int"), "patrol: 'rounds' cannot be filled in by name"),
        (
            PATROL.replace("robot: Robot, speed_m_s: float = 0.2, rounds: int = 3", ""),
            "patrol takes no robot",
        ),
    ],
)
def test_a_broken_file_is_a_fault_of_the_robots_file(bench: Bench, python, sentence):
    (bench.folder / "patrol.py").write_bytes(python if isinstance(python, bytes) else python.encode())

    if sentence is None:
        with pytest.raises(KeyboardInterrupt):
            bench.load()
        return
    fault = bench.fault()
    assert fault.sentence.startswith(sentence)
    assert fault.where.file.endswith("rover.yaml")
    assert fault.where.line in {14, 24}  # its entry, or where it is used


def test_a_file_that_fails_leaves_no_module_behind(bench: Bench):
    before = set(sys.modules)
    (bench.folder / "patrol.py").write_text("raise ValueError('no')\n")

    bench.faults()

    assert set(sys.modules) == before


@pytest.mark.parametrize("entry", ["patrl.py", "patrol", "7", "'a\\0b.py'", ".", "''"])
def test_what_is_no_python_file_is_pointed_at(bench: Bench, entry):
    fault = bench.change("[patrol.py]", f"[{entry}]").fault()

    assert (fault.where.line, fault.where.column) == (14, 12)


def test_a_handler_that_is_never_run_need_not_fit_the_file(bench: Bench):
    (bench.folder / "patrol.py").write_text(
        PATROL + "\n@handler\nasync def spare(robot: Robot) -> None: ...\n"
    )

    config = bench.load()

    assert "spare" in config.handlers
    assert "spare" not in config.actions
