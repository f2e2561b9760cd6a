"""One small robot, spoiled in every way that a file can be wrong: each fault has a place and a sentence."""

import pytest

from robotd.core.chart import Timeout, Where
from tests.config.robots import Bench


def test_the_small_robot_itself_is_sound(bench: Bench):
    config = bench.load()

    assert config.robot == "rover"
    assert set(config.devices) == {"left", "right", "base", "bumper", "battery", "mast"}
    assert set(config.commands) == {"arm", "drive", "patrol", "disarm"}


def test_a_fault_is_shown_with_place_line_caret_and_hint(bench: Bench):
    assert bench.change("max_speed", "max_sped").shown() == [
        "rover.yaml:7:69: error: unknown key 'max_sped'",
        "  base: {kind: drive_base, left: left, right: right, track: 0.30 m, "
        "max_sped: 0.8 m/s, max_turn: 2 rad/s}",
        f"{'':68}^",
        "hint: did you mean 'max_speed'?",
    ]


def test_all_faults_come_at_once_and_in_the_order_of_the_file(bench: Bench):
    bench.change("baud: 57600", "baud: fast").change("track: 0.30 m", "track: 0.30").change(
        "pin: 9", "pin: 5"
    )
    bench.change("dest: armed.auto", "dest: armed.aut").change("battery.value < 10.8", "batery.value < 10.8")

    assert [(fault.where.line, fault.sentence) for fault in bench.faults()] == [
        (3, "a whole number is due here, not the text 'fast'"),
        (7, "0.3 needs a unit, for example '0.30 m'"),
        (10, "pin 5 of arduino is already used by left.pwm_pin (5) in line 5"),
        (13, "there is no reading or state 'batery.value'"),
        (29, "there is no state 'armed.aut'"),
    ]


# --- keys and types


