"""How fast a dump may be read."""

from __future__ import annotations

from app.backup.throttle import UNLIMITED, Throttle


def test_without_a_limit_nobody_waits():
    """No limit is no wait, however much was read."""
    assert UNLIMITED.wait_seconds(1 << 40, 0.0) == 0.0


def test_who_is_too_early_waits_for_the_rest():
    """After a second's bytes in a quarter of it there are three quarters to wait."""
    assert Throttle(1_000, 60).wait_seconds(1_000, 0.25) == 0.75
    assert Throttle(1_000, 60).wait_seconds(1_000, 1.5) == 0.0


def test_limit_ends_with_its_time():
    """A snapshot that has become old is read as fast as it goes, and no wait lasts longer than that."""
    assert Throttle(1, 60).wait_seconds(1_000_000, 60.0) == 0.0
    assert Throttle(1, 60).wait_seconds(1_000_000, 55.0) == 5.0
