"""The document of what is so now, from the latest readings of every worker and probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from ..core.clock import rfc3339
from ..core.health import Level
from .latency import Latency
from .model import EVERY_REQUEST, Grade, Kept, Series, Worker
from .settings import PerformanceSettings
from .thresholds import Threshold

MOST_ROUTES = 20
_STALE_AFTER = 3  # Because a sample may come late once, and not twice.
_NO_THRESHOLDS = {"warning": None, "critical": None, "unit": None}


@dataclass(frozen=True, slots=True)
class Present:
    """What is known at `now`; `timings` were counted in the `span_seconds` before (seconds since 1970)."""

    now: float
    latest: Mapping[str, Kept]
    workers: Sequence[Worker]
    timings: Mapping[Series, Latency]
    span_seconds: float

    @property
    def host(self) -> Mapping[str, Any]:
        """The sections of the latest host sample; empty when there is none."""
        kept = self.latest.get("host")
        return kept.reading.details if kept else {}

    @property
    def external(self) -> dict[str, Kept]:
        """External services by their names."""
        return {
            name.partition(":")[2]: kept for name, kept in self.latest.items() if name.startswith("external:")
        }


def current_document(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    """cpu, memory, disk, network, process, event_loop, requests, database, external, sampled_at.

    Each has `thresholds`, `level` (ok, warning, critical, or unknown before its first sample) and
    `sampled_at`, and is `stale` when its sample is older than three intervals.
    """
    return {
        "sampled_at": rfc3339(datetime.fromtimestamp(present.now, UTC)),
        **_host(present, settings),
        "process": _process(present, settings),
        "event_loop": _event_loop(present, settings),
        "requests": _requests(present, settings),
        "database": _database(present, settings),
        "external": _external(present, settings),
    }


def is_stale(at: float | None, now: float, every_seconds: float) -> bool:
    """True when a sample taken `every_seconds` is overdue."""
    return at is None or now - at > _STALE_AFTER * every_seconds


def timing(latency: Latency, span_seconds: float) -> dict[str, Any]:
    """Count, rate and percentiles of one series."""
    return {
        "count": latency.count,
        "per_second": round(latency.count / span_seconds, 3),
        "errors": latency.errors,
        "error_rate_percent": round(latency.error_percent, 2),
        "p50_ms": milliseconds(latency.percentile(50)),
        "p95_ms": milliseconds(latency.percentile(95)),
        "p99_ms": milliseconds(latency.percentile(99)),
        "worst_ms": milliseconds(latency.worst if latency.counts else None),
    }


def routes(timings: Mapping[Series, Latency], kind: str = "http") -> list[tuple[Series, Latency]]:
    """The series of one kind, those that took most time together first."""
    found = [pair for pair in timings.items() if pair[0][0] == kind and pair[0] != EVERY_REQUEST]
    return sorted(found, key=lambda pair: (-pair[1].nanoseconds, pair[0]))


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _host(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    kept = present.latest.get("host")
    sampled = _sampled(kept.at if kept else None, present.now, settings.sample_seconds)
    cpu, memory = present.host.get("cpu", {}), present.host.get("memory", {})
    disk, network = present.host.get("disk", {}), present.host.get("network", {})
    fullest = max((max(one["percent"], one["inodes_percent"]) for one in disk.get("paths", ())), default=None)
    return {
        "cpu": {**cpu, **_graded(cpu.get("percent"), settings.cpu), **sampled},
        "memory": {**memory, **_graded(memory.get("percent"), settings.memory), **sampled},
        "disk": {**disk, "percent": fullest, **_graded(fullest, settings.disk), **sampled},
        "network": {**network, **_ungraded(present.host), **sampled},
    }


def _process(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    workers = [{**worker.process, "in_flight": worker.in_flight} for worker in present.workers]
    return {"workers": workers, **_ungraded(workers), **_sampled_by_workers(present, settings)}


def _event_loop(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    loops = [
        {"pid": worker.pid, **worker.event_loop}
        for worker in present.workers
        if worker.event_loop.get("watched")
    ]
    worst = max((loop["worst_ms"] for loop in loops), default=None)
    stalls = [loop["last_stall"] for loop in loops if loop["last_stall"]]
    return {
        "lag_ms_p95": max((loop["lag_ms_p95"] for loop in loops), default=None),
        "worst_ms": worst,
        "blocked_now": any(loop["blocked_now"] for loop in loops),
        "last_stall": max(stalls, key=lambda stall: str(stall["at"]), default=None),
        "workers": loops,
        **_graded(worst, settings.loop, "ms", 1000),
        **_sampled_by_workers(present, settings),
    }


def _requests(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    by_route = [
        {"method": method, "route": route, **timing(latency, present.span_seconds)}
        | {"level": _response_grade(latency, settings)}
        for (_, method, route), latency in routes(present.timings)
    ]
    every = present.timings.get(EVERY_REQUEST, Latency())
    failing = settings.error_rate.grade(every.error_percent) if _enough(every, settings) else Grade.OK
    worst = max([failing, *(route["level"] for route in by_route)], key=lambda grade: grade.rank)
    return {
        "window_seconds": round(present.span_seconds),
        "in_flight": sum(worker.in_flight for worker in present.workers),
        **timing(every, present.span_seconds),
        "by_route": by_route[:MOST_ROUTES],
        "routes": len(by_route),
        "thresholds": _thresholds(settings.response, "ms", 1000),
        "error_rate_thresholds": _thresholds(settings.error_rate),
        "level": worst,
        **_sampled_by_workers(present, settings),
    }


def _database(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    kept = present.latest.get("database")
    if kept is None:
        return {**_graded(None, settings.connections), **_sampled(None, present.now, 0)}
    down = kept.reading.level is Level.DOWN
    percent = kept.reading.details.get("connections", {}).get("percent")
    graded = _graded(percent, settings.connections)
    configured = kept.reading.details.get("configured", False)
    return {
        **kept.reading.details,
        "reachable": not down if configured else None,
        "reason": kept.reading.reason,
        **graded,
        "level": Grade.CRITICAL if down else settings.connections.grade(percent),
        **_sampled(kept.at, present.now, settings.database_interval_seconds),
    }


def _external(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    services = [_service(name, kept, present, settings) for name, kept in sorted(present.external.items())]
    down = any(not service["reachable"] for service in services)
    at = max((kept.at for kept in present.external.values()), default=None)
    return {
        "services": services,
        **_ungraded(services or not settings.external_services),
        **({"level": Grade.CRITICAL} if down else {}),
        **_sampled(at, present.now, settings.external_interval_seconds),
    }


def _service(name: str, kept: Kept, present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    reachable = kept.reading.level is not Level.DOWN
    return {
        "name": name,
        "reachable": reachable,
        "reason": kept.reading.reason,
        **kept.reading.details,
        "failures_in_a_row": kept.failures,
        "level": Grade.OK if reachable else Grade.CRITICAL,
        **_sampled(kept.at, present.now, settings.external_interval_seconds),
    }


def _response_grade(latency: Latency, settings: PerformanceSettings) -> Grade:
    return settings.response.grade(latency.percentile(95)) if _enough(latency, settings) else Grade.OK


def _enough(latency: Latency, settings: PerformanceSettings) -> bool:
    return latency.count >= settings.min_requests


def _graded(value: float | None, threshold: Threshold, unit: str = "%", per: float = 1) -> dict[str, Any]:
    level = "unknown" if value is None else threshold.grade(value / per)
    return {"thresholds": _thresholds(threshold, unit, per), "level": level}


def _ungraded(known: object) -> dict[str, Any]:
    return {"thresholds": _NO_THRESHOLDS, "level": Grade.OK if known else "unknown"}


def _thresholds(threshold: Threshold, unit: str = "%", per: float = 1) -> dict[str, Any]:
    limits = {"warning": threshold.warning, "critical": threshold.critical}
    return {name: limit * per if isfinite(limit) else None for name, limit in limits.items()} | {"unit": unit}


def _sampled_by_workers(present: Present, settings: PerformanceSettings) -> dict[str, Any]:
    at = max((worker.at for worker in present.workers), default=None)
    return _sampled(at, present.now, settings.sample_seconds)


def _sampled(at: float | None, now: float, every_seconds: float) -> dict[str, Any]:
    moment = None if at is None else rfc3339(datetime.fromtimestamp(at, UTC))
    return {"sampled_at": moment, "stale": is_stale(at, now, every_seconds)}
