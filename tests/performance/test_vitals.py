from __future__ import annotations

from app.core.measure import Measure, Vital
from app.performance.model import EVERY_REQUEST, Series
from app.performance.settings import PerformanceSettings
from app.performance.vitals import Observed, vitals

from .readings import answered, latency_of, loop_reading, unanswered, worker

SETTINGS = PerformanceSettings(min_requests=5)
ORDERS: Series = ("http", "GET", "/orders")


def families(observed: Observed, settings: PerformanceSettings = SETTINGS) -> dict[str, Measure]:
    return {measure.name.removeprefix("atalaia_"): measure for measure in vitals(observed, settings)}


def one(observed: Observed, name: str) -> Vital:
    (found,) = families(observed)[name].samples
    assert isinstance(found, Vital)
    return found


def test_cpu_and_memory_come_with_the_values_before() -> None:
    """A rule may ask for several in a row."""
    observed = Observed(cpu=[1, 2, 3], memory=[7])
    assert (one(observed, "cpu_percent").value, one(observed, "cpu_percent").before) == (3, [1, 2])
    assert one(observed, "memory_percent").value == 7


def test_a_disk_is_full_by_space_or_by_inodes() -> None:
    """Either runs out."""
    disk = {"path": "/", "percent": 10.0, "inodes_percent": 96.0}
    assert one(Observed(disks=[disk]), "disk_percent") == Vital(96.0, {"path": "/"})


def test_a_route_is_named_and_says_what_it_was_judged_by() -> None:
    """Its p95, and whether enough requests say so."""
    slow = one(Observed(requests={ORDERS: latency_of(*[3] * 5)}), "response_p95_seconds")
    assert (slow.labels, slow.about) == ({"method": "GET", "route": "/orders"}, "p95 of 5 requests")
    assert not slow.is_thin
    assert one(Observed(requests={ORDERS: latency_of(*[3] * 4)}), "response_p95_seconds").is_thin


def test_the_slowest_routes_come_first_and_rare_ones_last() -> None:
    """So that a host with more routes than are looked at misses none that matters."""
    requests = {
        ("http", "GET", "/rare"): latency_of(9),
        ("http", "GET", "/quick"): latency_of(*[0.1] * 5),
        ORDERS: latency_of(*[3] * 5),
    }
    found = families(Observed(requests=requests))["response_p95_seconds"].samples
    assert [sample.labels["route"] for sample in found] == ["/orders", "/quick", "/rare"]


def test_the_error_rate_is_that_of_all_requests() -> None:
    """Two of ten are 20 %; with few requests it is thin."""
    every = latency_of(*[0.1] * 10, failed=2)
    rate = one(Observed(requests={EVERY_REQUEST: every}), "error_rate_percent")
    assert (rate.value, rate.about, rate.is_thin) == (20.0, "2 of 10 requests", False)
    assert one(Observed(requests={}), "error_rate_percent").is_thin


def test_the_worst_event_loop_counts_and_names_its_line() -> None:
    """Of several workers the one that was blocked."""
    blocked = loop_reading(worst_ms=6_000, last_stall={"where": "orders.py:7 pay"})
    found = one(Observed(workers=[worker(1), worker(2, loop=blocked)]), "event_loop_blocked_seconds")
    assert (found.value, found.labels) == (6.0, {})
    assert found.notes == {"pid": "2", "where": "orders.py:7 pay"}


def test_failures_in_a_row_are_counted_until_an_answer() -> None:
    """With the reason of the last one."""
    down = one(Observed(database=unanswered(2, configured=True)), "database_failures")
    assert (down.value, down.about) == (2, "connection refused")
    well = one(Observed(database=answered(configured=True)), "database_failures")
    assert (well.value, well.about) == (0, "it answers")


def test_connections_are_known_only_when_the_database_answers() -> None:
    """A database that is down says nothing of its connections."""
    full = Observed(database=answered(configured=True, connections={"percent": 96.0}))
    assert one(full, "database_connections_percent").value == 96.0
    down = Observed(database=unanswered(2, configured=True))
    assert "database_connections_percent" not in families(down)


def test_without_a_database_its_families_are_there_and_empty() -> None:
    """So that what was raised of it is over."""
    found = families(Observed(database=answered(configured=False)))
    assert [found[f"database_{what}"].samples for what in ("failures", "connections_percent")] == [[], []]


def test_each_service_has_a_series() -> None:
    """By its name."""
    observed = Observed(external={"openai": unanswered(2), "whatsapp": answered()})
    found = families(observed)["external_failures"].samples
    assert [(sample.labels["service"], sample.value) for sample in found if isinstance(sample, Vital)] == [
        ("openai", 2),
        ("whatsapp", 0),
    ]


def test_what_is_not_known_has_no_family() -> None:
    """Before the first samples nothing is; without services there are none, which is known."""
    assert families(Observed()) == {}
    none = PerformanceSettings(external_services=())
    assert families(Observed(), none)["external_failures"].samples == []
