from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from app.alerts.rules.book import Rulebook
from app.core.errors import InputRejected, Unavailable
from app.core.guard import failures
from app.core.health import Level
from app.core.postgres import EmbeddedPostgres
from app.core.signal import Condition, Severity, Signal
from app.performance.model import Reading
from app.performance.settings import PerformanceSettings
from app.performance.store import EVER, PerformanceStore
from app.services.performance_monitor import PerformanceMonitor
from app.testing import FrozenClock, RecordingEmit, wait_until

from ..performance.judging import rulebook
from ..performance.listeners import answering, listener, silent, unused_port

Make = Callable[..., PerformanceMonitor]
Evaluate = Callable[[PerformanceMonitor], None]
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path: Path, clock: FrozenClock) -> Iterator[Make]:
    """Makes monitors on one folder, each as a worker of its own would be, and stops them at the end."""
    made: list[PerformanceMonitor] = []

    def make(database_url: str = "", **settings: Any) -> PerformanceMonitor:
        settings.setdefault("external_services", ())
        knobs = PerformanceSettings(**settings)
        monitor = PerformanceMonitor(knobs, tmp_path / "performance", database_url, clock)
        monitor.start(None)
        made.append(monitor)
        return monitor

    yield make
    for monitor in made:
        monitor.stop()


@pytest.fixture
def evaluate(tmp_path: Path, clock: FrozenClock, emit: RecordingEmit) -> Evaluate:
    """Holds what a monitor knows against the shipped rules, as the worker that leads does."""
    books: dict[PerformanceMonitor, Rulebook] = {}

    def evaluate(monitor: PerformanceMonitor) -> None:
        if monitor not in books:
            folder = tmp_path / "alerts"
            books[monitor] = rulebook(monitor._settings, monitor.vitals, folder, clock, emit)
        books[monitor].evaluate()

    return evaluate


@pytest.fixture
def monitor(make: Make) -> PerformanceMonitor:
    return make()


def serve(
    monitor: PerformanceMonitor,
    route: str = "/orders",
    seconds: float = 0.1,
    status: int = 200,
    times: int = 1,
) -> None:
    """Some requests, as the middleware tells them, and then a flush."""
    for number in range(times):
        monitor.request_began()
        monitor.request_ended(
            method="GET", route=route, status=status, duration_seconds=seconds, request_id=f"r{number}"
        )
    monitor.sample_worker()


def by_key(emit: RecordingEmit, key: str) -> list[Signal]:
    return [signal for signal in emit.signals if signal.key == key]


def test_requests_of_all_workers_are_in_every_answer(make: Make) -> None:
    """Whichever worker is asked."""
    first, second = make(), make()
    serve(first, times=3)
    serve(second, seconds=3.0, times=2)
    for monitor in (first, second):
        (route,) = monitor.current()["requests"]["by_route"]
        assert (route["method"], route["route"], route["count"]) == ("GET", "/orders", 5)
        assert len(monitor.summary(1)["slow_requests"]) == 2


def test_requests_are_counted_with_those_that_were_bad(
    monitor: PerformanceMonitor, clock: FrozenClock
) -> None:
    """Bad is 5xx, or slow where a limit is given; what is older than the span does not count."""
    serve(monitor, status=500, times=7)
    clock.advance(hours=2)
    serve(monitor, times=8)
    serve(monitor, seconds=3.0, times=2)
    serve(monitor, status=503)
    assert monitor.served(3600) == (11, 1)
    assert monitor.served(3600, under=1.0) == (11, 2)
    assert monitor.served(86400) == (18, 8)


def test_a_request_that_ended_in_an_error_failed(monitor: PerformanceMonitor) -> None:
    """Whatever its status was."""
    monitor.request_ended(
        method="GET", route="/", status=200, duration_seconds=0.1, request_id="r", error_type="ValueError"
    )
    monitor.sample_worker()
    assert monitor.current()["requests"]["errors"] == 1


def test_what_was_counted_is_written_at_the_end(make: Make) -> None:
    """A worker that stops loses nothing, and is not listed any more."""
    first, second = make(), make()
    first.request_ended(method="GET", route="/", status=200, duration_seconds=0.1, request_id="r")
    first.stop()
    current = second.current()
    assert current["requests"]["count"] == 1
    assert current["process"]["workers"] == []


