from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import Unavailable
from app.performance.model import Series
from app.performance.store import EVER, PerformanceStore
from app.performance.traffic import Traffic
from app.testing import FrozenClock

from .readings import worker

ORDERS: Series = ("http", "GET", "/orders")


def test_what_could_not_be_written_is_written_the_next_time(tmp_path: Path, clock: FrozenClock) -> None:
    """A disk that refuses for a while loses no count and no slow request."""
    traffic = Traffic(clock, slow_request_seconds=1, slow_query_seconds=1)
    place = tmp_path / "performance"
    place.touch()  # A file where the folder should be.
    store = PerformanceStore(place / "performance.sqlite")
    for _ in range(3):
        traffic.requests.ended("GET", "/orders", 200, 2.0, "r1", failed=False)
        with pytest.raises(Unavailable):
            traffic.write(store, worker())
    place.unlink()
    traffic.write(store, worker())
    assert store.timings(EVER, 0)[ORDERS].count == 3
    assert len(store.slow_requests(0, 10)) == 3
    store.close()
