"""What the performance room speaks of: series, readings of probes, grades, and what was slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from ..core.health import Level

OTHER = "<other>"

Series = tuple[str, str, str]
"""What durations are kept for: ("http", method, route) or ("sql", operation, "")."""

EVERY_REQUEST: Series = ("http", "", "")
"""All requests together, kept beside the routes because trends need no more."""


class Grade(StrEnum):
    """How far a value is over its thresholds: OK < WARNING < CRITICAL."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (OK) to 2 (CRITICAL)."""
        return list(Grade).index(self)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a probe found.

    OK: everything was measured. DEGRADED: a part of it. DOWN: what it looks at does not answer.
    `reason` is short, for people, and never holds a secret; `details` are JSON values.
    """

    level: Level = Level.OK
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Probe(Protocol):
    """Looks at one thing: sample() returns within `deadline_seconds` and never raises."""

    name: str
    deadline_seconds: float

    def sample(self) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading as it is remembered: `at` in seconds since 1970, `failures` how often DOWN in a row."""

    reading: Reading
    at: float
    failures: int = 0

    def followed_by(self, reading: Reading, at: float) -> Kept:
        """How the next reading is remembered."""
        return Kept(reading, at, self.failures + 1 if reading.level is Level.DOWN else 0)


@dataclass(frozen=True, slots=True)
class Worker:
    """What one worker process said of itself at `at` (seconds since 1970)."""

    pid: int
    at: float
    process: Mapping[str, Any]
    event_loop: Mapping[str, Any]
    in_flight: int


@dataclass(frozen=True, slots=True)
class SlowRequest:
    """One request over the threshold; `at` in seconds since 1970."""

    at: float
    method: str
    route: str
    status: int
    seconds: float
    request_id: str


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A statement over the threshold, without its literals.

    `source`: "application" (with the line that sent it in `caller`) or "server" (seen while it ran).
    `count` is 0 when it is a later look at the same run.
    """

    at: float
    source: str
    statement: str
    caller: str
    seconds: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class SlowStatement:
    """All remembered slow runs of one statement from one line; `at` is the last of them."""

    source: str
    statement: str
    caller: str
    count: int
    seconds: float
    worst: float
    at: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value over one span that begins `at` (seconds since 1970): sum and peak of `count` samples."""

    at: int
    count: int
    total: float
    peak: float
