from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.errors import Unavailable
from app.performance.model import EVERY_REQUEST, OTHER, Series, SlowQuery, SlowRequest
from app.performance.store import EVER, HOUR, MINUTE, PerformanceStore

from .readings import answered, latency_of, worker

ORDERS: Series = ("http", "GET", "/orders")
NOON = 1_763_899_200.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "performance.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[PerformanceStore]:
    store = PerformanceStore(path)
    yield store
    store.close()


def count(store: PerformanceStore, series: Series = ORDERS, *, pid: int = 1, at: float = NOON) -> None:
    store.add_worker(worker(pid, at), {series: latency_of(0.1, failed=1)}, [], [])


def test_workers_add_to_the_same_rows(store: PerformanceStore) -> None:
    """Minute, hour and total each have what all of them counted."""
    for pid in (1, 2, 3):
        count(store, pid=pid)
    for width in (MINUTE, HOUR, EVER):
        latency = store.timings(width, 0)[ORDERS]
        assert (latency.count, latency.errors, latency.worst) == (3, 3, 0.1)


def test_several_processes_lose_nothing(path: Path) -> None:
    """Two stores on one file, each written to by two threads."""
    stores = [PerformanceStore(path), PerformanceStore(path)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: count(stores[number % 2], pid=number), range(40)))
    assert stores[0].timings(EVER, 0)[ORDERS].count == 40
    assert len(stores[1].workers(0)) == 40
    for store in stores:
        store.close()


def test_a_span_begins_where_it_is_asked_to(store: PerformanceStore) -> None:
    """Older minutes are left out."""
    for minute in range(5):
        count(store, at=NOON + 60 * minute)
    assert store.timings(MINUTE, NOON + 180)[ORDERS].count == 2


def test_a_trend_is_one_series_minute_by_minute(store: PerformanceStore) -> None:
    """Oldest first, each where its minute begins."""
    for second in (0, 5, 61):
        count(store, EVERY_REQUEST, at=NOON + second)
    trend = store.trend(EVERY_REQUEST, MINUTE, 0)
    assert [(at, latency.count) for at, latency in trend] == [(NOON, 2), (NOON + 60, 1)]


def test_series_are_bounded_over_all_lives_of_all_workers(store: PerformanceStore) -> None:
    """Past 2,000 names in the tables a new one counts as other, and all requests are always counted."""
    names = {("http", "GET", f"/{number}"): latency_of(0.1) for number in range(2_000)}
    store.add_worker(worker(), names, [], [])
    count(store, ("http", "GET", "/one-more"))
    count(store, EVERY_REQUEST)
    found = store.timings(EVER, 0)
    assert ("http", "GET", "/one-more") not in found
    assert found[("http", OTHER, OTHER)].count == found[EVERY_REQUEST].count == 1


def test_slow_requests_are_bounded(store: PerformanceStore) -> None:
    """The thousand newest stay, the slowest are told first."""
    for batch in range(15):
        slow = [SlowRequest(NOON, "GET", "/a", 200, batch + 1.0, f"r{batch}-{n}") for n in range(100)]
        store.add_worker(worker(), {}, slow, [])
    kept = store.slow_requests(0, 10_000)
    assert (len(kept), kept[0].seconds, kept[-1].seconds) == (1_000, 15.0, 6.0)


def test_slow_statements_add_up_by_text_and_line(store: PerformanceStore) -> None:
    """A later look at the same run makes it longer, not more."""
    runs = [
        SlowQuery(NOON, "application", "select ?", "a.py:1 f", 2.0),
        SlowQuery(NOON + 9, "application", "select ?", "a.py:1 f", 3.0),
        SlowQuery(NOON, "server", "select ?", "", 5.0),
        SlowQuery(NOON + 9, "server", "select ?", "", 9.0, count=0),
    ]
    store.keep({"database": answered(NOON)}, {}, runs)
    server, application = store.slow_queries(0, 10)
    assert (server.count, server.worst) == (1, 9.0)
    assert (application.count, application.seconds, application.worst, application.at) == (
        2,
        5.0,
        3.0,
        NOON + 9,
    )


def test_slow_statements_are_bounded(store: PerformanceStore) -> None:
    """The 500 seen last stay."""
    runs = [SlowQuery(NOON + n, "application", f"select {n}", "", 2.0) for n in range(700)]
    store.keep({"database": answered(NOON)}, {}, runs)
    kept = store.slow_queries(0, 10_000)
    assert len(kept) == 500
    assert min(one.at for one in kept) == NOON + 200


def test_gauges_keep_sum_and_peak(store: PerformanceStore) -> None:
    """Per minute and per hour."""
    for value in (10.0, 30.0):
        store.keep({"host": answered(NOON)}, {"cpu": value}, [])
    for width in (MINUTE, HOUR):
        (gauge,) = store.gauges(width, 0)["cpu"]
        assert (gauge.at, gauge.count, gauge.total, gauge.peak) == (NOON, 2, 40.0, 30.0)


def test_the_latest_reading_replaces_the_one_before(store: PerformanceStore) -> None:
    """With time, failures and details."""
    store.keep({"host": answered(NOON, a=1)}, {}, [])
    store.keep({"host": answered(NOON + 5, a=2)}, {}, [])
    assert store.latest() == {"host": answered(NOON + 5, a=2)}


def test_a_worker_that_said_nothing_lately_is_gone(store: PerformanceStore) -> None:
    """And one that said goodbye at once."""
    for pid in (1, 2):
        count(store, pid=pid)
    count(store, pid=3, at=NOON - 60)
    store.forget_worker(2)
    assert [one.pid for one in store.workers(NOON - 15)] == [1]


def test_trimming_keeps_minutes_for_two_days_and_hours_for_longer(store: PerformanceStore) -> None:
    """And drops a series with its totals when it was not seen for as long as anything is kept."""
    day = 86_400
    count(store, ("http", "GET", "/gone"), at=NOON - 31 * day)
    count(store, at=NOON - 3 * day)
    count(store, at=NOON)
    store.trim(NOON, keep_seconds=30 * day)
    assert store.timings(MINUTE, 0)[ORDERS].count == 1
    assert store.timings(HOUR, 0)[ORDERS].count == 2
    assert store.timings(EVER, 0).keys() == {ORDERS}


def test_deleting_the_folder_resets_it(store: PerformanceStore, path: Path) -> None:
    """The next write makes it anew."""
    count(store)
    for file in path.parent.iterdir():
        file.unlink()
    count(store)
    assert store.timings(EVER, 0)[ORDERS].count == 1


def test_a_disk_that_refuses_is_unavailable(tmp_path: Path) -> None:
    """One error, with a hint."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable) as error:
        PerformanceStore(tmp_path / "file" / "performance.sqlite").latest()
    assert "disk is not full" in error.value.hint
