"""The document of how it was: trends of at most 60 points, percentiles per route, what was slow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from ..core.clock import rfc3339
from .current import milliseconds, routes, timing
from .latency import Latency, merged
from .model import Gauge, Series, SlowRequest, SlowStatement

MOST_POINTS = 60
MOST_ROUTES = 50
_MINUTE, _HOUR = 60, 3_600
_HOURS_OF_MINUTES = 48
_HOURS_OF_EXACT_ROUTES = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A time cut into `points` steps, the last of which holds now; seconds since 1970.

    `width` says from which rows a trend is made, `routes_width` from which percentiles per route.
    """

    begin: int
    step: int
    points: int
    width: int
    routes_width: int

    @property
    def routes_begin(self) -> int:
        """Where the first of the rows of `routes_width` begins."""
        return self.begin - self.begin % self.routes_width


@dataclass(frozen=True, slots=True)
class History:
    """What was kept of a span."""

    every: Sequence[tuple[int, Latency]]
    gauges: Mapping[str, Sequence[Gauge]]
    timings: Mapping[Series, Latency]
    slow_requests: Sequence[SlowRequest]
    slow_queries: Sequence[SlowStatement]


def span_of(hours: float, now: float) -> Span:
    """The span of the last `hours`: from minute rows up to two days, from hour rows beyond."""
    width = _MINUTE if hours <= _HOURS_OF_MINUTES else _HOUR
    seconds = max(hours * 3_600, width)
    step = ceil(seconds / MOST_POINTS / width) * width
    points = ceil(seconds / step)
    end = int(now) - int(now) % width + width
    routes_width = _MINUTE if hours <= _HOURS_OF_EXACT_ROUTES else _HOUR
    return Span(end - points * step, step, points, width, routes_width)


def summary_document(history: History, span: Span, hours: float, now: float) -> dict[str, Any]:
    """hours, from, to, trends, requests, routes, queries, slow_requests, slow_queries, external, peaks."""
    covered = now - span.routes_begin
    by_route = routes(history.timings)
    return {
        "hours": hours,
        "from": _moment(span.begin),
        "to": _moment(now),
        "step_seconds": span.step,
        "trends": _trends(history, span),
        "peaks": _peaks(history.gauges),
        "requests": timing(merged(latency for _, latency in history.every), now - span.begin),
        "routes_from": _moment(span.routes_begin),
        "routes": [
            {"method": method, "route": route, **timing(latency, covered)}
            for (_, method, route), latency in by_route[:MOST_ROUTES]
        ],
        "queries": [
            {"operation": operation, **timing(latency, covered)}
            for (_, operation, _), latency in routes(history.timings, "sql")
        ],
        "slow_requests": [_slow_request(one) for one in history.slow_requests],
        "slow_queries": [_slow_query(one) for one in history.slow_queries],
        "external": _external(history.gauges),
    }


def _trends(history: History, span: Span) -> list[dict[str, Any]]:
    requests = _by_step(history.every, span)
    means = {name: _means(history.gauges.get(name, ()), span) for name in ("cpu", "memory")}
    points = []
    for number in range(span.points):
        latency = merged(requests.get(number, ()))
        points.append(
            {
                "at": _moment(span.begin + number * span.step),
                "cpu_percent": means["cpu"].get(number),
                "memory_percent": means["memory"].get(number),
                "requests": latency.count,
                "p95_ms": milliseconds(latency.percentile(95)),
                "error_rate_percent": round(latency.error_percent, 2) if latency.counts else None,
            }
        )
    return points


def _by_step(rows: Iterable[tuple[int, Latency]], span: Span) -> dict[int, list[Latency]]:
    found: dict[int, list[Latency]] = {}
    for at, latency in rows:
        found.setdefault((at - span.begin) // span.step, []).append(latency)
    return found


def _means(gauges: Iterable[Gauge], span: Span) -> dict[int, float]:
    found: dict[int, list[Gauge]] = {}
    for gauge in gauges:
        found.setdefault((gauge.at - span.begin) // span.step, []).append(gauge)
    return {number: round(_mean(several), 1) for number, several in found.items()}


def _mean(gauges: Sequence[Gauge]) -> float:
    return sum(gauge.total for gauge in gauges) / sum(gauge.count for gauge in gauges)


def _peaks(gauges: Mapping[str, Sequence[Gauge]]) -> dict[str, float]:
    """The highest value of each gauge but the external services'."""
    return {
        name: max(gauge.peak for gauge in several)
        for name, several in gauges.items()
        if not name.startswith("external:")
    }


def _external(gauges: Mapping[str, Sequence[Gauge]]) -> list[dict[str, Any]]:
    """Availability as the share of checks that were answered."""
    found = []
    for name, several in gauges.items():
        kind, _, service = name.partition(":")
        if kind == "external" and not service.endswith(":latency_ms"):
            latency = gauges.get(f"{name}:latency_ms", ())
            found.append(
                {
                    "name": service,
                    "checks": sum(gauge.count for gauge in several),
                    "availability_percent": round(100 * _mean(several), 2),
                    "latency_ms": round(_mean(latency), 1) if latency else None,
                }
            )
    return found


def _slow_request(slow: SlowRequest) -> dict[str, Any]:
    return {**asdict(slow), "at": _moment(slow.at), "seconds": round(slow.seconds, 3)}


def _slow_query(slow: SlowStatement) -> dict[str, Any]:
    known = {"seconds": round(slow.seconds, 3), "worst_seconds": round(slow.worst, 3)}
    told = ("source", "statement", "caller", "count")
    return {**{name: getattr(slow, name) for name in told}, **known, "last_at": _moment(slow.at)}


def _moment(at: float) -> str:
    return rfc3339(datetime.fromtimestamp(at, UTC))
