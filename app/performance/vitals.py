"""From what was observed to the values that alert rules are held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.health import Level
from ..core.measure import Measure, Vital
from .current import routes
from .latency import Latency
from .model import EVERY_REQUEST, Kept, Series, Worker
from .settings import PerformanceSettings


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


def vitals(observed: Observed, settings: PerformanceSettings) -> Iterator[Measure]:
    """A family for each thing that is known; one without a sample says that there is none of it."""
    yield from _host(observed)
    if observed.requests is not None:
        yield from _requests(observed.requests, settings.min_requests)
    yield from _event_loop(observed.workers)
    if observed.database is not None:
        yield from _database(observed.database)
    if observed.external or not settings.external_services:
        yield _external(observed.external)


def _host(observed: Observed) -> Iterator[Measure]:
    for what, said, percents in (("cpu", "CPU", observed.cpu), ("memory", "Memory", observed.memory)):
        if percents:
            sample = Vital(percents[-1], before=percents[:-1])
            yield _family(f"{what}_percent", f"{said} in use", [sample])
    if observed.disks is not None:
        said = "Space or inodes in use, whichever is scarcer"
        yield _family("disk_percent", said, map(_disk, observed.disks))


def _disk(disk: Mapping[str, Any]) -> Vital:
    return Vital(max(disk["percent"], disk["inodes_percent"]), {"path": disk["path"]})


def _requests(timings: Mapping[Series, Latency], enough: int) -> Iterator[Measure]:
    found = [_route(series, latency, enough) for series, latency in routes(timings)]
    slowest_first = sorted(found, key=lambda vital: (vital.is_thin, -vital.value))
    yield _family("response_p95_seconds", "p95 of a route in the window that is judged", slowest_first)
    every = timings.get(EVERY_REQUEST, Latency())
    failed = Vital(
        every.error_percent, is_thin=every.count < enough, about=f"{every.errors} of {every.count} requests"
    )
    yield _family("error_rate_percent", "Requests answered with 5xx in the window that is judged", [failed])


def _route(series: Series, latency: Latency, enough: int) -> Vital:
    _, method, route = series
    return Vital(
        latency.percentile(95) or 0.0,
        {"method": method, "route": route},
        is_thin=latency.count < enough,
        about=f"p95 of {latency.count} requests",
    )


def _event_loop(workers: Iterable[Worker]) -> Iterator[Measure]:
    """The worker whose loop was blocked longest, with the line that held it."""
    watched = [worker for worker in workers if worker.event_loop.get("watched")]
    if watched:
        worst = max(watched, key=lambda worker: float(worker.event_loop["worst_ms"]))
        where = (worst.event_loop.get("last_stall") or {"where": ""})["where"]
        seconds = float(worst.event_loop["worst_ms"]) / 1000
        sample = Vital(seconds, about=where, notes={"pid": str(worst.pid), "where": where})
        said = "Worst block of a worker's event loop, last minute"
        yield _family("event_loop_blocked_seconds", said, [sample])


def _database(kept: Kept) -> Iterator[Measure]:
    failures, share = "Checks of the database in a row that failed", "Connections in use"
    details = kept.reading.details
    if not details.get("configured"):
        yield _family("database_failures", failures, ())
        yield _family("database_connections_percent", share, ())
        return
    yield _family("database_failures", failures, [_checked(kept)])
    if details.get("connections"):
        yield _family("database_connections_percent", share, [Vital(details["connections"]["percent"])])


def _external(external: Mapping[str, Kept]) -> Measure:
    samples = [_checked(kept, service=name) for name, kept in sorted(external.items())]
    return _family("external_failures", "Checks of a service in a row that failed", samples)


def _checked(kept: Kept, **labels: str) -> Vital:
    is_down = kept.reading.level is Level.DOWN
    return Vital(float(kept.failures if is_down else 0), labels, about=kept.reading.reason or "it answers")


def _family(name: str, said: str, samples: Iterable[Vital]) -> Measure:
    return Measure(f"atalaia_{name}", "gauge", said, list(samples))
