"""From what was observed to the state of every condition that can be an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from ..core.health import Level
from ..core.signal import Category
from .alarms import State
from .latency import Latency
from .model import EVERY_REQUEST, Grade, Kept, Series, Worker
from .settings import PerformanceSettings
from .thresholds import Threshold, Verdict, judge

_FAILURES_TO_BE_UNREACHABLE = 2

Families = dict[str, list[State]]
"""Code → states; a family is absent when nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known now; None where nothing is. `cpu` and `memory`: percents, the newest last."""

    cpu: Sequence[float] = ()
    memory: Sequence[float] = ()
    disks: Sequence[Mapping[str, Any]] | None = None
    requests: Mapping[Series, Latency] | None = None
    workers: Sequence[Worker] = ()
    database: Kept | None = None
    external: Mapping[str, Kept] = field(default_factory=dict)


def judged(observed: Observed, settings: PerformanceSettings, previous: Mapping[str, Grade]) -> Families:
    """Every condition that can be judged; `previous` holds the grades of what is raised, by key."""
    known = _Judge(previous)
    return {
        **_host(observed, settings, known),
        **_requests(observed, settings, known),
        **_event_loop(observed, settings, known),
        **_database(observed, settings, known),
        **_external(observed, settings, known),
    }


@dataclass(frozen=True, slots=True)
class _Judge:
    previous: Mapping[str, Grade]

    def value(self, key: str, values: Sequence[float], threshold: Threshold) -> Verdict:
        return judge(values, threshold, self.previous.get(key, Grade.OK))

    def answer(self, key: str, kept: Kept) -> Verdict:
        """Critical from the second failure in a row on; after the first it stays as it was."""
        if kept.reading.level is not Level.DOWN:
            return Verdict(Grade.OK, "it answers")
        if kept.failures >= _FAILURES_TO_BE_UNREACHABLE:
            return Verdict(Grade.CRITICAL, kept.reading.reason)
        return Verdict(self.previous.get(key, Grade.OK), kept.reading.reason)


def _host(observed: Observed, settings: PerformanceSettings, known: _Judge) -> Families:
    families: Families = {}
    if settings.cpu.enough(observed.cpu):
        verdict = known.value("cpu", observed.cpu, settings.cpu)
        families["cpu_high"] = [State("cpu_high", "cpu", "CPU use is high", Category.PERFORMANCE, verdict)]
    if settings.memory.enough(observed.memory):
        verdict = known.value("memory", observed.memory, settings.memory)
        families["memory_high"] = [
            State("memory_high", "memory", "Memory use is high", Category.SYSTEM, verdict)
        ]
    if observed.disks is not None:
        families["disk_high"] = [_disk(disk, settings.disk, known) for disk in observed.disks]
    return families


def _disk(disk: Mapping[str, Any], threshold: Threshold, known: _Judge) -> State:
    path, key = disk["path"], f"disk:{disk['path']}"
    verdict = known.value(key, [max(disk["percent"], disk["inodes_percent"])], threshold)
    return State("disk_high", key, f"Disk {path} is nearly full", Category.SYSTEM, verdict, {"path": path})


def _requests(observed: Observed, settings: PerformanceSettings, known: _Judge) -> Families:
    if observed.requests is None:
        return {}
    slow = [
        _route(series, latency, settings.response, known)
        for series, latency in sorted(observed.requests.items(), key=itemgetter(0))
        if series[0] == "http"
        and series != EVERY_REQUEST
        # Because a route that is raised is judged by whatever it has, until it has nothing.
        and (latency.count >= settings.min_requests or _route_key(series) in known.previous)
    ]
    every = observed.requests.get(EVERY_REQUEST, Latency())
    if every.count >= settings.min_requests or (every.count and "error_rate" in known.previous):
        found = known.value("error_rate", [every.error_percent], settings.error_rate)
        verdict = _of(f"{every.errors} of {every.count} requests", found)
    else:
        verdict = Verdict(Grade.OK, f"fewer than {settings.min_requests} requests")
    failing = State(
        "error_rate_high", "error_rate", "Many requests fail with 5xx", Category.PERFORMANCE, verdict
    )
    return {"response_time_high": slow, "error_rate_high": [failing]}


def _route(series: Series, latency: Latency, threshold: Threshold, known: _Judge) -> State:
    _, method, route = series
    key = _route_key(series)
    found = known.value(key, [latency.percentile(95) or 0.0], threshold)
    verdict = _of(f"p95 of {latency.count} requests", found)
    return State(
        "response_time_high",
        key,
        f"{method} {route} answers slowly",
        Category.PERFORMANCE,
        verdict,
        {"route": route, "method": method},
    )


def _event_loop(observed: Observed, settings: PerformanceSettings, known: _Judge) -> Families:
    watched = [worker for worker in observed.workers if worker.event_loop.get("watched")]
    if not watched:
        return {}
    worst = max(watched, key=_worst_seconds)
    found = known.value("event_loop", [_worst_seconds(worst)], settings.loop)
    stall = worst.event_loop.get("last_stall") or {"where": ""}
    verdict = _of(stall["where"], found) if stall["where"] else found
    labels = {"pid": str(worst.pid), "where": stall["where"]}
    title = "The event loop was blocked"
    return {
        "event_loop_blocked": [
            State("event_loop_blocked", "event_loop", title, Category.PERFORMANCE, verdict, labels)
        ]
    }


def _database(observed: Observed, settings: PerformanceSettings, known: _Judge) -> Families:
    kept = observed.database
    if kept is None:
        return {}
    if not kept.reading.details.get("configured"):
        return {"database_unreachable": [], "database_connections_high": []}
    code, key = "database_unreachable", "database"
    title = "The database does not answer"
    families: Families = {code: [State(code, key, title, Category.SYSTEM, known.answer(key, kept))]}
    connections = kept.reading.details.get("connections")
    if connections:
        code, key = "database_connections_high", "database_connections"
        verdict = known.value(key, [connections["percent"]], settings.connections)
        title = "Few database connections are left"
        families[code] = [State(code, key, title, Category.PERFORMANCE, verdict)]
    return families


def _external(observed: Observed, settings: PerformanceSettings, known: _Judge) -> Families:
    if settings.external_services and not observed.external:
        return {}
    states = []
    for name, kept in sorted(observed.external.items()):
        key, title = f"external:{name}", f"{name} cannot be reached"
        verdict = known.answer(key, kept)
        states.append(State("external_unreachable", key, title, Category.SYSTEM, verdict, {"service": name}))
    return {"external_unreachable": states}


def _of(what: str, verdict: Verdict) -> Verdict:
    return replace(verdict, reason=f"{what}: {verdict.reason}")


def _route_key(series: Series) -> str:
    return f"response_time:{series[1]} {series[2]}"


def _worst_seconds(worker: Worker) -> float:
    return float(worker.event_loop["worst_ms"]) / 1000
