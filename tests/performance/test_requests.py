from __future__ import annotations

import pytest

from app.performance.model import OTHER
from app.performance.requests import RequestWatch
from app.performance.tally import Tally
from app.testing import FrozenClock


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def watch(tally: Tally, clock: FrozenClock) -> RequestWatch:
    """Calls a request slow from two seconds on."""
    return RequestWatch(tally, clock, slow_seconds=2.0)


def test_a_request_counts_under_its_method_and_route(watch: RequestWatch, tally: Tally) -> None:
    """Duration and failure are kept for the pair."""
    watch.ended("GET", "/orders", 500, 0.25, "r1", failed=True)
    latency = tally.take()[("http", "GET", "/orders")]
    assert (latency.count, latency.errors, latency.seconds) == (1, 1, 0.25)


def test_methods_that_nobody_knows_are_one(watch: RequestWatch, tally: Tally) -> None:
    """Random methods make one series."""
    for number in range(100):
        watch.ended(f"HACK{number}", "<unmatched>", 405, 0.001, "r", failed=False)
    assert tally.take()[("http", OTHER, "<unmatched>")].count == 100


def test_a_long_route_is_cut(watch: RequestWatch, tally: Tally) -> None:
    """A name of any length takes bounded room."""
    watch.ended("GET", "/" + "x" * 10_000, 200, 0.001, "r", failed=False)
    assert max(len(route) for _, _, route in tally.take()) == 200


def test_in_flight_goes_up_and_down(watch: RequestWatch) -> None:
    """Began and not yet ended."""
    watch.began()
    watch.began()
    watch.ended("GET", "/", 200, 0.1, "r", failed=False)
    assert watch.in_flight == 1


def test_slow_requests_are_kept_with_their_id(watch: RequestWatch, clock: FrozenClock) -> None:
    """From the threshold on, once."""
    watch.ended("GET", "/quick", 200, 1.99, "r1", failed=False)
    watch.ended("GET", "/slow", 200, 2.0, "r2", failed=False)
    (slow,) = watch.take_slow()
    assert (slow.route, slow.request_id, slow.at) == ("/slow", "r2", clock.now().timestamp())
    assert watch.take_slow() == []


def test_only_the_newest_slow_requests_are_kept(watch: RequestWatch) -> None:
    """A thousand slow requests between two flushes take the room of 200."""
    for number in range(1_000):
        watch.ended("GET", "/slow", 200, 3.0, f"r{number}", failed=False)
    slow = watch.take_slow()
    assert (len(slow), slow[-1].request_id) == (200, "r999")


def test_slow_requests_that_are_given_back_stay_older_than_new_ones(watch: RequestWatch) -> None:
    """What could not be written comes first the next time."""
    watch.ended("GET", "/slow", 200, 3.0, "first", failed=False)
    taken = watch.take_slow()
    watch.ended("GET", "/slow", 200, 3.0, "second", failed=False)
    watch.give_back(taken)
    assert [slow.request_id for slow in watch.take_slow()] == ["first", "second"]
