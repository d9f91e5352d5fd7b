from __future__ import annotations

import json
from typing import Any

import pytest

from app.performance.current import MOST_ROUTES, Present, current_document
from app.performance.latency import Latency
from app.performance.model import EVERY_REQUEST, Kept, Reading, Series
from app.performance.settings import PerformanceSettings

from .readings import answered, host_details, latency_of, loop_reading, unanswered, worker

NOW = 1_000_000.0
SETTINGS = PerformanceSettings()
SECTIONS = {
    "cpu",
    "memory",
    "disk",
    "network",
    "process",
    "event_loop",
    "requests",
    "database",
    "external",
}


def present(
    latest: dict[str, Kept] | None = None,
    timings: dict[Series, Latency] | None = None,
    loop: dict[str, Any] | None = None,
) -> Present:
    workers = [worker(1, NOW, loop_reading(5.0), 2), worker(2, NOW, loop or loop_reading(), 1)]
    return Present(NOW, latest or {}, workers, timings or {}, span_seconds=300)


def document(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """As a client gets it."""
    found: dict[str, Any] = json.loads(json.dumps(current_document(present(*args, **kwargs), SETTINGS)))
    return found


def test_every_section_has_thresholds_and_a_level() -> None:
    """Also when nothing was sampled yet."""
    found = document()
    assert found.keys() == SECTIONS | {"sampled_at"}
    for section in SECTIONS:
        assert {"thresholds", "level", "sampled_at", "stale"} <= found[section].keys()
        assert {"warning", "critical"} <= found[section]["thresholds"].keys()


def test_what_was_never_sampled_is_unknown_and_stale() -> None:
    """It does not pretend to be well."""
    found = document()
    assert (found["cpu"]["level"], found["cpu"]["stale"], found["cpu"]["sampled_at"]) == (
        "unknown",
        True,
        None,
    )
    assert found["database"]["level"] == found["external"]["level"] == "unknown"


def test_old_samples_say_that_they_are_stale() -> None:
    """After three intervals of five seconds."""
    fresh, old = (
        Kept(Reading(details=host_details()), NOW - 15),
        Kept(Reading(details=host_details()), NOW - 16),
    )
    assert document({"host": fresh})["cpu"]["stale"] is False
    assert document({"host": old})["cpu"]["stale"] is True


def test_levels_follow_the_thresholds() -> None:
    """Over 80 % CPU is a warning, over 95 % of a disk critical."""
    found = document({"host": answered(NOW, **host_details(cpu=81, disk=96))})
    assert (found["cpu"]["level"], found["memory"]["level"], found["disk"]["level"]) == (
        "warning",
        "ok",
        "critical",
    )
    assert found["disk"]["percent"] == 96


def test_requests_are_told_for_all_workers() -> None:
    """In flight together, and each route with its percentiles."""
    quick, slow = latency_of(*[0.1] * 20), latency_of(*[3.0] * 20, failed=1)
    timings = {("http", "GET", "/a"): quick, ("http", "GET", "/b"): slow, EVERY_REQUEST: slow}
    found = document(timings=timings)["requests"]
    assert (found["in_flight"], found["routes"], found["level"]) == (3, 2, "warning")
    assert [route["route"] for route in found["by_route"]] == ["/b", "/a"]
    assert found["by_route"][0]["p95_ms"] == pytest.approx(3_000, rel=0.016)
    assert (found["count"], found["error_rate_percent"]) == (20, 5.0)


def test_only_the_routes_that_matter_are_listed() -> None:
    """Those that took most time, at most twenty; the number of all is told."""
    timings = {("http", "GET", f"/{n}"): latency_of(n) for n in range(1, 101)}
    found = document(timings=timings)["requests"]
    assert len(found["by_route"]) == MOST_ROUTES
    assert found["by_route"][0]["route"] == "/100"
    assert found["routes"] == 100


def test_the_event_loop_is_the_worst_of_all_workers() -> None:
    """With the last stall of any."""
    stall = {"at": "2026-11-23T12:00:00Z", "seconds": 1.5, "where": "orders.py:7 pay", "stack": []}
    found = document(loop=loop_reading(1_500, blocked_now=True, last_stall=stall))["event_loop"]
    assert (found["worst_ms"], found["blocked_now"], found["level"]) == (1_500, True, "warning")
    assert found["last_stall"] == stall


def test_a_database_that_is_down_is_critical_with_its_reason() -> None:
    """And one that was not asked for is well."""
    down = document({"database": unanswered(1, NOW, configured=True)})["database"]
    assert (down["reachable"], down["level"], down["reason"]) == (False, "critical", "connection refused")
    none = document({"database": answered(NOW, configured=False)})["database"]
    assert (none["reachable"], none["level"]) == (None, "ok")


def test_external_services_are_listed_with_their_reasons() -> None:
    """The section's level is that of the worst."""
    latest = {"external:b": unanswered(3, NOW), "external:a": answered(NOW, latency_ms=7.0)}
    found = document(latest)["external"]
    assert [(one["name"], one["reachable"], one["failures_in_a_row"]) for one in found["services"]] == [
        ("a", True, 0),
        ("b", False, 3),
    ]
    assert found["level"] == "critical"
