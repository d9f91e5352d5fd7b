"""Failures count for a minute against whom they came from, and the table of sources is bounded."""

from __future__ import annotations

import pytest

from app.production.attempts import FailedAttempts, source_of


def failed(times: int, clock) -> FailedAttempts:
    """The attempts after so many failures of one source, a second apart."""
    attempts = FailedAttempts()
    for _ in range(times):
        attempts.add("source", clock.now())
        clock.advance(seconds=1)
    return attempts


def test_four_failures_cost_nothing(clock):
    """Who mistypes goes on trying."""
    assert failed(4, clock).wait_seconds("source", clock.now()) == 0


def test_after_five_failures_the_source_waits_until_the_first_is_a_minute_old(clock):
    """The wait is told in whole seconds and ends."""
    attempts = failed(5, clock)
    assert attempts.wait_seconds("source", clock.now()) == 55
    clock.advance(seconds=54.5)
    assert attempts.wait_seconds("source", clock.now()) == 1
    clock.advance(seconds=0.5)
    assert attempts.wait_seconds("source", clock.now()) == 0


def test_other_sources_do_not_wait(clock):
    """Failures count only against whom they came from."""
    assert failed(5, clock).wait_seconds("another", clock.now()) == 0


def test_a_clock_that_is_put_back_locks_nobody_out(clock):
    """Failures of the future are forgotten."""
    attempts = failed(5, clock)
    clock.set("2026-11-23T02:00:00Z")
    assert attempts.wait_seconds("source", clock.now()) == 0


def test_a_thousand_sources_are_kept(clock):
    """The longest silent goes first, so that no flood of addresses costs memory."""
    attempts = failed(5, clock)
    for number in range(1_000):
        attempts.add(f"flood {number}", clock.now())
    assert len(attempts) == 1_000
    assert attempts.wait_seconds("source", clock.now()) == 0


@pytest.mark.parametrize(
    ("client", "source"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 5), "2001:db8:1:2::/64"),
        (("x" * 70_000, 5), "unknown"),
        (None, "unknown"),
    ],
)
def test_a_source_is_an_address_or_a_network_of_one_owner(client, source):
    """A whole /64 is one source, and no text of a header's becomes a key."""
    assert source_of(client) == source
