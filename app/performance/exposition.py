"""Everything measured as Measures, named as OpenTelemetry names it where it has a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ..core.health import Level
from ..core.measure import HistogramSample, Measure, Sample
from .current import Present, routes
from .latency import OTEL_BOUNDS, Latency
from .model import Series

_Kind = Literal["counter", "gauge"]


def measures(present: Present, totals: Mapping[Series, Latency]) -> list[Measure]:
    """The families that have a sample; `totals` counts since the beginning, over all workers."""
    families = [
        *_durations(totals),
        *_host(present.host),
        *_workers(present),
        *_database(present),
        *_external(present),
    ]
    return [family for family in families if family.samples]


def _durations(totals: Mapping[Series, Latency]) -> Iterator[Measure]:
    yield Measure(
        "http_server_request_duration_seconds",
        "histogram",
        "Duration of HTTP requests",
        [
            _histogram(latency, {"http_request_method": method, "http_route": route})
            for (_, method, route), latency in routes(totals)
        ],
    )
    yield Measure(
        "atalaia_http_server_errors",
        "counter",
        "HTTP requests answered with 5xx",
        [
            Sample(latency.errors, {"http_request_method": method, "http_route": route})
            for (_, method, route), latency in routes(totals)
        ],
    )
    yield Measure(
        "db_client_operation_duration_seconds",
        "histogram",
        "Duration of the SQL statements that the application sends",
        [
            _histogram(latency, {"db_operation_name": operation})
            for (_, operation, _), latency in routes(totals, "sql")
        ],
    )


def _host(host: Mapping[str, Any]) -> Iterator[Measure]:
    if not host:
        return
    cpu, memory, network = host["cpu"], host["memory"], host["network"]
    yield _one("system_cpu_utilization_ratio", "CPU in use, of what is allowed", cpu["percent"] / 100)
    yield _one("system_memory_utilization_ratio", "Memory in use", memory["percent"] / 100)
    yield _one("system_memory_usage_bytes", "Memory in use", memory["used_bytes"])
    yield _one("system_memory_limit_bytes", "Memory there is, or is allowed", memory["total_bytes"])
    yield Measure(
        "system_filesystem_utilization_ratio",
        "gauge",
        "Space in use",
        [
            Sample(disk["percent"] / 100, {"system_filesystem_mountpoint": disk["path"]})
            for disk in host["disk"]["paths"]
        ],
    )
    yield Measure(
        "system_network_io_bytes",
        "counter",
        "Bytes through all network cards since the host began",
        [
            Sample(network["received_bytes"], {"network_io_direction": "receive"}),
            Sample(network["sent_bytes"], {"network_io_direction": "transmit"}),
        ],
    )


def _workers(present: Present) -> Iterator[Measure]:
    in_flight = sum(worker.in_flight for worker in present.workers)
    yield _one("http_server_active_requests", "HTTP requests in flight", in_flight)
    told: Sequence[tuple[str, _Kind, str, str]] = (
        ("process_memory_usage_bytes", "gauge", "Resident memory", "rss_bytes"),
        ("process_cpu_time_seconds", "counter", "CPU time", "cpu_seconds"),
        ("process_thread_count", "gauge", "Threads", "threads"),
        ("process_unix_file_descriptor_count", "gauge", "Open files", "open_files"),
        ("process_uptime_seconds", "gauge", "Time since the worker began", "uptime_seconds"),
    )
    for name, kind, said, field in told:
        values = [(worker.process.get(field), worker.pid) for worker in present.workers]
        samples = [Sample(value, {"process_pid": str(pid)}) for value, pid in values if value is not None]
        yield Measure(name, kind, said, samples)
    loops = [worker for worker in present.workers if worker.event_loop.get("watched")]
    for name, said, field in (
        ("atalaia_event_loop_lag_p95_seconds", "Lateness of the event loop, last minute", "lag_ms_p95"),
        ("atalaia_event_loop_lag_worst_seconds", "Worst lateness in the last minute", "worst_ms"),
    ):
        samples = [Sample(loop.event_loop[field] / 1000, {"process_pid": str(loop.pid)}) for loop in loops]
        yield Measure(name, "gauge", said, samples)


def _database(present: Present) -> Iterator[Measure]:
    kept = present.latest.get("database")
    if kept is None or not kept.reading.details.get("configured"):
        return
    details = kept.reading.details
    yield _one(
        "atalaia_database_up", "1 when the database answers", float(kept.reading.level is not Level.DOWN)
    )
    if "connections" in details:
        connections = details["connections"]
        yield _one("atalaia_database_connections", "Connections in use", connections["used"])
        yield _one("atalaia_database_connections_limit", "Connections there can be", connections["max"])
        yield _one("atalaia_database_latency_seconds", "Time of select 1", details["latency_ms"] / 1000)
        yield _one("atalaia_database_size_bytes", "Size of the database", details["size_bytes"])


def _external(present: Present) -> Iterator[Measure]:
    services = sorted(present.external.items())
    yield Measure(
        "atalaia_external_up",
        "gauge",
        "1 when the service can be reached",
        [Sample(float(kept.reading.level is not Level.DOWN), {"service": name}) for name, kept in services],
    )
    yield Measure(
        "atalaia_external_latency_seconds",
        "gauge",
        "Time to the head of the answer",
        [
            Sample(kept.reading.details["latency_ms"] / 1000, {"service": name})
            for name, kept in services
            if "latency_ms" in kept.reading.details
        ],
    )


def _histogram(latency: Latency, labels: Mapping[str, str]) -> HistogramSample:
    below = [(bound, latency.at_most(bound)) for bound in OTEL_BOUNDS]
    return HistogramSample([*below, (float("inf"), latency.count)], latency.seconds, labels)


def _one(name: str, said: str, value: float) -> Measure:
    return Measure(name, "gauge", said, [Sample(value)])
