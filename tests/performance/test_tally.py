from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.performance.model import EVERY_REQUEST, OTHER
from app.performance.tally import Tally

ORDERS = ("http", "GET", "/orders")


def test_a_take_has_what_was_counted_since_the_last() -> None:
    """Each duration is taken once."""
    tally = Tally()
    tally.observe(ORDERS, 0.1, False)
    assert tally.take()[ORDERS].count == 1
    assert tally.take() == {}


def test_all_requests_are_taken_together_too() -> None:
    """Trends need only the sum; SQL statements are no part of it."""
    tally = Tally()
    tally.observe(ORDERS, 0.1, False)
    tally.observe(("http", "POST", "/orders"), 0.2, True)
    tally.observe(("sql", "SELECT", ""), 0.3, False)
    every = tally.take()[EVERY_REQUEST]
    assert (every.count, every.errors) == (2, 1)


def test_past_the_limit_new_series_count_as_other() -> None:
    """A million random routes are one series more, and known ones go on being counted."""
    tally = Tally(most_series=2)
    for route in ("/a", "/b", "/c", "/d", "/a"):
        tally.observe(("http", "GET", route), 0.1, False)
    taken = tally.take()
    assert taken[("http", OTHER, OTHER)].count == 2
    assert taken[("http", "GET", "/a")].count == 2
    assert len(taken) == 4


def test_the_limit_holds_over_takes() -> None:
    """Taking does not make room for other names."""
    tally = Tally(most_series=1)
    tally.observe(("http", "GET", "/a"), 0.1, False)
    tally.take()
    tally.observe(("http", "GET", "/b"), 0.1, False)
    assert ("http", "GET", "/b") not in tally.take()


def test_what_is_given_back_is_taken_again() -> None:
    """A disk that refused costs nothing but time, and all requests are not counted twice."""
    tally = Tally()
    tally.observe(ORDERS, 0.1, False)
    tally.give_back(tally.take())
    tally.observe(ORDERS, 0.2, False)
    taken = tally.take()
    assert taken[ORDERS].count == taken[EVERY_REQUEST].count == 2


def test_threads_lose_no_count() -> None:
    """Four threads that count while another takes: every duration is in some take."""
    tally = Tally()

    def count(_: int) -> None:
        for _ in range(2_000):
            tally.observe(ORDERS, 0.001, False)

    with ThreadPoolExecutor(4) as pool:
        counting = [pool.submit(count, number) for number in range(4)]
        taken = [tally.take() for _ in range(200)]
        for one in counting:
            one.result()
    taken.append(tally.take())
    assert sum(one[ORDERS].count for one in taken if one) == 8_000
