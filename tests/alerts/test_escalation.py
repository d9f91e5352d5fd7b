"""Who is told when nobody is on it."""

from __future__ import annotations

from datetime import timedelta

from app.alerts.escalation import Ladder, Rung, ladder_of

from .examples import NOON, fired

MINUTE = timedelta(minutes=1)
SHOP = Ladder("shop", {"category": "BUSINESS"}, (Rung(10 * MINUTE, ("ana",)), Rung(30 * MINUTE, ("bob",))))
REST = Ladder("rest", {}, (Rung(MINUTE, ("bob",)),))


def test_first_ladder_that_matches_is_climbed() -> None:
    """None where none does."""
    assert ladder_of(fired(), [SHOP, REST]) is SHOP
    assert ladder_of(fired(), []) is None


def test_rungs_come_one_after_the_other() -> None:
    """Ten minutes after the beginning, twenty after that, and then no more."""
    assert SHOP.due_at(0, NOON) == NOON + 10 * MINUTE
    assert SHOP.due_at(1, NOON + 10 * MINUTE) == NOON + 30 * MINUTE
    assert SHOP.due_at(2, NOON) is None
