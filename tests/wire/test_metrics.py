from __future__ import annotations

import re

from robotd.wire.metrics import exposition
from tests.wire.still_robot import StillRobot

SAMPLE = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*(\{([a-z_]+="([^"\\\n]|\\.)*",?)+\})? -?[0-9.e+-]+')


def test_every_line_is_a_sample_or_a_comment_of_the_exposition_format():
    for line in exposition(StillRobot().status()).splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.fullmatch(line), line


def test_what_an_operator_graphs_is_there():
    text = exposition(StillRobot().status())

    for sample in (
        "robotd_uptime_seconds 12.5",
        'robotd_state{region="main",state="disarmed"} 1',
        'robotd_board_online{board="arduino"} 1',
        'robotd_reading{device="battery",reading="value",unit="V"} 12.25',
        'robotd_queue_depth{lane="command"} 3',
        "robotd_latency_slowest_stop_ms 0.25",
        "robotd_decisions 7",
        "robotd_commands_done 5",
        "robotd_latched 0",
    ):
        assert f"{sample}\n" in text


def test_a_reading_never_heard_has_no_sample():
    assert 'device="bumper"' not in exposition(StillRobot().status())


def test_names_from_the_file_cannot_break_out_of_a_label():
    status = StillRobot().status()
    status["boards"] = {'a"\n} 1\nrobotd_latched 1\\': {"state": "online"}}
    lines = exposition(status).splitlines()

    assert [line for line in lines if line.startswith("robotd_latched")] == ["robotd_latched 0"]


def test_each_family_is_announced_once():
    types = re.findall(r"^# TYPE (\S+)", exposition(StillRobot().status()), re.MULTILINE)

    assert len(types) == len(set(types))
