"""The performance page: what the host, the workers, the database and services elsewhere are doing.

Requests and statements are counted in memory and written by sample_worker(), so that no request
waits for a disk. The rest is sampled by the leader. Every worker answers for all of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from ..core.clock import Clock, rfc3339
from ..core.errors import InputRejected
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.journal import Journal, files_of
from ..core.measure import Measure
from ..performance import exposition
from ..performance.current import Present, current_document
from ..performance.deadline import Bounded
from ..performance.health import component_health, monitor_health
from ..performance.latency import merged
from ..performance.model import EVERY_REQUEST, Kept, Probe, Worker
from ..performance.probes.database import DatabaseProbe
from ..performance.probes.host import HostProbe
from ..performance.probes.process import ProcessProbe
from ..performance.samples import EXTERNAL, Samples, observed_of
from ..performance.settings import PerformanceSettings
from ..performance.stalls import LoopMeter
from ..performance.store import EVER, HOUR, MINUTE, PerformanceStore
from ..performance.summary import History, span_of, summary_document
from ..performance.traffic import Traffic
from ..performance.vitals import vitals

_MOST_SLOW = 50
_MOST_SAMPLES = 60
# Because what held the loop is shown also where nobody is to be told.
_BLOCKED_SECONDS = 5.0
_CHECKS_AT_ONCE = 8


class PerformanceMonitor:
    """One worker's end of it; all workers of a host share `folder`. `disks`: folders on disks to watch."""

    def __init__(
        self,
        settings: PerformanceSettings,
        folder: Path,
        database_url: str,
        clock: Clock,
        *,
        disks: Iterable[Path] = (),
    ) -> None:
        self._settings, self._folder, self._clock = settings, folder, clock
        self._store = PerformanceStore(folder / "performance.sqlite")
        self._journal = Journal("performance")
        self._traffic = Traffic(
            clock,
            slow_request_seconds=settings.slow_request_seconds,
            slow_query_seconds=settings.slow_query_seconds,
        )
        self._samples = Samples(self._store, clock, _MOST_SAMPLES)
        patience = settings.loop_warning_seconds
        self._meter = LoopMeter(clock, patience if isfinite(patience) else _BLOCKED_SECONDS)
        self._process = ProcessProbe()
        self._host = HostProbe([folder, *disks, *map(Path, settings.disk_paths)])
        self._database = DatabaseProbe(database_url, settings.slow_query_seconds)
        self._external = _external_probes(settings)
        self._began_at = self._now()

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Open the journal, and watch the event loop that serves, if there is one."""
        self._journal.open(self._folder, self._clock)
        if loop is not None:
            self._meter.start(loop)

    def stop(self) -> None:
        """Write what was counted, and let go of threads, files and connections."""
        self._meter.stop()
        with guard("performance.stop"):
            self.sample_worker()
            self._store.forget_worker(os.getpid())
        self._database.close()
        self._journal.close()
        self._store.close()

    def request_began(self) -> None:
        """Count one request as in flight."""
        self._traffic.requests.began()

    def request_ended(
        self,
        *,
        method: str,
        route: str,
        status: int,
        duration_seconds: float,
        request_id: str,
        error_type: str | None = None,
    ) -> None:
        """Count one request; it failed when it was answered with 5xx or ended in an error."""
        failed = status >= 500 or error_type is not None
        self._traffic.requests.ended(method, route, status, duration_seconds, request_id, failed=failed)

    def watch_engine(self, engine: Any) -> None:
        """Count the statements of a SQLAlchemy Engine or AsyncEngine, and list its slow ones.

        None, from an application that has no database, is nothing to watch.
        """
        if engine is not None:
            self._traffic.queries.attach(engine)

    def add_probe(self, probe: Probe) -> None:
        """Sample one more thing beside the external services; it is shown and alerted like them."""
        self._external.append(Bounded(probe))

    def sample_worker(self) -> None:
        """Write what this worker counted since the last time, and how it and its event loop are."""
        process, in_flight = self._process.sample().details, self._traffic.requests.in_flight
        worker = Worker(os.getpid(), self._now(), process, self._meter.reading(), in_flight)
        self._traffic.write(self._store, worker)

    def sample_host(self) -> None:
        """Sample CPU, memory, disks and network: one line in the journal, and their history."""
        reading = self._host.sample()
        self._journal.append({"at": rfc3339(self._clock.now()), **reading.details})
        self._samples.keep({"host": reading})

    def sample_database(self) -> None:
        """Look at the database; returns within five seconds whatever that does."""
        self._samples.keep({"database": self._database.sample()})

    def sample_external(self) -> None:
        """Ask every external service, several at once, so that one that hangs delays few others."""
        if not self._external:
            return
        with ThreadPoolExecutor(_CHECKS_AT_ONCE, thread_name_prefix="atalaia-external") as pool:
            readings = list(pool.map(lambda probe: probe.sample(), self._external))
        names = [f"{EXTERNAL}{probe.name}" for probe in self._external]
        self._samples.keep(dict(zip(names, readings, strict=True)))

    def trim(self) -> None:
        """Delete what is older than it is kept for."""
        keep = timedelta(days=self._settings.keep_days)
        oldest_day = (self._clock.now() - keep).strftime("%Y-%m-%d")
        for journal in files_of(self._folder):
            if journal.name < oldest_day:
                journal.unlink(missing_ok=True)
        self._store.trim(self._now(), keep.total_seconds())

    def current(self) -> dict[str, Any]:
        """What is so now: see current_document. Unavailable when the disk refuses."""
        return current_document(self._present(), self._settings)

    def summary(self, hours: float = 24) -> dict[str, Any]:
        """How it was: see summary_document. InputRejected for no time at all, or more than is kept."""
        most = self._settings.keep_days * 24
        if not 0 < hours <= most:
            raise InputRejected(f"{hours:g} hours cannot be summed up", f"Give more than 0 and up to {most}.")
        span = span_of(hours, self._now())
        history = History(
            every=self._store.trend(EVERY_REQUEST, span.width, span.begin),
            gauges=self._store.gauges(span.width, span.begin),
            timings=self._store.timings(span.routes_width, span.routes_begin),
            slow_requests=self._store.slow_requests(span.begin, _MOST_SLOW),
            slow_queries=self._store.slow_queries(span.begin, _MOST_SLOW),
        )
        return summary_document(history, span, hours, self._now())

    def served(self, seconds: float, under: float | None = None) -> tuple[int, int]:
        """How many requests ended in the last `seconds`, and how many were bad; Unavailable.

        Bad is answered with 5xx or, where `under` is given, slower than so many seconds. Spans from six
        hours on are counted in whole hours.
        """
        width = MINUTE if seconds < 6 * HOUR else HOUR
        begin = self._now() - seconds
        every = merged(
            latency for _, latency in self._store.trend(EVERY_REQUEST, width, begin - begin % width)
        )
        return every.count, every.errors if under is None else every.count - every.at_most(under)

    def health(self) -> Health:
        """How the monitor itself is."""
        with guard("performance.health"):
            return monitor_health(self._latest(), self._settings, self._now(), self._began_at)
        return Health(Level.DEGRADED, "its tables cannot be read")

    def components(self) -> dict[str, Health]:
        """How the `database` and the external services (`external.<name>`) are."""
        with guard("performance.health"):
            return component_health(self._latest(), self._settings, self._now())
        return {"database": Health(Level.DEGRADED, "its latest sample cannot be read")}

    def measures(self) -> Iterable[Measure]:
        """Everything measured, over all workers; what counts up does so since the beginning."""
        with guard("performance.measures"):
            present = self._present()
            return [*exposition.measures(present, self._store.timings(EVER, 0)), *self._shown(present)]
        return []

    def vitals(self) -> list[Measure]:
        """What the shipped rules are held against, as the leader knows it; also with a full disk."""
        observed = self._samples.observed()
        with guard("performance.vitals"):
            present = self._present()
            observed = replace(observed, requests=present.timings, workers=present.workers)
        return list(vitals(observed, self._settings))

    def _shown(self, present: Present) -> list[Measure]:
        """The same from the tables, which every worker can read."""
        host = present.host
        recent = [(host["cpu"]["percent"], host["memory"]["percent"])] if host else []
        observed = observed_of(present.latest, recent)
        known = replace(observed, requests=present.timings, workers=present.workers)
        return [measure for measure in vitals(known, self._settings) if measure.samples]

    def _present(self) -> Present:
        now = self._now()
        since = self._window_begin(now)
        return Present(
            now=now,
            latest=self._latest(),
            workers=self._store.workers(now - 3 * self._settings.sample_seconds),
            timings=self._store.timings(MINUTE, since),
            span_seconds=now - since,
        )

    def _latest(self) -> dict[str, Kept]:
        """The latest readings, without those of services that are no longer asked."""
        asked = {f"{EXTERNAL}{probe.name}" for probe in self._external}
        found = self._store.latest()
        return {name: kept for name, kept in found.items() if name in asked or not name.startswith(EXTERNAL)}

    def _window_begin(self, now: float) -> float:
        begin = now - self._settings.window_seconds
        return begin - begin % MINUTE

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _external_probes(settings: PerformanceSettings) -> list[Probe]:
    if not settings.services:
        return []
    # Because httpcore takes memory that a host without such services need not carry.
    from ..performance.probes.http import HttpProbe

    seconds = settings.external_timeout_seconds
    return [HttpProbe(name, url, seconds) for name, url in settings.services.items()]
