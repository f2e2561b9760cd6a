"""One robot to be broken: its far ends, its daemon, a client, and other work for the machine."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from tests.faults.children import PATIENCE_S, Child, HarnessError
from tests.faults.clock import now, pause
from tests.faults.evidence import STOPS, Chunk, Heard, turning
from tests.faults.handlers import MOMENT
from tests.faults.load import Load, busy_processes
from tests.faults.zygote import Order
from tests.journal.kills.client import Client

ROBOT = Path(__file__).with_name("robot.yaml")
DRIVE = {"linear": 0.4, "angular": 0.2}
STREAM_S = 0.02
"""So often a client that streams sends a setpoint."""
LOOK_S = 0.005
KEPT_LOG_BYTES = 800
FLOOD = "tests.benchmarks.flood"


class RefusedError(HarnessError):
    """The daemon does not do what was asked."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.reason = error["data"]["reason"]


class Bench:
    """Everything that a trial needs. What it starts ends with it."""

    def __init__(self, folder: Path, twin: Child, zygote: Child, load: Load, rng: random.Random) -> None:
        self.folder = folder
        self.twin = twin
        self.load = load
        self.rng = rng
        self._zygote = zygote
        self._boards = json.loads(twin.hear())
        self._count = 0
        self._client: Client | None = None
        self.daemon: int | None = None
        """The process of the daemon; None: there is none, or none that may be used again."""
        self.tcp = ("127.0.0.1", 0)
        self.home = folder
        """The folder of this daemon: its socket, its journal, its log."""
        self.struck = 0
        """The guard that something was done to."""
        self._children: dict[str, Child] = {}
        self._heard: Heard = {}

    @classmethod
    @contextmanager
    def set_up(cls, seed: int = 1) -> Iterator[Self]:
        """A bench without a daemon."""
        with (
            TemporaryDirectory(prefix="faults-") as folder,
            Child("tests.faults.twin", str(ROBOT), folder) as twin,
            Child("tests.faults.zygote") as zygote,
            busy_processes() as load,
        ):
            bench = cls(Path(folder), twin, zygote, load, random.Random(seed))
            try:
                yield bench
            finally:
                bench.end()

    # ------------------------------------------------------------------ others

    def child(self, module: str, *arguments: str) -> Child:
        """Start another process beside the daemon, and wait for its first line; it ends with the daemon."""
        child = self._children[module] = Child(module, *arguments)
        child.hear()
        return child

    def running(self, module: str) -> Child:
        """The one of this kind that was started last. Raises `KeyError`."""
        return self._children[module]

    def end_children(self) -> None:
        """End all of these."""
        while self._children:
            self._children.popitem()[1].close()

    def flood(self) -> None:
        """Let clients that mean no good come, if they are not there yet."""
        if FLOOD not in self._children:
            self.child(FLOOD, f"{self.tcp[0]}:{self.tcp[1]}")

    # ------------------------------------------------------------------ the daemon

    def begin(self, home: Path | None = None, **world: Any) -> None:
        """Start a daemon and wait until it listens. `home`: of an earlier one; `world`: as in `Order`."""
        self.end()
        if home is None:
            self._count += 1
            shutil.rmtree(self.home, ignore_errors=True) if self.home != self.folder else None
            home = self.folder / str(self._count)
            home.mkdir()
        self.home = home
        ports = [word for board in self._boards for word in ("--port", f"{board}={self.folder / board}")]
        environ = {
            "XDG_RUNTIME_DIR": str(home),
            "XDG_STATE_HOME": str(home),
            MOMENT: str(home / "moment"),
            **world.pop("environ", {}),
        }
        arguments = ("run", str(ROBOT), *ports, "--journal", str(world.pop("journal", home / "journal")))
        self._zygote.tell(str(Order(arguments, str(home), environ, **world)))
        self.daemon = int(self._report("born"))
        host, _, port = self._report("ready").split()[1].rpartition(":")
        self.tcp = (host, int(port))

    def end(self) -> None:
        """Kill what is left of the daemon, and wait for that."""
        self.end_children()
        self.forget_client()
        if self.daemon is not None:
            for process in (self.daemon, *self.guards()):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self.wait()

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the end of the daemon; returns its status, as `os.waitpid` has it."""
        status = int(self._report("gone", patience_s))
        self.daemon = None
        self.forget_client()
        return status

    def kill(self, number: signal.Signals) -> float:
        """Send the daemon a signal; returns the moment before."""
        assert self.daemon is not None
        at = now()
        os.kill(self.daemon, number)
        return at

    def guards(self) -> list[int]:
        """The guards that are the daemon's children."""
        with suppress(OSError):
            children = Path(f"/proc/{self.daemon}/task/{self.daemon}/children").read_text().split()
            return [
                int(child) for child in children if b"guard.py" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]
        return []

    def _report(self, kind: str, patience_s: float = PATIENCE_S) -> str:
        """What the zygote or its daemon says next of this kind."""
        while True:
            word, _, said = self._zygote.hear(patience_s).partition(" ")
            if word == kind:
                return said
            if word == "gone":
                self.daemon = None
                raise HarnessError(f"the daemon has ended with {said} in place of {kind}: {self.log()}")

    def log(self) -> str:
        """The end of the daemon's log."""
        return (self.home / "log").read_text()[-KEPT_LOG_BYTES:]

    # ------------------------------------------------------------------ its client

    @property
    def socket(self) -> Path:
        """The Unix socket of the present daemon."""
        return self.home / "robotd" / "robotd.sock"

    @property
    def client(self) -> Client:
        """The one that leads the robot."""
        if self._client is None:
            self._client = Client(self.socket, stages=False)
        return self._client

    def forget_client(self) -> None:
        """The next one is another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def get(self, method: str, **params: Any) -> Any:
        """Ask and wait for the result. Raises `RefusedError`."""
        client = self.client
        client.ask(method, method, **params)
        client.hear(lambda: method in client.answers)
        answer = client.answers.pop(method, None)
        if answer is None:
            raise HarnessError(f"no answer to {method}: {self.log()}")
        if "result" not in answer:
            raise RefusedError(answer["error"])
        return answer["result"]

    def stop(self) -> float:
        """Ask for a stop and wait for its answer; returns the moment before."""
        at = now()
        self.get("estop", reason="a trial")
        return at

    def drive(self, times: int = 1) -> None:
        """Send so many setpoints, each with other numbers, without waiting for an answer."""
        for _ in range(times):
            self._count += 1
            speed = {"linear": self.rng.uniform(0.1, 0.5), "angular": self.rng.uniform(-0.5, 0.5)}
            self.client.send(f"drive-{self._count}", "drive", speed)

    def send(self, kind: str, **payload: Any) -> None:
        """Send a command without waiting for an answer."""
        self._count += 1
        self.client.send(f"{kind}-{self._count}", kind, payload)

    def ready(self, **world: Any) -> None:
        """A daemon that moves nothing, with nothing latched: the present one, or another."""
        if self.daemon is None or world:
            self.begin(**world)
        self.reset()
        self.forget_heard()

    def reset(self) -> None:
        """Take back whatever latch there is, as soon as that is possible."""
        deadline = now() + PATIENCE_S
        while (latch := self.get("status")["latch"]) is not None:
            with suppress(RefusedError):
                self.get("reset", latch_id=latch["latch_id"])
                continue
            if now() > deadline:
                raise HarnessError(f"the latch stays: {latch}")
            pause(LOOK_S * 4)

    def arm(self, **world: Any) -> None:
        """As `ready`, and everything may be moved by whoever takes the lease."""
        self.ready(**world)
        self._arm()

    def _arm(self) -> None:
        self.until(self.all_online, "its boards come online")
        if self.get("status")["state"] != "disarmed":
            self.order("disarm", "done")
        self.order("arm", "done")

    def lead(self) -> None:
        """Take the lease, for longer than any trial lasts."""
        self.get("lease.acquire", window_ms=10_000)

    def move(self, **world: Any) -> None:
        """Every motor turns when this returns, by this bench's own lease, and setpoints stream."""
        self.drive_only(**world)
        self.order("spin", "started", duty=0.5)
        self.until(lambda: "mill" in turning(self.heard(), now()), "the mill turns")

    def drive_only(self, **world: Any) -> None:
        """As `move`, but for the mill."""
        self.ready(**world)
        self.lead()
        self._arm()
        self.order("drive", "started", **DRIVE)
        self.until(lambda: "wheels" in turning(self.heard(), now()), "the wheels turn")

    def order(self, kind: str, stage: str, **payload: Any) -> None:
        """Send a command and wait for `stage`. Raises `HarnessError` where it ends otherwise."""
        answer = self.get("send", type=kind, payload=payload, valid_for_ms=30_000, wait=stage)
        if answer["stage"] != stage:
            raise HarnessError(f"{kind} is not {stage}: {answer}")

    def all_online(self) -> bool:
        boards = self.get("status")["boards"].values()
        return all(board["state"] == "online" for board in boards)

    def until(self, true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Look again and again. Raises `HarnessError` when it does not become true."""
        deadline = now() + patience_s
        while not true():
            if now() > deadline:
                raise HarnessError(f"{what}: not within {patience_s:g} s; {self.log()}")
            pause(LOOK_S)

    def forget_moment(self) -> None:
        """A handler is about to tell one."""
        (self.home / "moment").unlink(missing_ok=True)

    def moment(self) -> float:
        """When a handler did what it should not. Waits for it to be told."""
        told = self.home / "moment"
        self.until(lambda: told.exists() and bool(told.read_text()), "the handler begins")
        return float(told.read_text())

    # ------------------------------------------------------------------ its far ends

    def heard(self) -> Heard:
        """What the far ends have heard since `forget_heard`."""
        told = json.loads(self.twin.ask("heard"))
        new = {name: [Chunk(at, bytes.fromhex(data)) for at, data in told[name]] for name in STOPS}
        self._heard = {name: [*self._heard.get(name, ()), *chunks] for name, chunks in new.items()}
        return self._heard

    def forget_heard(self) -> None:
        """Everything is at rest: what was heard is of no interest any more."""
        self.heard()
        self._heard = {}

    def inject(self, board: str, fault: str) -> float:
        """Something goes wrong with a board; returns the moment before it was told to."""
        at = now()
        self.twin.ask(f"inject {board} {fault}")
        return at
