"""What watching costs, side by side: `python -m tests.benchmarks.bench_performance [rounds]`.

CPU time of the process, contenders interleaved within each round, ratios taken within a round, then
the median over rounds: other work on the machine moves absolute figures, and ratios little.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from prometheus_client import CollectorRegistry, Gauge, Histogram
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from app.alerts.rules.book import Rulebook
from app.core.clock import SystemClock
from app.performance.latency import OTEL_BOUNDS, Latency
from app.performance.probes.host import HostProbe
from app.performance.probes.http import HttpProbe
from app.performance.probes.process import ProcessProbe
from app.performance.probes.sql import QueryWatch
from app.performance.settings import PerformanceSettings
from app.performance.tally import Tally
from app.services.performance_monitor import PerformanceMonitor
from app.testing import RecordingEmit

from ..performance.judging import rulebook
from ..performance.listeners import answering, listener

ROUTES = 300
Call = Callable[[], object]
Contenders = dict[str, tuple[Call, int]]
"""Name → what is done, and how often in a round; the first one is what the others are held against."""

random.seed(7)
DURATIONS = [random.lognormvariate(-3, 1) for _ in range(1_000)]


def durations() -> Callable[[], float]:
    """The same durations over and over."""
    state: Iterator[float] = iter(())

    def following() -> float:
        nonlocal state
        value = next(state, None)
        if value is None:
            state = iter(DURATIONS)
            value = next(state)
        return value

    return following


def observing(monitor: PerformanceMonitor) -> Contenders:
    """One request: in flight, its duration by method and route."""
    registry = CollectorRegistry()
    histogram = Histogram("h", "d", ["method", "route"], buckets=OTEL_BOUNDS, registry=registry)
    gauge = Gauge("g", "d", registry=registry)
    bound, latency = histogram.labels("GET", "/orders/{id}"), Latency()
    following = durations()

    def prometheus() -> None:
        gauge.inc()
        gauge.dec()
        histogram.labels("GET", "/orders/{id}").observe(following())

    def ours() -> None:
        monitor.request_began()
        monitor.request_ended(
            method="GET",
            route="/orders/{id}",
            status=200,
            duration_seconds=following(),
            request_id="8f2a1c3b4d-1f",
        )

    return {
        "prometheus_client: gauge + histogram": (prometheus, 5_000),
        "ours: request_began + request_ended": (ours, 5_000),
        "prometheus_client: bound histogram only": (lambda: bound.observe(following()), 5_000),
        "ours: histogram only": (lambda: latency.observe(following()), 5_000),
        "the durations themselves": (following, 5_000),
    }


def sampling(folder: Path) -> Contenders:
    """One look at host and process, without writing it down."""
    host, process, own = HostProbe([folder]), ProcessProbe(), psutil.Process()

    def everything_of_psutil() -> None:
        time.sleep(0.1)  # Because ours waits as long between two samples, which leaves the caches cold.
        psutil.cpu_times()
        psutil.virtual_memory()
        psutil.swap_memory()
        psutil.disk_usage("/")
        psutil.disk_io_counters()
        psutil.net_io_counters(pernic=True)
        psutil.boot_time()
        psutil.getloadavg()
        with own.oneshot():
            own.memory_info()
            own.cpu_times()
            own.num_threads()
            own.num_fds()

    def ours() -> None:
        host.sample()
        process.sample()

    return {"psutil alone": (everything_of_psutil, 10), "ours: host and process": (ours, 10)}


def writing(monitor: PerformanceMonitor) -> Contenders:
    """What happens each five seconds, and what an answer costs, with 300 routes in use."""

    def flush() -> None:
        for number in range(ROUTES):
            for seconds in DURATIONS[number : number + 10]:
                monitor.request_ended(
                    method="GET", route=f"/{number}", status=200, duration_seconds=seconds, request_id="r"
                )
        monitor.sample_worker()

    return {
        "sample_host, journal and tables": (monitor.sample_host, 20),
        "sample_worker, 300 routes": (flush, 3),
        "evaluate": (judged(monitor).evaluate, 3),
        "current()": (monitor.current, 3),
        "summary(24)": (lambda: monitor.summary(24), 3),
        "measures()": (lambda: list(monitor.measures()), 3),
    }


def judged(monitor: PerformanceMonitor) -> Rulebook:
    """The shipped rules, held against what it knows."""
    settings = PerformanceSettings(external_services=())
    folder = Path(tempfile.mkdtemp())
    return rulebook(settings, monitor.vitals, folder, SystemClock(), RecordingEmit())


@contextmanager
def querying() -> Iterator[Contenders]:
    """One statement of SQLite in memory, watched and not."""
    plain = create_engine("sqlite://", poolclass=StaticPool)
    watched = create_engine("sqlite://", poolclass=StaticPool)
    QueryWatch(Tally(), SystemClock(), 1.0).attach(watched)
    statement = text("select :n")
    with plain.connect() as before, watched.connect() as after:
        yield {
            "SQLAlchemy": (lambda: before.execute(statement, {"n": 1}).all(), 1_000),
            "SQLAlchemy, watched": (lambda: after.execute(statement, {"n": 1}).all(), 1_000),
        }
    plain.dispose()
    watched.dispose()


@contextmanager
def checking() -> Iterator[Contenders]:
    """One check of an external service; the server's own time is in it."""
    with listener(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        url = f"http://127.0.0.1:{port}/"
        yield {
            "httpx, a client for each check": (lambda: httpx.get(url), 5),
            "ours: HttpProbe": (HttpProbe("service", url, 5.0).sample, 5),
        }


def microseconds(call: Call, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1_000_000


def compare(title: str, contenders: Contenders, rounds: int) -> None:
    """Print the medians of one table."""
    for call, _ in contenders.values():
        call()
    table = [
        {name: microseconds(call, calls) for name, (call, calls) in contenders.items()} for _ in range(rounds)
    ]
    base = next(iter(contenders))
    print(f"\n{title:44} {'us':>10} {'ratio':>8}")
    for name in contenders:
        middle = statistics.median(measured[name] for measured in table)
        ratio = statistics.median(measured[name] / measured[base] for measured in table)
        print(f"{name:44} {middle:10.2f} {ratio:8.3f}")


def main(rounds: int) -> None:
    """Print all tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = PerformanceSettings(external_services=())
        monitor = PerformanceMonitor(settings, folder, "", SystemClock())
        monitor.start(None)
        compare("one request", observing(monitor), rounds)
        compare("one sample", sampling(folder), rounds)
        compare("300 routes", writing(monitor), rounds)
        monitor.stop()
    with querying() as contenders:
        compare("one statement", contenders, rounds)
    with checking() as contenders:
        compare("one check", contenders, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
