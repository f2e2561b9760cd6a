"""Daemons are killed at any moment, under load, and started again on what they left behind."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from robotd.core.stage import DONE, EXPIRED, PREEMPTED, REJECTED, TERMINAL, UNKNOWN
from robotd.journal.reader import open_rows
from robotd.journal.store import Select
from tests.counts import CAMPAIGN
from tests.journal.kills.client import Client
from tests.journal.kills.lives import Lives, zygote
from tests.journal.kills.orders import ORDERS
from tests.journal.kills.witness import Witness
from tests.journal.kills.zygote import JOURNAL, SOCKET

KILLS = 2000 if CAMPAIGN else 50
KILLS_OF_A_FOLDER = 25
"""So often one journal is killed; then another begins."""
AT_WORK_S = 0.08
"""A daemon is killed within this time after its first command..."""
AT_START_S = 0.08
KILLED_AT_START = 0.2
"""...or, this share of them, within this time after it was begun."""
SENT_AGAIN = 8
"""So many commands of earlier lives are sent again in each."""


class Robot:
    """One journal, the daemons that write it one after the other, and what clients were told by them."""

    def __init__(self, folder: Path, lives: Lives, rng: random.Random) -> None:
        self._folder = folder
        self._lives = lives
        self._rng = rng
        self._sent: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.oldest = 1
        """The first row that rotation has left."""
        self.told: list[tuple[str, str]] = []
        self.witness = Witness()

    def live(self) -> None:
        """Start, look whether anything moves, send old and new commands, and be killed."""
        self._lives.begin(self._folder)
        if self._rng.random() < KILLED_AT_START:
            time.sleep(self._rng.uniform(0, AT_START_S))  # noqa: TID251  # whoever kills does it in real time
            self._lives.kill()
        else:
            self._lives.wait_until_ready()
            with closing(Client(self._folder / SOCKET)) as client:
                assert moving(client) == {}
                self._send_again(client)
                self._work(client)
                self._lives.kill()
                client.hear_to_the_end()
            self.told += client.told
        self._judge()

    def end(self) -> None:
        """The last daemon has settled everything, and does nothing more."""
        self._lives.begin(self._folder)
        self._lives.wait_until_ready()
        with closing(Client(self._folder / SOCKET)) as client:
            assert moving(client) == {}
            client.get("send", type="arm", wait="done")
            self._lives.kill()
        self._judge()

        assert self.witness.open_commands == []

    def _send_again(self, client: Client) -> None:
        """The same ids with the same bodies: they tell how those have ended, and run nothing."""
        kept = self.witness.since(self.oldest)
        known = self._rng.sample(kept, min(SENT_AGAIN, len(kept)))
        for command in known:
            client.send(command, *self._sent[command])
        client.hear(lambda: client.answers.keys() >= set(known))

        assert [command for command in known if "result" not in client.answers[command]] == []
        assert all(client.answers[command]["result"]["stage"] in TERMINAL for command in known)

    def _work(self, client: Client) -> None:
        deadline = time.perf_counter() + self._rng.uniform(0, AT_WORK_S)
        self._send(client, "arm", {})
        while (left_s := deadline - time.perf_counter()) > 0:
            for _ in range(self._rng.randint(1, 6)):
                self._send(client, *self._rng.choice(ORDERS))
            client.hear_for(min(left_s, self._rng.uniform(0.0001, 0.005)))

    def _send(self, client: Client, kind: str, payload: Mapping[str, Any]) -> None:
        command = f"c{len(self._sent)}"
        self._sent[command] = (kind, payload)
        client.send(command, kind, payload)

    def _judge(self) -> None:
        """Read what was written since, and hold the journal to all that was ever told."""
        if self.witness.seq == 0 and not (self._folder / JOURNAL / "journal.db").exists():
            assert self.told == []  # the first one was killed before it had made a journal
            return
        with open_rows(self._folder / JOURNAL) as rows:
            self.oldest = next((row.seq for row in rows.rows()), 1)
            self.witness.read(rows.rows(Select(since=self.witness.seq)))
        for command, stage in self.told:
            self.witness.hold_to(command, stage)


def moving(client: Client) -> dict[str, Any]:
    """What a daemon that has just started should not have to tell."""
    status = client.get("status")
    found = {name: device["state"] for name, device in status["devices"].items()}
    return {name: state for name, state in found.items() if state != "inactive"} | (
        {} if status["state"] == "disarmed" else {"state": status["state"]}
    )


def test_no_kill_takes_what_was_acknowledged_and_nothing_runs_again(tmp_path: Path) -> None:
    rng = random.Random(8)
    ended: Counter[str | None] = Counter()
    trimmed = 0
    with zygote() as lives:
        for number in range(KILLS // KILLS_OF_A_FOLDER):
            folder = tmp_path / str(number)
            folder.mkdir()
            robot = Robot(folder, lives, rng)
            for _ in range(KILLS_OF_A_FOLDER - 1):
                robot.live()
            robot.end()
            ended.update(life.stage for life in robot.witness.commands.values())
            trimmed += robot.oldest > 1

    assert {DONE, PREEMPTED, REJECTED} <= ended.keys()
    assert ended[EXPIRED] + ended[UNKNOWN] > 0, "no kill met a command"
    assert trimmed > 0, "a journal whose daemons are killed is never trimmed"
