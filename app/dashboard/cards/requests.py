"""Requests: how many, how many fail, how long they take, and which routes take most of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import figures
from ..markup import Markup
from ..parts import Frame, card, empty, facts, grade, table

NAME = "requests"

_MOST_ROUTES = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """One route, or all of them together with an empty name; milliseconds and percent."""

    name: str
    level: str
    count: int
    per_second: float
    error_percent: float
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class View:
    """The last minutes."""

    window_seconds: int
    in_flight: int
    every: Timing
    routes: Sequence[Timing]


def view(document: Mapping[str, Any]) -> View:
    """From the requests of GET /production/performance/current."""
    requests = document["requests"]
    return View(
        window_seconds=requests["window_seconds"],
        in_flight=requests["in_flight"],
        every=_timing("", requests),
        routes=[
            _timing(f"{one['method']} {one['route']}", one) for one in requests["by_route"][:_MOST_ROUTES]
        ],
    )


def markup(shown: View, frame: Frame) -> Markup:
    words, every = frame.words, shown.every
    if not every.count:
        return card(NAME, frame, empty(words.no_requests))
    shares = facts(
        [
            (words.level, grade(every.level, words)),
            (words.per_second, figures.number(every.per_second, words, 1)),
            (words.errors, figures.percent(every.error_percent, words)),
            ("p50", figures.milliseconds(every.p50, words)),
            ("p95", figures.milliseconds(every.p95, words)),
            ("p99", figures.milliseconds(every.p99, words)),
            (words.in_flight, figures.number(shown.in_flight, words)),
        ]
    )
    heads = (words.route, words.count, words.errors, "p95", words.level)
    rows = [
        (
            route.name,
            figures.number(route.count, words),
            figures.percent(route.error_percent, words),
            figures.milliseconds(route.p95, words),
            grade(route.level, words),
        )
        for route in shown.routes
    ]
    return card(NAME, frame, shares, table(words.slowest_routes, heads, rows))


def _timing(name: str, of: Mapping[str, Any]) -> Timing:
    return Timing(
        name=name,
        level=of["level"],
        count=of["count"],
        per_second=of["per_second"],
        error_percent=of["error_rate_percent"],
        p50=of["p50_ms"],
        p95=of["p95_ms"],
        p99=of["p99_ms"],
    )
