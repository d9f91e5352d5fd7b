from __future__ import annotations

from dataclasses import replace

import pytest

from app.performance.alarms import State
from app.performance.conditions import Observed, judged
from app.performance.model import EVERY_REQUEST, Grade, Series
from app.performance.settings import PerformanceSettings

from .readings import answered, latency_of, loop_reading, unanswered, worker

SETTINGS = PerformanceSettings(min_requests=5)
ORDERS: Series = ("http", "GET", "/orders")


def state(observed: Observed, code: str, **previous: Grade) -> State:
    (found,) = judged(observed, SETTINGS, previous)[code]
    return found


@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_cpu_and_memory_take_three_samples(what: str) -> None:
    """With fewer nothing is known; with three over, it is so."""
    young = replace(Observed(), **{what: [99, 99]})
    old = replace(Observed(), **{what: [99, 99, 99]})
    assert f"{what}_high" not in judged(young, SETTINGS, {})
    assert state(old, f"{what}_high").verdict.grade is Grade.CRITICAL


def test_a_disk_is_full_by_space_or_by_inodes() -> None:
    """Either runs out."""
    disk = {"path": "/", "percent": 10.0, "inodes_percent": 96.0}
    found = state(Observed(disks=[disk]), "disk_high")
    assert (found.key, found.verdict.grade, found.labels) == ("disk:/", Grade.CRITICAL, {"path": "/"})


def test_a_slow_route_is_named() -> None:
    """Its p95 is over, and enough requests say so."""
    found = state(Observed(requests={ORDERS: latency_of(*[3] * 5)}), "response_time_high")
    assert (found.key, found.verdict.grade) == ("response_time:GET /orders", Grade.WARNING)
    assert found.labels == {"method": "GET", "route": "/orders"}


def test_a_few_slow_requests_are_no_alert() -> None:
    """Four are under the five of this test's settings."""
    families = judged(Observed(requests={ORDERS: latency_of(*[9] * 4)}), SETTINGS, {})
    assert families["response_time_high"] == []


def test_a_raised_route_is_judged_by_what_it_has() -> None:
    """One slow request keeps it raised, one quick one does not."""
    key = "response_time:GET /orders"
    for seconds, grade in ((9, Grade.CRITICAL), (0.1, Grade.OK)):
        families = judged(Observed(requests={ORDERS: latency_of(seconds)}), SETTINGS, {key: Grade.CRITICAL})
        assert [one.verdict.grade for one in families["response_time_high"]] == [grade]


def test_the_error_rate_is_that_of_all_requests() -> None:
    """Two of ten: 20 %, critical; a route by itself is not told."""
    every = latency_of(*[0.1] * 10, failed=2)
    assert state(Observed(requests={EVERY_REQUEST: every}), "error_rate_high").verdict.value == 20.0


def test_no_traffic_is_no_error() -> None:
    """An application that nobody calls at night is well."""
    found = state(Observed(requests={}), "error_rate_high", error_rate=Grade.CRITICAL)
    assert found.verdict.grade is Grade.OK


def test_the_worst_event_loop_counts_and_names_its_line() -> None:
    """Of several workers the one that was blocked."""
    blocked = loop_reading(worst_ms=6_000, last_stall={"where": "orders.py:7 pay"})
    found = state(Observed(workers=[worker(1), worker(2, loop=blocked)]), "event_loop_blocked")
    assert (found.verdict.grade, found.labels) == (Grade.CRITICAL, {"pid": "2", "where": "orders.py:7 pay"})
    assert found.verdict.reason == "orders.py:7 pay: 6 s is over 5 s"


def test_one_failure_of_the_database_is_not_yet_unreachable() -> None:
    """From the second in a row on; and between the two nothing changes."""
    for failures, grade in ((1, Grade.OK), (2, Grade.CRITICAL)):
        found = state(Observed(database=unanswered(failures, configured=True)), "database_unreachable")
        assert found.verdict.grade is grade
    held = state(
        Observed(database=unanswered(1, configured=True)), "database_unreachable", database=Grade.CRITICAL
    )
    assert held.verdict.grade is Grade.CRITICAL


def test_connections_are_judged_only_when_the_database_answers() -> None:
    """A database that is down says nothing of its connections."""
    full = Observed(database=answered(configured=True, connections={"percent": 96.0}))
    assert state(full, "database_connections_high").verdict.grade is Grade.CRITICAL
    down = Observed(database=unanswered(2, configured=True))
    assert "database_connections_high" not in judged(down, SETTINGS, {})


def test_without_a_database_nothing_of_it_can_be_raised() -> None:
    """The families are there and empty, so that what was raised is cleared."""
    families = judged(Observed(database=answered(configured=False)), SETTINGS, {})
    assert families["database_unreachable"] == families["database_connections_high"] == []


def test_an_external_service_is_unreachable_by_its_name() -> None:
    """Each has its own alert, with the reason of the last failure."""
    observed = Observed(external={"openai": unanswered(2), "whatsapp": answered()})
    down, well = judged(observed, SETTINGS, {})["external_unreachable"]
    assert (down.key, down.verdict.grade, down.verdict.reason) == (
        "external:openai",
        Grade.CRITICAL,
        "connection refused",
    )
    assert (well.key, well.verdict.grade) == ("external:whatsapp", Grade.OK)


def test_what_is_not_known_is_not_judged() -> None:
    """Before the first samples there is no family at all, so nothing raised is cleared by ignorance."""
    assert judged(Observed(), SETTINGS, {}) == {}
