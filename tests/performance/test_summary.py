from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.performance.model import Gauge, SlowRequest, SlowStatement
from app.performance.summary import MOST_POINTS, History, span_of, summary_document

from .readings import latency_of

NOW = 1_763_899_230.0  # 30 s past a full minute


def history(**known: Any) -> History:
    return History(
        **{"every": [], "gauges": {}, "timings": {}, "slow_requests": [], "slow_queries": []} | known
    )


def document(hours: float, **known: Any) -> dict[str, Any]:
    found = summary_document(history(**known), span_of(hours, NOW), hours, NOW)
    return dict(json.loads(json.dumps(found)))


@given(st.floats(1e-6, 9_600), st.floats(1e9, 2e9))
def test_a_span_has_at_most_sixty_points_and_holds_what_was_asked_for(hours: float, now: float) -> None:
    """The last point holds now, the first the beginning of the hours, or the minute it lies in."""
    span = span_of(hours, now)
    end = span.begin + span.points * span.step
    assert 1 <= span.points <= MOST_POINTS
    assert span.begin <= now - hours * 3_600 + span.width
    assert now <= end <= now + span.width
    assert span.step % span.width == 0


@pytest.mark.parametrize(
    ("hours", "step", "width"), [(1, 60, 60), (24, 1_440, 60), (48, 2_880, 60), (720, 43_200, 3_600)]
)
def test_long_spans_are_made_from_hours(hours: float, step: int, width: int) -> None:
    """Because minutes are kept for two days."""
    span = span_of(hours, NOW)
    assert (span.step, span.width) == (step, width)


def test_a_trend_has_a_point_for_every_step() -> None:
    """Gaps are told as such, and not as zero percent."""
    minute = int(NOW) - int(NOW) % 60
    found = document(
        1,
        every=[(minute, latency_of(0.5, 0.5, failed=1))],
        gauges={"cpu": [Gauge(minute, 2, 60.0, 40.0)]},
    )
    assert len(found["trends"]) == 60
    last, before = found["trends"][-1], found["trends"][-2]
    assert (last["requests"], last["error_rate_percent"], last["cpu_percent"]) == (2, 50.0, 30.0)
    assert last["p95_ms"] == pytest.approx(500, rel=0.016)
    assert (before["requests"], before["p95_ms"], before["cpu_percent"]) == (0, None, None)


def test_a_step_adds_up_its_minutes() -> None:
    """24 minutes a point: counts are added, and means are weighted by their samples."""
    span = span_of(24, NOW)
    minutes = [span.begin + 60 * number for number in range(3)]
    gauges = [Gauge(minutes[0], 1, 10.0, 10.0), Gauge(minutes[1], 3, 90.0, 50.0)]
    found = document(24, every=[(at, latency_of(0.1)) for at in minutes], gauges={"cpu": gauges})
    assert (found["trends"][0]["requests"], found["trends"][0]["cpu_percent"]) == (3, 25.0)
    assert found["peaks"]["cpu"] == 50.0


def test_availability_is_the_share_of_answered_checks() -> None:
    """Three of four; latency only of those that answered."""
    gauges = {
        "external:openai": [Gauge(0, 4, 3.0, 1.0)],
        "external:openai:latency_ms": [Gauge(0, 3, 30.0, 12.0)],
        "cpu": [Gauge(0, 1, 1.0, 1.0)],
    }
    assert document(1, gauges=gauges)["external"] == [
        {"name": "openai", "checks": 4, "availability_percent": 75.0, "latency_ms": 10.0}
    ]


def test_routes_and_statements_have_percentiles_of_their_own() -> None:
    """Requests by route, SQL by operation."""
    timings = {("http", "GET", "/a"): latency_of(1.0), ("sql", "SELECT", ""): latency_of(0.25)}
    found = document(1, timings=timings)
    (route,), (query,) = found["routes"], found["queries"]
    assert (route["route"], query["operation"]) == ("/a", "SELECT")
    assert (route["p99_ms"], query["p50_ms"]) == pytest.approx((1_000, 250), rel=0.016)


def test_what_was_slow_is_listed() -> None:
    """Requests with their id, statements with the line that sent them."""
    found = document(
        1,
        slow_requests=[SlowRequest(NOW, "GET", "/a", 200, 2.5, "r1")],
        slow_queries=[SlowStatement("application", "select ?", "orders.py:7 pay", 2, 3.0, 2.0, NOW)],
    )
    assert found["slow_requests"][0]["request_id"] == "r1"
    assert found["slow_queries"][0]["caller"] == "orders.py:7 pay"
    assert found["slow_queries"][0]["last_at"].endswith("Z")
