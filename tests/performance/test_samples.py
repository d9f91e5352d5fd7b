from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import Unavailable
from app.core.health import Level
from app.performance.model import Reading
from app.performance.samples import Samples, gauges_of, slow_statements
from app.performance.store import MINUTE, PerformanceStore
from app.testing import FrozenClock

from .readings import host_details


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PerformanceStore]:
    store = PerformanceStore(tmp_path / "performance.sqlite")
    yield store
    store.close()


@pytest.fixture
def samples(store: PerformanceStore, clock: FrozenClock) -> Samples:
    """Remembers three values of CPU and memory."""
    return Samples(store, clock, recent=3)


DOWN = Reading(Level.DOWN, "connection refused", {"configured": True})
UP = Reading(details={"configured": True, "latency_ms": 2.0, "connections": {"used": 7}})


def test_failures_in_a_row_are_counted(samples: Samples) -> None:
    """An answer begins the count anew."""
    counts = []
    for reading in (DOWN, DOWN, UP, DOWN):
        samples.keep({"database": reading})
        database = samples.observed().database
        assert database is not None
        counts.append(database.failures)
    assert counts == [1, 2, 0, 1]


def test_the_last_values_are_remembered_in_order(samples: Samples) -> None:
    """As many as an alert needs."""
    for cpu in (1.0, 2.0, 3.0, 4.0):
        samples.keep({"host": Reading(details=host_details(cpu=cpu))})
    assert samples.observed().cpu == [2.0, 3.0, 4.0]


def test_what_was_sampled_is_known_although_the_disk_refuses(tmp_path: Path, clock: FrozenClock) -> None:
    """Because a full disk is one of the things to be said."""
    (tmp_path / "file").touch()
    samples = Samples(PerformanceStore(tmp_path / "file" / "x.sqlite3"), clock, recent=1)
    with pytest.raises(Unavailable):
        samples.keep({"host": Reading(details=host_details(disk=99))})
    disks = samples.observed().disks
    assert disks is not None
    assert disks[0]["percent"] == 99


def test_readings_get_a_history(samples: Samples, store: PerformanceStore) -> None:
    """Every worker can tell how it was."""
    samples.keep({"host": Reading(details=host_details(cpu=42))})
    (gauge,) = store.gauges(MINUTE, 0)["cpu"]
    assert gauge.total == 42


def test_what_answers_has_the_gauges_of_an_answer() -> None:
    """1 or 0 for availability; latency and connections where there are any."""
    assert gauges_of("database", UP) == {
        "database": 1.0,
        "database:latency_ms": 2.0,
        "database:connections": 7,
    }
    assert gauges_of("external:openai", DOWN) == {"external:openai": 0.0}


def test_what_is_not_there_has_no_gauges() -> None:
    """Neither a database that nobody configured nor a host that could not be sampled."""
    assert gauges_of("database", Reading(details={"configured": False})) == {}
    assert gauges_of("host", Reading(Level.DOWN, "the check itself failed")) == {}


def test_a_run_seen_twice_is_one_run() -> None:
    """The second look only makes it longer."""
    running = [
        {"statement": "select ?", "seconds": 4.0, "new": True},
        {"statement": "select ?", "seconds": 19.0, "new": False},
    ]
    slow = slow_statements(Reading(details={"running": running}), at=5.0)
    assert [(one.seconds, one.count) for one in slow] == [(4.0, 1), (19.0, 0)]
