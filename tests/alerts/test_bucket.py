"""How many messages a channel may get."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.alerts.bucket import Bucket, full, stricter
from app.alerts.model import Limits

from .examples import NOON

LIMITS = Limits(burst=4, seconds=60)
MINUTE = timedelta(minutes=1)


def test_quiet_channel_takes_a_burst_and_then_one_a_minute() -> None:
    """Four at once, the fifth after a minute."""
    bucket = full(LIMITS, NOON)
    for _ in range(4):
        bucket = bucket.taken()
    assert bucket.tokens < 1
    assert bucket.filled(LIMITS, NOON + MINUTE).tokens == 1
    assert bucket.filled(LIMITS, NOON + 60 * MINUTE).tokens == 4


def test_clock_set_back_gives_and_takes_nothing() -> None:
    """The bucket goes on from there."""
    bucket = Bucket(2, NOON).filled(LIMITS, NOON - 60 * MINUTE)
    assert (bucket.tokens, bucket.at) == (2, NOON - 60 * MINUTE)


def test_channel_without_limits_is_never_empty() -> None:
    """No seconds between tokens: always full."""
    assert Bucket(0, NOON).filled(Limits(3, 0), NOON).tokens == 3


def test_two_limits_are_kept_by_the_stricter_of_each() -> None:
    """Fewer at once, longer in between."""
    assert stricter(Limits(4, 60), Limits(45, 6)) == Limits(4, 60)
    assert stricter(Limits(4, 1), Limits(1, 3)) == Limits(1, 3)


@given(st.lists(st.floats(0, 500), max_size=60))
def test_nobody_gets_more_than_the_limit(pauses: list[float]) -> None:
    """In any time, at most the burst and one for each minute of it."""
    bucket, now, taken = full(LIMITS, NOON), NOON, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        bucket = bucket.filled(LIMITS, now)
        while bucket.tokens >= 1:
            bucket, taken = bucket.taken(), taken + 1
    assert taken <= 4 + (now - NOON) / MINUTE + 1e-6
