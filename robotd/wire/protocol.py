"""JSON-RPC 2.0 as robotd speaks it, without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotd.wire.json import encode


def encode_update(topic: str, data: Mapping[str, Any], gap: int = 0) -> bytes:
    """The notification of something said about `topic`; `gap` is how many before it were left out."""
    if topic == "stage":
        params = {**data, "gap": gap} if gap else data
        return encode({"jsonrpc": "2.0", "method": "stage", "params": params})
    said: dict[str, Any] = {"topic": topic, "data": data}
    if gap:
        said["gap"] = gap
    return encode({"jsonrpc": "2.0", "method": "update", "params": said})
