"""How much counters grew within a span: their values of the past, thinned."""

from __future__ import annotations

from collections.abc import Mapping

from .model import MetricRule
from .readings import Point, Series, increase

POINTS = 120
"""As many parts of a span are told apart; more would only make the state larger."""
_WHOLE = 0.98


class Growth:
    """The points of every series that a rule with `increase_over` compares, by rule and series."""

    def __init__(self) -> None:
        self.points: dict[str, dict[Series, list[Point]]] = {}

    def of(self, rule: MetricRule, found: Mapping[Series, float], now: float) -> dict[Series, float]:
        """The increase of each series within the rule's span.

        A series that is not known for the whole span yet counts where the increase is compared with
        something smaller, because it can only grow, and is no data otherwise.
        """
        span = rule.increase_over or 0.0
        before = self.points.get(rule.name, {})
        self.points[rule.name] = now_known = {
            series: _with(before.get(series, []), (now, value), span) for series, value in found.items()
        }
        return {
            series: increase(points)
            for series, points in now_known.items()
            if rule.operator in (">", ">=") or now - points[0][0] >= span * _WHOLE
        }


def _with(points: list[Point], point: Point, span: float) -> list[Point]:
    """The points of the last `span` seconds, with the newest in place of one that is as good as it."""
    now, _ = point
    kept = [one for one in points if now - span <= one[0] < now]
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < span / POINTS and point[1] >= kept[-1][1] >= kept[-2][1]:
        kept.pop()
    return [*kept, point]
