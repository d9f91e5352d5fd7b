"""How every rule stands: what the worker that evaluates them writes down, and every worker shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ...core.files import write_whole
from ...core.guard import guard
from ...core.signal import Severity
from .phases import Instance
from .readings import Series
from .said import severity_of
from .watches import Watch

STANDING = "rules_now.json"
"""The file beside the memory of the rules."""
_MOST_SHOWN = 50
INACTIVE, NO_DATA, ERROR = "inactive", "no data", "error"
_WORST_FIRST = ("firing", "recovering", "pending", INACTIVE)


@dataclass(slots=True)
class Watched:
    """A watch, its conditions that are not inactive, and the last values of each series.

    `state` (since `since`, seconds since 1970): the worst of its series, no data, or error.
    """

    watch: Watch
    instances: dict[Series, Instance]
    recent: dict[Series, deque[float]] = field(default_factory=dict)
    state: str = ""
    since: float = 0.0

    def enter(self, state: str, now: float) -> None:
        """Stand so since now, unless it did already."""
        if state != self.state:
            self.state, self.since = state, now

    def worst(self) -> str:
        """The worst state of the series; `no data` where there is none."""
        if not self.recent and not self.instances:
            return NO_DATA
        phases = {instance.phase.value for instance in self.instances.values()}
        return next((state for state in _WORST_FIRST if state in phases), INACTIVE)


class SeriesStanding(msgspec.Struct, frozen=True):
    """One condition; `since` (seconds since 1970) None while it is inactive."""

    labels: dict[str, str]
    state: str
    value: float | None
    threshold: float
    severity: Severity
    since: float | None


class WatchStanding(msgspec.Struct, frozen=True):
    """A watch: its state, since when, and its series, the worst first, of `total` in all."""

    rule: str
    state: str
    since: float
    series: list[SeriesStanding]
    total: int


class Round(msgspec.Struct, frozen=True):
    """One evaluation: when it was (seconds since 1970), how long it took, and how all stood after it."""

    at: float
    seconds: float
    pid: int
    watches: dict[str, WatchStanding]


def write_round(path: Path, at: float, seconds: float, pid: int, watched: Iterable[Watched]) -> None:
    """For all workers to read; OSError. It is not worth an fsync: the next one comes in seconds."""
    now = Round(at, seconds, pid, {one.watch.key: _standing(one) for one in watched})
    write_whole(path, msgspec.json.encode(now), durable=False)


def read_round(path: Path) -> Round | None:
    """The last evaluation of this host; None before the first."""
    with guard("alerts.rules.standing"):
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=Round)
    return None


def _standing(watched: Watched) -> WatchStanding:
    known: Mapping[Series, object] = {**watched.instances, **watched.recent}
    series = [_series(watched, labels) for labels in known]
    series.sort(key=lambda one: _WORST_FIRST.index(one.state))
    return WatchStanding(
        watched.watch.rule.name, watched.state, watched.since, series[:_MOST_SHOWN], len(series)
    )


def _series(watched: Watched, labels: Series) -> SeriesStanding:
    rule, instance, recent = watched.watch.rule, watched.instances.get(labels), watched.recent.get(labels)
    if instance is None:
        value = recent[-1] if recent else None
        return SeriesStanding(dict(labels), INACTIVE, value, rule.value, rule.severity, None)
    return SeriesStanding(
        dict(labels),
        instance.phase.value,
        instance.value,
        rule.threshold(critical=instance.is_critical),
        severity_of(rule, instance),
        instance.active_at,
    )
