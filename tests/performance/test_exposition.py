from __future__ import annotations

from app.core.measure import HistogramSample, Measure, Sample
from app.performance.current import Present
from app.performance.exposition import measures
from app.performance.latency import OTEL_BOUNDS
from app.performance.model import EVERY_REQUEST

from .readings import answered, host_details, latency_of, unanswered, worker

LATEST = {
    "host": answered(**host_details(cpu=25.0)),
    "database": answered(
        configured=True, connections={"used": 3, "max": 50}, latency_ms=2.0, size_bytes=1_000
    ),
    "external:openai": unanswered(2),
    "external:whatsapp": answered(latency_ms=40.0),
}
TOTALS = {
    ("http", "GET", "/a"): latency_of(0.005, 0.3, failed=1),
    EVERY_REQUEST: latency_of(0.005, 0.3),
    ("sql", "SELECT", ""): latency_of(0.1),
}


def families() -> dict[str, Measure]:
    present = Present(0.0, LATEST, [worker(7, in_flight=2)], {}, 300)
    return {measure.name: measure for measure in measures(present, TOTALS)}


def value(measure: Measure, **labels: str) -> float:
    (found,) = [one for one in measure.samples if isinstance(one, Sample) and one.labels == labels]
    return found.value


def test_durations_are_opentelemetrys_histogram() -> None:
    """14 bounds and +Inf, cumulative, one series a route and none for all together."""
    measure = families()["http_server_request_duration_seconds"]
    (sample,) = measure.samples
    assert isinstance(sample, HistogramSample)
    assert [bound for bound, _ in sample.buckets] == [*OTEL_BOUNDS, float("inf")]
    assert [count for _, count in sample.buckets] == [1] * 7 + [2] * 8
    assert sample.labels == {"http_request_method": "GET", "http_route": "/a"}
    assert sample.sum == 0.305


def test_ratios_are_ratios() -> None:
    """25 % is 0.25."""
    assert value(families()["system_cpu_utilization_ratio"]) == 0.25


def test_workers_are_told_apart_by_process_id() -> None:
    """Memory is each worker's own, requests in flight are all workers'."""
    found = families()
    assert value(found["process_memory_usage_bytes"], process_pid="7") == 1_000
    assert value(found["http_server_active_requests"]) == 2


def test_what_is_watched_is_up_or_not() -> None:
    """1 for what answers, 0 for what does not."""
    found = families()
    assert value(found["atalaia_database_up"]) == 1
    assert value(found["atalaia_external_up"], service="openai") == 0
    assert value(found["atalaia_external_up"], service="whatsapp") == 1


def test_families_without_a_sample_are_left_out() -> None:
    """Before the first samples only the number of requests in flight is known."""
    assert [measure.name for measure in measures(Present(0.0, {}, [], {}, 300), {})] == [
        "http_server_active_requests"
    ]
