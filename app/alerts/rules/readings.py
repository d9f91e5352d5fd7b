"""From what is measured to the values that rules compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from statistics import median
from typing import TypeAlias
from zoneinfo import ZoneInfo

from ...core.measure import HistogramSample, Measure, Sample
from .model import Anomaly, Burn, MetricRule, Objective

Series: TypeAlias = tuple[tuple[str, str], ...]
"""The labels of one series, sorted by name."""
Point: TypeAlias = tuple[float, float]
"""When (seconds since 1970), and the value."""

Requests: TypeAlias = Callable[[float, float | None], tuple[int, int]]
"""(seconds, under) → how many requests there were in the last so many seconds, and how many were bad.

Bad is answered with 5xx or, where `under` is given, slower than so many seconds.
"""
Events: TypeAlias = Callable[[str, datetime, datetime], float]
"""(name, begin, end) → how many business events of a name lie in a span."""

WEEKS = 4


def series_of(labels: Mapping[str, str]) -> Series:
    """Labels as what they are compared by."""
    return tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the values of objectives and anomalies come from."""

    requests: Requests
    events: Events


def samples(measures: Iterable[Measure], rule: MetricRule) -> dict[Series, Sample]:
    """The series of a metric that the rule's `match` fits; texts there may hold * and ?.

    A counter has the name it is exposed with (…_total), a histogram its …_count and …_sum.
    """
    return {
        series_of(sample.labels): sample
        for name, sample in _exposed(measures)
        if name == rule.metric and _fits(sample.labels, rule.match)
    }


def is_measured(measures: Iterable[Measure], metric: str) -> bool:
    """Whether a gauge is there, be it without any series."""
    return any(measure.name == metric for measure in measures)


def increase(points: Sequence[Point]) -> float:
    """How much a counter grew over its points, oldest first; one that fell began again at 0."""
    return sum(after - before if after >= before else after for (_, before), (_, after) in pairwise(points))


def burn(requests: Requests, goal: Objective, at: Burn) -> float | None:
    """How many times faster than it may the error budget burns, in both windows; None with few requests."""
    rates = []
    for seconds in (at.long_seconds, at.short_seconds):
        total, bad = requests(seconds, goal.under_seconds)
        if total < goal.min_requests:
            return None
        rates.append(bad / total / (1 - goal.target / 100))
    return min(rates)


def unlike(events: Events, rule: Anomaly, now: datetime, zone: ZoneInfo) -> float | None:
    """The last whole hour, in times of what is usual then; None where that is too little to judge.

    Usual is the median of the hours that began at the same time by the local clock.
    """
    hour = timedelta(hours=1)
    local = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    begins = [(local - timedelta(weeks=week)).astimezone(UTC) - hour for week in range(WEEKS + 1)]
    latest, *before = [events(rule.event, begin, begin + hour) for begin in begins]
    usual = median(before)
    return latest / usual if usual >= rule.min_usual else None


def _exposed(measures: Iterable[Measure]) -> Iterator[tuple[str, Sample]]:
    for measure in measures:
        for sample in measure.samples:
            if isinstance(sample, HistogramSample):
                yield f"{measure.name}_sum", Sample(sample.sum, sample.labels)
                yield f"{measure.name}_count", Sample(float(sample.buckets[-1][1]), sample.labels)
            else:
                total = measure.kind == "counter" and not measure.name.endswith("_total")
                yield f"{measure.name}_total" if total else measure.name, sample


def _fits(labels: Mapping[str, str], match: Mapping[str, str]) -> bool:
    return all(fnmatchcase(labels.get(name, ""), wanted) for name, wanted in match.items())
