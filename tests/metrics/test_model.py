"""Events are checked at the door, and every refusal has its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from app.metrics.model import Event, checked, from_document
from app.metrics.money import Refused

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sent(document: object) -> Event:
    """The event of a JSON document that arrives at noon."""
    return from_document(document, now=NOON, default_currency="BRL")


def given(name: object = "nps", **fields: Any) -> Event:
    """The event of a call that is made at noon."""
    return checked(name, now=NOON, default_currency="BRL", **fields)


def test_only_a_name_is_required() -> None:
    """An event that says nothing else happened now."""
    assert sent({"name": "conversation_started"}) == Event(name="conversation_started", at=NOON)


def test_every_field_of_a_document_is_kept() -> None:
    """The example of the documentation becomes an event with all it says."""
    event = sent(
        {
            "name": "revenue",
            "key": "c-17",
            "at": "2026-11-22T14:00:00-03:00",
            "user_id": "u",
            "conversation_id": "c",
            "value": 1,
            "unit": "seat",
            "amount": "120.5",
            "currency": "brl",
            "of": None,
            "tags": {"channel": "whatsapp", "paid": True, "empty": None},
        }
    )
    assert event == Event(
        name="revenue",
        at=datetime(2026, 11, 22, 17, tzinfo=UTC),
        recorded=NOON,
        key="c-17",
        user_id="u",
        conversation_id="c",
        value=1,
        unit="seat",
        amount="120.50",
        currency="BRL",
        tags={"channel": "whatsapp", "paid": "true"},
    )


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "an event is a JSON object"),
        ({}, "name is missing"),
        ({"name": "Lead Generated"}, "name must be small letters"),
        ({"name": "a" * 65}, "name must be small letters"),
        ({"name": 7}, "name must be small letters"),
        ({"name": "x", "ammount": "1"}, "unknown field 'ammount'"),
        ({"name": "x", "recorded": "2026-11-23T12:00:00Z"}, "unknown field 'recorded'"),
        ({"name": "x", "at": 1764000000}, "at must be an RFC 3339 text"),
        ({"name": "x", "at": "2026-11-22T14:00:00"}, "at is not an RFC 3339 time"),
        ({"name": "x", "at": "0001-01-01T00:00:00+14:00"}, "at is not an RFC 3339 time"),
        ({"name": "x", "at": "2026-11-24T12:00:01Z"}, "more than a day in the future"),
        ({"name": "x", "at": "1969-12-31T23:59:59Z"}, "before 1970"),
        ({"name": "x", "value": "9"}, "value must be a number"),
        ({"name": "x", "value": True}, "value must be a number"),
        ({"name": "x", "value": 1e300}, "value must lie between"),
        ({"name": "x", "value": float("nan")}, "value must lie between"),
        ({"name": "revenue"}, "revenue has no amount"),
        ({"name": "revenue", "amount": 1.5}, "a float is not exact"),
        ({"name": "revenue", "amount": "0.005"}, "more than 2 decimals"),
        ({"name": "revenue", "amount": "0.5", "currency": "JPY"}, "more than 0 decimals"),
        ({"name": "refund", "amount": "-1"}, "amount of refund is negative"),
        ({"name": "cost", "amount": "1", "currency": "XYZ"}, "not an ISO 4217 code"),
        ({"name": "x", "currency": "BRL"}, "currency but no amount"),
        ({"name": "x", "key": ""}, "key must have 1 to 200 characters"),
        ({"name": "x", "key": "k" * 201}, "key must have 1 to 200 characters"),
        ({"name": "x", "user_id": ["u"]}, "user_id must be a text"),
        ({"name": "x", "user_id": "\ud800"}, "user_id is not valid Unicode"),
        ({"name": "x", "tags": ["a"]}, "tags must be an object"),
        ({"name": "x", "tags": {"a": {"b": 1}}}, "tags must be texts or numbers"),
        ({"name": "x", "tags": {"a": "\ud800"}}, "tags is not valid Unicode"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(document: object, reason: str) -> None:
    """The one who sent it can correct it from the reason alone."""
    with pytest.raises(Refused, match=reason):
        sent(document)


def test_calls_take_what_python_code_has_at_hand() -> None:
    """Decimals, whole-number ids and datetimes of any zone are understood."""
    at = datetime(2026, 11, 23, 9, 30, tzinfo=timezone(timedelta(hours=-3)))
    event = given("revenue", amount=Decimal("19.90"), key=42, at=at)
    assert (event.amount, event.key) == ("19.90", "42")
    assert event.at == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    """A naive datetime could be any hour of the day."""
    with pytest.raises(Refused, match="with a zone"):
        given(at=NOON.replace(tzinfo=None))


def test_tags_are_cut_to_what_the_rollups_keep() -> None:
    """At most 16 tags of at most 200 characters are kept, and the event counts."""
    event = given(tags={f"tag{n:03}" + "x" * 300: "y" * 300 for n in range(20)})
    assert len(event.tags) == 16
    assert {(len(label), len(tag)) for label, tag in event.tags.items()} == {(200, 200)}


def test_a_cost_may_be_a_fraction_of_a_cent() -> None:
    """An answer of a language model costs less than any coin."""
    assert given("cost", amount="0.000075", currency="USD").amount == "0.000075"


def test_a_custom_event_may_carry_negative_money() -> None:
    """Only the trade's own money has a direction by its name."""
    assert given("balance.change", amount="-3").amount == "-3.00"
