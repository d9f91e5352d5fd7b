"""A batch of events is sifted: what is new, what was there, and what cannot be taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.metrics.intake import Intake


def taken(*documents: object, known: dict[Any, Any] | None = None) -> Intake:
    """The batch after it was compared with the keys that have been counted."""
    intake = Intake(documents, now=datetime(2026, 11, 23, 12, tzinfo=UTC), default_currency="BRL")
    intake.sift(known or {})
    return intake


def test_events_without_a_key_are_all_accepted() -> None:
    """Nothing tells two equal events without a key apart from two that happened."""
    assert taken({"name": "a"}, {"name": "a"}).document()["accepted"] == 2


def test_a_key_is_accepted_once_per_name() -> None:
    """The same key of another name is another event."""
    batch = taken({"name": "a", "key": "1"}, {"name": "b", "key": "1"}, {"name": "a", "key": "1"})
    assert batch.document() == {"accepted": 2, "duplicates": 1, "rejected": 0, "reasons": []}


def test_a_key_that_was_counted_before_is_a_duplicate() -> None:
    """Its amount may be written in another way."""
    known = {("revenue", "b1"): (10_500_000, "BRL"), ("a", "1"): (None, "")}
    batch = taken({"name": "revenue", "key": "b1", "amount": "10.5"}, {"name": "a", "key": "1"}, known=known)
    assert (batch.duplicates, batch.fresh) == (2, [])


def test_another_amount_with_a_known_key_is_rejected() -> None:
    """The amount that was there first stays, and the sender is told."""
    batch = taken(
        {"name": "revenue", "key": "b1", "amount": "10.51"}, known={("revenue", "b1"): (10_500_000, "BRL")}
    )
    assert batch.conflicts == 1
    assert batch.document()["reasons"] == [
        {"index": 0, "reason": "this key was used before with another amount, which stays"}
    ]


def test_each_rejected_event_has_its_place_and_reason() -> None:
    """One bad event does not keep the others out."""
    document = taken({"name": "a"}, 7, {"name": "revenue", "amount": 0.1}).document()
    assert (document["accepted"], document["rejected"]) == (1, 2)
    assert [reason["index"] for reason in document["reasons"]] == [1, 2]
