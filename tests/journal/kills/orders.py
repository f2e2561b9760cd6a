"""What a client asks of the victim: what moves it and what does not, what ends and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ORDERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("drive", {"linear": 0.2, "angular": 0.1}),
    ("drive", {"linear": -0.1, "angular": 0.0}),
    ("drive", {"linear": 100.0, "angular": 0.0}),
    ("look", {"angle": 0.5}),
    ("look", {"angle": -0.5}),
    ("light", {"value": True}),
    ("never", {"sense": 0}),
    ("disarm", {}),
    ("arm", {}),
    ("arm", {}),
    ("fly", {}),
)
