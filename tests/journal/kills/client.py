"""A client on a plain socket, with plain JSON, which remembers what it was told of each of its commands."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PATIENCE_S = 10.0
"""An answer that is not there by then does not come."""


class Client:
    """Sends requests, and hears answers and the stages of all commands."""

    def __init__(self, path: Path, *, stages: bool = True) -> None:
        """`stages`: it wants to hear those of all commands, whoever sent them."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._rest = b""
        self._gone = False
        self.told: list[tuple[str, str]] = []
        """Commands and the stages that they were told to have reached, in order."""
        self.answers: dict[str, Mapping[str, Any]] = {}
        """What was answered, by the request's id: `result` or `error`."""
        if stages:
            self.get("subscribe", topics=["stage"])

    def get(self, method: str, **params: Any) -> Any:
        """Ask, and wait for the result."""
        self.ask(method, method, **params)
        self.hear(lambda: method in self.answers)
        return self.answers.pop(method)["result"]

    def send(self, command: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Send a command; its id is the request's as well."""
        self.ask(command, "send", id=command, type=kind, payload=payload)

    def ask(self, request: str, method: str, **params: Any) -> None:
        """Send a request. A daemon that is gone hears nothing."""
        line = {"jsonrpc": "2.0", "id": request, "method": method, "params": params}
        try:
            self._socket.sendall(json.dumps(line).encode() + b"\n")
        except OSError:
            self._gone = True

    def hear(self, enough: Callable[[], bool]) -> None:
        """Listen until it is enough, or the daemon is gone."""
        deadline = time.perf_counter() + PATIENCE_S
        while not enough() and not self._gone:
            assert time.perf_counter() < deadline, f"no answer within {PATIENCE_S} s"
            self.hear_for(PATIENCE_S)

    def hear_to_the_end(self) -> None:
        """What was said before the daemon was gone."""
        self._gone = False
        self.hear(lambda: False)

    def hear_for(self, duration_s: float) -> None:
        """Take what comes next, if it comes within that time."""
        self._socket.settimeout(duration_s)
        try:
            heard = self._socket.recv(65536)
        except TimeoutError:
            return
        except ConnectionError:
            heard = b""
        self._gone = not heard
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def close(self) -> None:
        """It is over."""
        self._socket.close()

    def _take(self, said: Mapping[str, Any]) -> None:
        if said.get("method") == "stage":
            self.told.append((said["params"]["id"], said["params"]["stage"]))
        elif "id" in said:
            self.answers[said["id"]] = said
            if "stage" in said.get("result", ()):
                self.told.append((said["result"]["id"], said["result"]["stage"]))