KILLED = """
import sys, time
from pathlib import Path
from app.core.clock import SystemClock
from app.performance.settings import PerformanceSettings
from app.performance.store import EVER, PerformanceStore
from app.services.performance_monitor import PerformanceMonitor
monitor = PerformanceMonitor(PerformanceSettings(), Path(sys.argv[1]), "", SystemClock())
monitor.start(None)
for count in range(1, 1_000_000):
    monitor.request_ended(method="GET", route="/", status=200, duration_seconds=0.1, request_id="r")
    if count % 100 == 0:
        monitor.sample_worker()
        print(count, flush=True)
"""


def test_a_killed_worker_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    """SIGKILL in the middle: at least what was flushed is there, and at most one flush more."""
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        said = [int(worker.stdout.readline()) for _ in range(5)]
        worker.kill()
        said += [int(line) for line in worker.stdout if line.endswith("\n")]
    with sqlite3.connect(tmp_path / "performance.sqlite") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()
    store = PerformanceStore(tmp_path / "performance.sqlite")
    assert store.timings(EVER, 0)[("http", "GET", "/")].count in (said[-1], said[-1] + 100)
    store.close()


def test_the_host_is_sampled_into_the_journal_and_the_history(
    monitor: PerformanceMonitor, tmp_path: Path
) -> None:
    """One JSON line, and a point of the trend."""
    monitor.sample_host()
    (journal,) = (tmp_path / "performance").glob("*.jsonl")
    (line,) = journal.read_text().splitlines()
    assert json.loads(line)["cpu"]["percent"] == monitor.current()["cpu"]["percent"]
    assert monitor.summary(1)["trends"][-1]["cpu_percent"] is not None


def test_a_slow_route_is_raised_and_clears_by_itself(
    evaluate: Evaluate, monitor: PerformanceMonitor, clock: FrozenClock, emit: RecordingEmit
) -> None:
    """After its window it has vanished, and what has vanished is over."""
    serve(monitor, seconds=6.0, times=20)
    evaluate(monitor)
    clock.advance(minutes=7)
    evaluate(monitor)
    raised, cleared = by_key(emit, "response_time:GET /orders")
    assert (raised.condition, raised.severity, raised.code) == (
        Condition.RAISED,
        Severity.CRITICAL,
        "response_time_high",
    )
    assert cleared.condition is Condition.CLEARED


def test_what_a_dead_leader_left_raised_is_cleared_by_the_next(
    evaluate: Evaluate, make: Make, clock: FrozenClock, emit: RecordingEmit
) -> None:
    """What the rules said is remembered."""
    leader = make()
    serve(leader, seconds=6.0, times=20)
    evaluate(leader)
    clock.advance(minutes=7)
    evaluate(make())
    assert [signal.condition for signal in by_key(emit, "response_time:GET /orders")] == [
        Condition.RAISED,
        Condition.CLEARED,
    ]


def test_many_errors_are_raised(evaluate: Evaluate, monitor: PerformanceMonitor, emit: RecordingEmit) -> None:
    """One in ten is over five percent."""
    serve(monitor, times=18)
    serve(monitor, status=500, times=2)
    evaluate(monitor)
    (signal,) = by_key(emit, "error_rate")
    assert (signal.condition, signal.severity, signal.value) == (Condition.RAISED, Severity.MEDIUM, 10.0)


def test_a_service_is_unreachable_at_the_second_failure(
    evaluate: Evaluate, make: Make, emit: RecordingEmit
) -> None:
    """And reachable again at the first answer; the others are not held up by it."""
    port = unused_port()
    monitor = make(external_services=(f"gateway=http://127.0.0.1:{port}/",), external_timeout_seconds=1)
    for _ in range(2):
        monitor.sample_external()
        evaluate(monitor)
    assert [signal.condition for signal in by_key(emit, "external:gateway")] == [
        Condition.CLEARED,  # The first look says also what is well.
        Condition.RAISED,
    ]
    assert emit.signals[-1].labels == {"service": "gateway", "rule": "external_unreachable"}
    assert monitor.components()["external.gateway"].level is Level.DEGRADED


