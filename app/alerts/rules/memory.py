"""What the rules remember across restarts: conditions, what was said, points of counters."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...core.files import write_whole
from ...core.guard import guard
from ...core.signal import Category, Severity
from .phases import Instance
from .readings import Point, Series


class Said(msgspec.Struct, frozen=True):
    """What was said of an alert, and when last, so that its end can be said when its rule is gone."""

    title: str
    severity: Severity
    category: Category
    code: str
    at: float
    source: str = "alerts"
    rule: str = ""


class Memory(msgspec.Struct):
    """`instances` by watch, `said` by key, `points` by rule."""

    instances: dict[str, list[tuple[Series, Instance]]] = msgspec.field(default_factory=dict)
    said: dict[str, Said] = msgspec.field(default_factory=dict)
    points: dict[str, list[tuple[Series, list[Point]]]] = msgspec.field(default_factory=dict)


def recall(path: Path) -> Memory:
    """What was kept; nothing when there is no file, or one that cannot be read."""
    with guard("alerts.rules.recall"):
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=Memory)
    return Memory()


def keep(path: Path, memory: Memory) -> None:
    """Keep it, whole; OSError."""
    write_whole(path, msgspec.json.encode(memory))