@pytest.mark.parametrize(
    ("old", "new", "sentence", "hint"),
    [
        ("robot: rover", "robt: rover", "unknown key 'robt'", "did you mean 'robot'?"),
        ("baud: 57600", "bud: 57600", "unknown key 'bud'", "did you mean 'baud'?"),
        ("lane: safety", "lne: safety", "unknown key 'lne'", "did you mean 'lane'?"),
        ("active: all", "actve: all", "unknown key 'actve'", "did you mean 'active'?"),
        ("after: 10 min", "aftr: 10 min", "unknown key 'aftr'", "did you mean 'after'?"),
        ("dest: disarmed}", "dst: disarmed}", "unknown key 'dst'", "did you mean 'dest'?"),
        ("  transitions:", "  transition:", "unknown key 'transition'", "did you mean 'transitions'?"),
        ("handlers: [patrol.py]", "handlers: []\nx: 1", "unknown key 'x'", None),
    ],
)
def test_an_unknown_key_is_pointed_at(bench: Bench, old, new, sentence, hint):
    faults = bench.change(old, new).faults()
    fault = next(fault for fault in faults if fault.sentence == sentence)

    assert fault.source_line[fault.where.column - 1 :].startswith(sentence.split("'")[1])
    assert fault.hint == hint


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("robot: rover", "robot: 7", "a text is due here, not the number 7"),
        ("robot: rover", "robot: 'a rover'", "the text 'a rover' does not have the form that is due here"),
        ("driver: firmata", "driver: 3", "a text is due here, not the number 3"),
        ("baud: 57600", "baud: '57600'", "a whole number is due here, not the text '57600'"),
        ("baud: 57600", "baud: 5.5", "a whole number is due here, not the number 5.5"),
        ("baud: 57600", "baud: true", "a whole number is due here, not true"),
        ("pwm_pin: 5", "pwm_pin: [5]", "a whole number is due here, not a list"),
        (
            "{kind: motor, board: arduino, pwm_pin: 5, direction_pin: 4}",
            "5",
            "a mapping is due here, not the number 5",
        ),
        ("lane: safety", "lane: urgent", "the text 'urgent' may not stand here"),
        ("pull: up", "pull: yes", "the text 'yes' may not stand here"),
        ("active: all", "active: all\n      unattended: on", "true or false is due here, not the text 'on'"),
        ("handlers: [patrol.py]", "handlers: patrol.py", "a list is due here, not the text 'patrol.py'"),
        (
            "handlers: [patrol.py]",
            "handlers: [patrol.py]\nhosts: [1]",
            "a text is due here, not the number 1",
        ),
        ("when: bumper.active,", "when: 1,", "an expression is due here"),
        ("disarmed: {}", "disarmed: 3", "a mapping is due here, not the number 3"),
        (
            "timeout: {after: 10 min, trigger: too_long}",
            "timeout: 3 s",
            "a mapping is due here, not the text '3 s'",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_pointed_at(bench: Bench, old, new, sentence):
    faults = bench.change(old, new).faults()

    assert sentence in [fault.sentence for fault in faults]


def test_a_yes_where_a_flag_is_due_is_text_and_the_hint_says_what_to_write(bench: Bench):
    bench.change("active: all", "active: all\n      unattended: Off")

    assert bench.pointed() == ("true or false is due here, not the text 'Off'", "Off", "write false")


def test_a_missing_key_is_said_at_the_name_of_what_lacks_it(bench: Bench):
    bench.change("track: 0.30 m, ", "")

    sentence, pointed, _ = bench.pointed()
    assert sentence == "'track' is missing"
    assert pointed.startswith("base: {")


@pytest.mark.parametrize("key", ["robot: rover\n", "boards:\n"])
def test_without_its_head_the_file_is_refused(bench: Bench, key):
    assert bench.change(key, "").faults()


@pytest.mark.parametrize(
    "old", ["when: bumper.active,", "do: base.drive,", "source: disarmed,", "min: -80 deg,"]
)
def test_a_key_that_says_nothing_is_no_way_to_leave_it_out(bench: Bench, old):
    key = old.partition(":")[0]

    faults = bench.change(old, f"{key}: ,").faults()

    assert f"'{key}' says nothing" in [fault.sentence for fault in faults]


def test_a_section_whose_entries_are_all_commented_out_is_empty(bench: Bench):
    bench.text = "robot: rover\nboards:\ndevices:\nevents:\nmachine: {initial: idle, states: {idle: {}}}\n"

    assert bench.load().devices == {}


# --- quantities


SPEEDS = "a speed is written in m/s, mm/s, km/h, for example '0.8 m/s'"


@pytest.mark.parametrize(
    ("value", "sentence", "hint"),
    [
        ("0.8", "0.8 needs a unit, for example '0.8 m/s'", SPEEDS),
        ("0.8 m", "'0.8 m' is a length, but a speed is due here", SPEEDS),
        ("0.8 m/z", "unknown unit 'm/z'", "did you mean 'm/s'?"),
        ("-1 m/s", "'-1 m/s' must be more than zero", None),
        ("1e999 m/s", "'1e999 m/s' is larger than any number robotd can hold", None),
    ],
)
def test_a_quantity_that_is_none_is_pointed_at(bench: Bench, value, sentence, hint):
    bench.change("max_speed: 0.8 m/s", f"max_speed: {value}")

    assert bench.pointed() == (sentence, f"{value}, max_turn: 2 rad/s}}", hint)


def test_a_duration_where_a_voltage_is_due_is_a_wrong_dimension(bench: Bench):
    sentence, pointed, _ = bench.change("stale: 200 ms", "stale: 200 mV").pointed()

    assert sentence == "'200 mV' is a voltage, but a duration is due here"
    assert pointed == "200 mV}"


# --- boards and devices


def test_an_unknown_driver_names_the_known_ones(bench: Bench):
    fault = bench.change("driver: firmata", "driver: fermata").fault()

    assert "fermata" in fault.sentence
    assert "firmata" in f"{fault.sentence} {fault.hint}"
    assert fault.where.column == 21


def test_a_driver_whose_own_code_fails_is_a_fault_of_the_file(bench: Bench, monkeypatch):
    (bench.folder / "robotd_broken_driver.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(bench.folder)

    fault = bench.change("driver: firmata", "driver: 'robotd_broken_driver:DRIVER'").fault()

    assert fault.sentence.endswith("cannot be imported: ZeroDivisionError: division by zero")


def test_of_the_ways_to_write_a_value_only_the_first_is_asked_for(bench: Bench):
    sentence, pointed, _ = bench.change("baud: 57600", "deadman: 300").pointed()

    assert sentence == "300 needs a unit, for example '200 ms'"
    assert pointed == "300}"


def test_an_unknown_board_is_pointed_at(bench: Bench):
    bench.change("board: arduino, pin: 2", "board: arduno, pin: 2")

    sentence, pointed, hint = bench.pointed()
    assert (sentence, hint) == ("there is no board 'arduno'", "did you mean 'arduino'?")
    assert pointed.startswith("arduno,")


def test_a_device_without_a_board_is_told_which_there_are(bench: Bench):
    fault = bench.change("board: arduino, pin: 2", "pin: 2").fault()

    assert (fault.sentence, fault.hint) == ("'board' is missing", "there is only 'arduino'")


def test_an_unknown_kind_is_pointed_at_and_nothing_is_said_about_its_readings(bench: Bench):
    fault = bench.change("kind: digital_input", "kind: digital_inptu").fault()

    assert fault.hint == "did you mean 'digital_input'?"


def test_a_device_without_a_kind_is_told_which_there_are(bench: Bench):
    fault = bench.change("kind: servo, ", "").fault()

    assert fault.sentence == "'kind' is missing"
    assert "servo" in str(fault.hint)


def test_the_parts_of_a_drive_base_must_exist(bench: Bench):
    sentence, pointed, hint = bench.change("left: left,", "left: lft,").pointed()

    assert (sentence, hint) == ("there is no device 'lft'", "did you mean 'left'?")
    assert pointed.startswith("lft,")


def test_the_parts_of_a_drive_base_must_be_motors(bench: Bench):
    fault = bench.change("left: left,", "left: mast,").fault()

    assert fault.sentence == "a motor is due here; 'mast' is a servo"


def test_a_motor_turns_one_wheel_only(bench: Bench):
    assert bench.change("left: left, right: right", "left: left, right: left").faults()


def test_a_motor_belongs_to_one_base_only(bench: Bench):
    other = (
        "  other: {kind: drive_base, left: left, right: third, track: 1 m, max_speed: 1 m/s, max_turn: 1 rpm}"
    )
    third = "  third: {kind: motor, board: arduino, pwm_pin: 3, direction_pin: 8}\n"
    bench.change("events:\n", f"{third}{other}\nevents:\n")

    assert bench.fault().sentence == "'left' is already the left of 'base'"


def test_the_joints_of_an_arm_must_be_joints_and_of_one_arm_only(bench: Bench):
    arms = "  arm: {kind: joint_group, joints: [left, lft]}\n  other: {kind: joint_group, joints: [left]}\n"
    faults = bench.change("events:\n", f"{arms}\nevents:\n").faults()

    assert [fault.sentence for fault in faults] == [
        "a joint is due here; 'left' is a motor",
        "there is no device 'lft'",
        "a joint is due here; 'left' is a motor",
    ]


def test_a_joint_belongs_to_one_arm_only(bench: Bench):
    board = "  bus: {driver: dynamixel, port: /dev/ttyUSB0}\n"
    joint = "  elbow: {kind: joint, board: bus, id: 1, min: -90 deg, max: 90 deg}\n"
    arms = "  arm: {kind: joint_group, joints: [elbow]}\n  other: {kind: joint_group, joints: [elbow]}\n"
    bench.change("devices:\n", f"{board}\ndevices:\n").change("events:\n", f"{joint}{arms}\nevents:\n")

    assert bench.fault().sentence == "'elbow' is already one of the joints of 'arm'"


def test_a_pin_used_twice_names_both_places(bench: Bench):
    bench.change("pin: 9", "pin: 5")

    sentence, pointed, _ = bench.pointed()
    assert sentence == "pin 5 of arduino is already used by left.pwm_pin (5) in line 5"
    assert pointed.startswith("5, min:")


def test_a_channel_used_twice_is_found_too(bench: Bench):
    bench.change("events:\n", "  second: {kind: analog_input, board: arduino, pin: A1}\nevents:\n")

    assert bench.fault().sentence == "pin A1 of arduino is already used by battery.pin (A1) in line 9"


def test_a_port_used_twice_names_both_boards(bench: Bench):
    bench.change("devices:", "  second: {driver: firmata, port: /dev/ttyACM0}\ndevices:")

    sentence, pointed, _ = bench.pointed()
    assert sentence == "the port /dev/ttyACM0 is already used by the board 'arduino' in line 3"
    assert pointed == "/dev/ttyACM0}"


@pytest.mark.parametrize("name", ["1st", "_x", "a-b", "a.b", "ä", "", "a b"])
def test_a_name_must_be_one_word(bench: Bench, name):
    bench.change("  mast: {", f"  '{name}': {{")

    assert f"'{name}' cannot be the name of a device" in [fault.sentence for fault in bench.faults()]


@pytest.mark.parametrize("name", ["and", "min", "payload", "class", "read", "sleep", "all"])
def test_a_name_may_not_be_a_word_with_a_meaning_of_its_own(bench: Bench, name):
    bench.change("  mast: {", f"  {name}: {{")

    assert f"'{name}' is a word of its own and cannot name a device" in [
        fault.sentence for fault in bench.faults()
    ]


# --- names of the machine


@pytest.mark.parametrize(
    ("old", "new", "sentence", "hint"),
    [
        ("source: disarmed", "source: disrmed", "there is no state 'disrmed'", "did you mean 'disarmed'?"),
        ("[armed, docked]", "[armed, doked]", "there is no state 'doked'", "did you mean 'docked'?"),
        ("dest: armed.auto", "dest: auto", "there is no state 'auto'", "did you mean 'armed.auto'?"),
        ("initial: disarmed", "initial: disrmed", "there is no state 'disrmed'", "did you mean 'disarmed'?"),
        ("initial: teleop", "initial: armed.teleop", "there is no state 'armed.teleop'", None),
        ("active: [mast]", "active: [mst]", "there is no device 'mst'", "did you mean 'mast'?"),
        ("active: [mast]", "active: [mast, mast]", "'mast' is here twice", None),
        ("active: all", "active: al", "there is no device 'al'", "did you mean 'all'?"),
        ("do: patrol,", "do: patrl,", "there is no handler 'patrl'", "did you mean 'patrol'?"),
        ("do: base.drive", "do: base.drv", "base has no verb 'drv'", "did you mean 'drive'?"),
        ("do: base.drive", "do: bse.drive", "there is no device 'bse'", "did you mean 'base'?"),
        (
            "trigger: too_long}",
            "trigger: to_long}",
            "no transition takes 'to_long'",
            "did you mean 'too_long'?",
        ),
        ("patrol.done", "patrl.done", "nothing ever says 'patrl.done'", "did you mean 'patrol.done'?"),
        ("arduino.lost", "arduin.lost", "nothing ever says 'arduin.lost'", "did you mean 'arduino.lost'?"),
        ("arduino.lost", "arduino.gone", "nothing ever says 'arduino.gone'", None),
        ("[bump, too_long", "[bump, bump, too_long", "'bump' is here twice", None),
        ("[armed, docked]", "[armed, armed]", "'armed' is here twice", None),
        ("trigger: too_long}", "trigger: 'too long'}", "'too long' cannot be the name of a trigger", None),
        ("[armed, docked]", "[]", "at least one is needed here", None),
        ("trigger: arm,", "trigger: 'do it',", "'do it' cannot be the name of a trigger", None),
        ("trigger: arm,", "trigger: 1,", "the name of a trigger is due here", None),
    ],
)
def test_a_name_that_means_nothing_is_pointed_at(bench: Bench, old, new, sentence, hint):
    fault = bench.change(old, new).fault()

    assert fault.sentence == sentence
    assert hint is None or fault.hint == hint
    # The caret stands where the new text differs from the old one, or in front of it.
    line, column = fault.where.line, fault.where.column
    assert new.split(": ")[-1].strip("[]},")[:3] in bench.text.splitlines()[line - 1][column - 8 :]


def test_the_verb_of_a_device_that_does_not_have_it_is_pointed_at_behind_the_dot(bench: Bench):
    assert bench.change("do: base.drive", "do: base.drv").pointed()[1].startswith("drv,")


@pytest.mark.parametrize("name", ["estopped", "down"])
@pytest.mark.parametrize("old", ["docked: {", "auto: {"])
def test_a_built_in_state_cannot_be_redefined_at_any_depth(bench: Bench, name, old):
    sentences = [fault.sentence for fault in bench.change(f"{old}", f"{name}: {{").faults()]

    assert f"the state '{name}' is built in" in sentences


@pytest.mark.parametrize("name", ["estop", "reset", "shutdown"])
@pytest.mark.parametrize("old", ["trigger: arm,", "trigger: too_long}", "trigger: [bump,"])
def test_a_built_in_trigger_cannot_be_taken(bench: Bench, name, old):
    new = old[: old.index(":") + 2] + ("[" if "[" in old else "") + name + old[-1]
    sentences = [fault.sentence for fault in bench.change(old, new).faults()]

    assert f"the trigger '{name}' is built in" in sentences


def test_an_event_cannot_have_the_name_of_a_built_in_trigger(bench: Bench):
    sentences = [fault.sentence for fault in bench.change("  bump: {", "  estop: {").faults()]

    assert sentences == ["the trigger 'estop' is built in"]


@pytest.mark.parametrize("name", ["estopped", "down"])
def test_no_transition_touches_a_built_in_state(bench: Bench, name):
    sentence, pointed, _ = bench.change("dest: disarmed}", f"dest: {name}}}").pointed()

    assert sentence == f"no transition of the file may touch the built-in state '{name}'"
    assert pointed == f"{name}}}"


@pytest.mark.parametrize("old", ["docked: {active", "teleop: {}"])
def test_a_state_cannot_have_the_name_of_a_device(bench: Bench, old):
    sentences = [fault.sentence for fault in bench.change(old, f"mast:{old.partition(':')[2]}").faults()]

    assert "the name 'mast' is already taken in line 10" in sentences


# --- expressions


@pytest.mark.parametrize(
    ("old", "new", "pointed"),
    [
        ("when: battery.value > 10.8 and", "when: battery.volts > 10.8 and", "battery.volts"),
        ("> 10.8 and not bumper.active", "> 10.8 and not bmper.active", "bmper.active"),
        ("> 10.8 and not bumper.active", "> 10.8 and not docked.x", "docked.x"),
        ("> 10.8 and not bumper.active", "> 10.8 and", "}"),
        ("when: battery.value < 10.8", "when: 'battery.value < bmper.active'", "bmper.active"),
        ("when: battery.value < 10.8", "when: payload.x < 10.8", "payload.x"),
        ("payload.linear <= 0", "payload.linaer <= 0", "linaer"),
        ("clear: battery.value > 11.4", 'clear: "battery.valeu > 11.4"', "battery.valeu"),
    ],
)
def test_a_fault_in_an_expression_is_pointed_at_inside_it(bench: Bench, old, new, pointed):
    assert bench.change(old, new).pointed()[1].startswith(pointed)


def test_a_fault_in_a_folded_expression_is_pointed_at_in_its_own_line(bench: Bench):
    bench.change(
        "- {trigger: battery_low, source: armed, dest: docked}",
        "- trigger: battery_low\n      source: armed\n      dest: docked\n      when: >\n"
        "        not bumper.active\n        and baterry.value > 3\n",
    )

    sentence, pointed, _ = bench.pointed()
    assert sentence == "there is no reading or state 'baterry.value'"
    assert pointed == "baterry.value > 3"


def test_an_expression_may_name_a_state(bench: Bench):
    bench.change("dest: docked}", "dest: docked, when: not armed.auto}")

    assert bench.load().chart.regions[0].transitions[4].guard is not None


def test_an_event_that_depends_on_no_reading_would_never_come(bench: Bench):
    assert bench.change("when: bumper.active,", "when: 'true',").fault().sentence.startswith("no reading")


# --- what a robot becomes


def test_places_go_into_the_chart(bench: Bench):
    chart = bench.load().chart

    assert chart.regions[0].states["armed.auto"].where == Where(str(bench.folder / "rover.yaml"), 24, 9)
    assert chart.regions[0].states["armed.auto"].timeout == Timeout(600.0, "too_long")
    assert chart.regions[0].states["armed"].initial == "armed.teleop"
    assert chart.regions[0].initial == "disarmed"


def test_quantities_are_si_inside(bench: Bench):
    devices = bench.load().devices

    assert devices["mast"].model_dump()["min"] == pytest.approx(-1.396263)
    assert devices["battery"].model_dump()["stale"] == pytest.approx(0.2)


def test_rules_have_their_lane_and_their_hysteresis(bench: Bench):
    bump, battery_low = bench.load().rules

    assert (bump.name, bump.lane.name, bump.clear) == ("bump", "SAFETY", None)
    assert (battery_low.lane.name, str(battery_low.clear)) == ("EVENT", "Expression('battery.value > 11.4')")