def test_services_are_asked_at_once(make: Make) -> None:
    """Eight that say nothing take about as long as one."""
    with listener(silent) as port:
        services = tuple(f"s{number}=http://127.0.0.1:{port}/" for number in range(8))
        monitor = make(external_services=services, external_timeout_seconds=0.5)
        began = time.monotonic()
        monitor.sample_external()
        assert time.monotonic() - began < 3
    found = monitor.current()["external"]
    assert [service["reachable"] for service in found["services"]] == [False] * 8
    assert monitor.summary(1)["external"][0]["availability_percent"] == 0


def test_a_service_that_answers_is_available(make: Make) -> None:
    """In the present, in the history and in the exposition."""
    with listener(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        monitor = make(external_services=(f"gateway=http://127.0.0.1:{port}/",))
        monitor.sample_external()
    (service,) = monitor.current()["external"]["services"]
    assert (service["reachable"], service["http_status"]) == (True, 204)
    assert monitor.summary(1)["external"][0]["availability_percent"] == 100
    assert "atalaia_external_up" in {measure.name for measure in monitor.measures()}


def test_a_service_that_is_no_longer_asked_is_forgotten(make: Make) -> None:
    """A name that was taken out of the settings neither shows nor degrades."""
    make(external_services=(f"old=http://127.0.0.1:{unused_port()}/",)).sample_external()
    now = make()
    assert now.current()["external"]["services"] == []
    assert list(now.components()) == ["database"]


def test_a_probe_of_the_hosts_own_is_shown_like_a_service(monitor: PerformanceMonitor) -> None:
    """With its reason."""

    class Queue:
        name = "queue"
        deadline_seconds = 1.0

        def sample(self) -> Reading:
            return Reading(Level.DOWN, "4711 jobs wait", {"jobs": 4711})

    monitor.add_probe(Queue())
    monitor.sample_external()
    (shown,) = monitor.current()["external"]["services"]
    assert (shown["name"], shown["reachable"], shown["reason"], shown["jobs"]) == (
        "queue",
        False,
        "4711 jobs wait",
        4711,
    )


def test_a_database_is_looked_at(make: Make, postgres: EmbeddedPostgres) -> None:
    """Reachable, with its connections against their thresholds."""
    monitor = make(postgres.url)
    monitor.sample_database()
    database = monitor.current()["database"]
    assert (database["reachable"], database["level"]) == (True, "ok")
    assert database["thresholds"] == {"warning": 80, "critical": 95, "unit": "%"}
    assert monitor.components()["database"].level is Level.OK


def test_a_database_that_is_down_is_raised_and_clears(
    evaluate: Evaluate, make: Make, emit: RecordingEmit, postgres: EmbeddedPostgres
) -> None:
    """At the second failure in a row; the component is down at the first."""
    monitor = make(f"postgresql://u@127.0.0.1:{unused_port()}/db")
    monitor.sample_database()
    assert monitor.components()["database"].level is Level.DOWN
    monitor.sample_database()
    evaluate(monitor)
    healed = make(postgres.url)
    healed.sample_database()
    evaluate(healed)
    signals = by_key(emit, "database")
    assert [signal.condition for signal in signals] == [Condition.RAISED, Condition.CLEARED]
    assert (signals[0].severity, signals[0].code) == (Severity.CRITICAL, "database_unreachable")


def test_a_slow_statement_is_in_the_summary(make: Make, postgres: EmbeddedPostgres) -> None:
    """With the line that sent it, and counted among all statements."""
    monitor = make(slow_query_seconds=0.05)
    engine = create_engine(postgres.url.replace("://", "+psycopg2://", 1))
    monitor.watch_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("select pg_sleep(0.06), 'Maria'"))
    engine.dispose()
    monitor.sample_worker()
    summary = monitor.summary(1)
    assert summary["slow_queries"][0]["statement"] == "select pg_sleep(?), ?"
    assert "test_performance_monitor.py:" in summary["slow_queries"][0]["caller"]
    assert {query["operation"] for query in summary["queries"]} >= {"SELECT"}


