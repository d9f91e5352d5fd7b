"""What a business event is, which ones are refused, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from ..core.clock import parse_rfc3339
from .money import Refused, checked_currency, decimal_text, digits_of, millionths

_PAID = frozenset({"revenue", "refund"})
MONEY = _PAID | {"cost"}
TRADE = MONEY | {
    "conversation_started",
    "conversation_ended",
    "conversation_handed_off",
    "lead_generated",
    "lead_qualified",
    "booking_requested",
    "booking_confirmed",
    "booking_cancelled",
}
"""The names of the trade; any other name is a custom event."""

MOST_TAGS = 16
LONGEST_TEXT = 200
LARGEST_VALUE = 10**9
_AHEAD = timedelta(days=1)
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_WITHIN = msgspec.Meta(ge=-LARGEST_VALUE, le=LARGEST_VALUE)
Number = Annotated[int, _WITHIN] | Annotated[float, _WITHIN]


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of the journal: something that happened in the business.

    `at` is when it happened; `recorded` is when it was written down, where that is another time.
    `key` makes it count once per name; `of` is the key of the revenue that a refund gives back.
    `amount` is an exact decimal text in `currency`; `value` is any other number, in `unit`.
    """

    name: str
    at: Moment
    recorded: Moment | None = None
    key: str | None = None
    user_id: str | None = None
    conversation_id: str | None = None
    value: Number | None = None
    unit: str | None = None
    amount: str | None = None
    currency: str | None = None
    of: str | None = None
    tags: dict[str, str] = {}


_FIELDS = frozenset(Event.__struct_fields__) - {"recorded"}


def from_document(document: object, *, now: datetime, default_currency: str) -> Event:
    """The event of a JSON document, as HTTP callers send it; Refused with the reason."""
    if not isinstance(document, Mapping):
        raise Refused("an event is a JSON object")
    if unknown := sorted(str(field)[:LONGEST_TEXT] for field in document.keys() - _FIELDS):
        raise Refused(f"unknown field {unknown[0]!r}")
    if not isinstance(document.get("at", ""), str | None):
        raise Refused("at must be an RFC 3339 text such as 2026-11-22T14:00:00Z")
    given = {field: value for field, value in document.items() if value is not None}
    return checked(given.pop("name", None), now=now, default_currency=default_currency, **given)


def checked(
    name: object,
    *,
    now: datetime,
    default_currency: str,
    value: object = None,
    unit: object = None,
    tags: object = None,
    key: object = None,
    at: object = None,
    user_id: object = None,
    conversation_id: object = None,
    amount: object = None,
    currency: object = None,
    of: object = None,
) -> Event:
    """The event that these arguments describe; Refused with the reason when they do not make one."""
    known = name if isinstance(name, str) and name in TRADE else checked_name(name)
    money, code = _money(known, amount, currency, default_currency)
    return Event(
        name=known,
        at=now if at is None else _moment(at, now),
        recorded=None if at is None else now,
        key=None if key is None else _identity("key", key),
        user_id=None if user_id is None else _identity("user_id", user_id),
        conversation_id=None if conversation_id is None else _identity("conversation_id", conversation_id),
        value=None if value is None else _value(value),
        unit=None if unit is None else _identity("unit", unit),
        amount=money,
        currency=code,
        of=None if of is None else _identity("of", of),
        tags=_tags(tags) if tags else {},
    )


def checked_name(name: object) -> str:
    """The name of a custom event; Refused when it is not one."""
    if name is None:
        raise Refused("name is missing")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise Refused("name must be small letters, digits, _ and . (at most 64, a letter first)")
    return name


def _money(
    name: str, amount: object, currency: object, default_currency: str
) -> tuple[str | None, str | None]:
    if amount is None:
        if name in MONEY:
            raise Refused(f"{name} has no amount")
        if currency is not None:
            raise Refused("there is a currency but no amount")
        return None, None
    code = default_currency if currency is None else checked_currency(currency)
    exact = millionths(amount, digits=digits_of(code)) if name in _PAID else millionths(amount)
    if exact < 0 and name in MONEY:
        raise Refused(f"amount of {name} is negative; money given back is a refund")
    return decimal_text(exact, code), code


def _moment(at: object, now: datetime) -> datetime:
    try:
        moment = parse_rfc3339(at) if isinstance(at, str) else at
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise Refused("at must be an RFC 3339 text with an offset, or a datetime with a zone")
        moment = moment.astimezone(now.tzinfo)
    except (ValueError, OverflowError) as error:
        raise Refused("at is not an RFC 3339 time such as 2026-11-22T14:00:00Z") from error
    if moment - now > _AHEAD:
        raise Refused("at is more than a day in the future")
    if moment.year < 1970:
        raise Refused("at is before 1970")
    return moment


def _identity(field: str, text: object) -> str:
    """An id in full, because a shortened one could be somebody else's."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise Refused(f"{field} must be a text")
    if not 0 < len(text) <= LONGEST_TEXT:
        raise Refused(f"{field} must have 1 to {LONGEST_TEXT} characters")
    return _utf8(field, text)


def _value(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("value must be a number")
    if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
        raise Refused(f"value must lie between -{LARGEST_VALUE} and {LARGEST_VALUE}")
    return value


def _tags(tags: object) -> dict[str, str]:
    """Tags as texts, cut to what the rollups keep; tags without a value are left out."""
    if not isinstance(tags, Mapping):
        raise Refused("tags must be an object of texts")
    kept: dict[str, str] = {}
    for label, tag in tags.items():
        if tag is None or len(kept) == MOST_TAGS:
            continue
        kept[_utf8("tags", str(label)[:LONGEST_TEXT])] = _utf8("tags", _tag(tag))
    return kept


def _tag(tag: Any) -> str:
    if isinstance(tag, bool):
        return str(tag).lower()
    if isinstance(tag, Mapping | list | tuple | set | bytes):
        raise Refused("tags must be texts or numbers")
    return str(tag)[:LONGEST_TEXT]


def _utf8(field: str, text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Refused(f"{field} is not valid Unicode text") from error
    return text