def test_no_engine_is_nothing_to_watch(monitor: PerformanceMonitor) -> None:
    """An application without a database starts all the same."""
    monitor.watch_engine(None)


def test_a_blocked_event_loop_is_raised_with_its_line(
    evaluate: Evaluate, make: Make, clock: FrozenClock, emit: RecordingEmit
) -> None:
    """A real loop, really blocked."""
    monitor = make(loop_warning_seconds=0.2, loop_critical_seconds=60)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    monitor.start(loop)

    def block() -> None:
        time.sleep(0.5)

    loop.call_soon_threadsafe(block)
    wait_until(lambda: monitor._meter.reading()["stalls"], what="the stall")
    monitor.sample_worker()
    evaluate(monitor)
    monitor.stop()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    (signal,) = by_key(emit, "event_loop")
    assert (signal.condition, signal.severity) == (Condition.RAISED, Severity.MEDIUM)
    assert signal.labels["where"].endswith(" block")


@pytest.mark.parametrize("hours", [0, -1, 721, float("nan"), float("inf")])
def test_only_hours_that_are_kept_can_be_summed_up(monitor: PerformanceMonitor, hours: float) -> None:
    """Thirty days of 24 hours."""
    with pytest.raises(InputRejected) as error:
        monitor.summary(hours)
    assert "720" in error.value.hint


def test_trimming_removes_old_journals(make: Make, tmp_path: Path, clock: FrozenClock) -> None:
    """After keep_days, and not the one that is written to."""
    monitor = make(keep_days=2)
    monitor.sample_host()
    clock.advance(days=3)
    monitor.sample_host()
    monitor.trim()
    assert [file.name[:10] for file in (tmp_path / "performance").glob("*.jsonl")] == ["2026-11-26"]


def test_stale_samples_degrade_the_monitor(monitor: PerformanceMonitor, clock: FrozenClock) -> None:
    """Nobody samples any more, and it says so."""
    monitor.sample_host()
    assert monitor.health().level is Level.OK
    clock.advance(minutes=1)
    assert monitor.health().level is Level.DEGRADED
    assert monitor.current()["cpu"]["stale"]


def test_a_disk_that_refuses_is_survived_and_told(
    evaluate: Evaluate, tmp_path: Path, clock: FrozenClock, emit: RecordingEmit
) -> None:
    """Health is degraded, answers are Unavailable, and full disks are still raised, from memory."""
    place = tmp_path / "performance"
    place.touch()  # A file where the folder should be, which stops root too.
    knobs = PerformanceSettings(external_services=(), disk_warning_percent=0.001, disk_critical_percent=0.002)
    monitor = PerformanceMonitor(knobs, place, "", clock, disks=[tmp_path])
    monitor.start(None)
    monitor.request_ended(method="GET", route="/", status=200, duration_seconds=9, request_id="r")
    for verb in (monitor.sample_worker, monitor.sample_host, monitor.current):
        with pytest.raises(Unavailable):
            verb()
    assert monitor.health().level is Level.DEGRADED
    assert list(monitor.measures()) == []
    evaluate(monitor)
    assert {signal.code for signal in emit.signals} == {"disk_high"}
    place.unlink()
    monitor.sample_worker()
    assert monitor.current()["requests"]["count"] == 1
    monitor.stop()
    assert failures.snapshot()["performance.health"].count


def test_files_are_private(monitor: PerformanceMonitor, tmp_path: Path) -> None:
    """Whatever the umask is."""
    before = os.umask(0)
    monitor.sample_worker()
    monitor.sample_host()
    os.umask(before)
    folder = tmp_path / "performance"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}


def test_counting_a_request_touches_no_file(monitor: PerformanceMonitor, tmp_path: Path) -> None:
    """Two thousand requests leave the folder as it was."""
    before = sorted(tmp_path.rglob("*"))
    for number in range(2_000):
        monitor.request_began()
        monitor.request_ended(
            method="GET", route=f"/{number}", status=200, duration_seconds=9, request_id="r"
        )
    assert sorted(tmp_path.rglob("*")) == before
