"""What journal lines add up to: sums per minute and series, and traces of people and conversations.

Everything here is a sum over counted events, so that neither order nor place of a line matters.
Of the lines with one key only the one recorded first counts; when it is read late, the line that
counted until then is taken back.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import msgspec

from .calendar import GRAINS
from .model import MONEY, Event
from .money import MICRO, Refused, checked_currency, millionths

OTHER = "__other__"
FUNNEL = ("conversation_started", "lead_generated", "booking_requested", "booking_confirmed", "revenue")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_QUARTER_HOUR = 900 * MICRO


class Trace(IntEnum):
    """What is remembered of a subject; FIRST_STAGE + n is the n-th stage of the funnel."""

    SEEN = 0
    BEGAN = 1
    ENDED = 2
    FIRST_STAGE = 10


_STAGES = {name: Trace.FIRST_STAGE + number for number, name in enumerate(FUNNEL)}
_TURNS = {"conversation_started": Trace.BEGAN, "conversation_ended": Trace.ENDED}


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A journal line as the rollups need it.

    Times are microseconds since 1970, value and amount are millionths, person and conversation hashes.
    """

    name: str
    series: int
    at: int
    recorded: int
    digest: int
    value: int | None
    amount: int | None
    currency: str
    person: int | None
    conversation: int | None

    def precedes(self, other: Fact) -> bool:
        """Which of two lines with the same key counts, decided by nothing but the lines."""
        return (self.recorded, self.digest) < (other.recorded, other.digest)

    def contradicts(self, other: Fact) -> bool:
        """Whether the same key came with another amount."""
        return (self.amount, self.currency) != (other.amount, other.currency)


class Row(msgspec.Struct, gc=False):
    """The sums of one series in one bucket; least and most are those of every line, repeated ones too.

    Because what is taken back cannot be taken out of a minimum, a repeated line stays in it.
    """

    events: int = 0
    valued: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None
    amount: int = 0

    def count(self, fact: Fact, sign: int) -> None:
        """Add a fact, or take it back with sign -1."""
        self.events += sign
        self.amount += sign * (fact.amount or 0)
        if fact.value is not None:
            self.valued += sign
            self.total += sign * fact.value

    def widen(self, least: int | None, most: int | None) -> None:
        """Take a smallest and a largest value in."""
        if least is not None and (self.least is None or least < self.least):
            self.least = least
        if most is not None and (self.most is None or most > self.most):
            self.most = most

    def merge(self, other: Row) -> None:
        """Add the sums of another bucket."""
        self.events += other.events
        self.valued += other.valued
        self.total += other.total
        self.amount += other.amount
        self.widen(other.least, other.most)


class Deltas:
    """What some journal lines change: sums per minute, traces, and how many keys contradicted."""

    def __init__(self) -> None:
        self.minutes: dict[tuple[int, int], Row] = {}
        self.traces: Counter[tuple[int, int, int]] = Counter()
        self.conflicts = 0

    def settle(self, fact: Fact, counted: Fact | None) -> Fact:
        """Take one line in, given the line that counts for its key so far; returns the one that does now."""
        self._row(fact).widen(fact.value, fact.value)
        if counted is None:
            self._count(fact, 1)
            return fact
        if fact.contradicts(counted):
            self.conflicts += 1
        if not fact.precedes(counted):
            return counted
        self._count(counted, -1)
        self._count(fact, 1)
        return fact

    def buckets(self) -> Iterator[tuple[int | None, ...]]:
        """(grain, bucket, series, the fields of Row) for every grain, in the order of the rollup's key."""
        rows = self.minutes
        for grain in GRAINS:
            if grain != GRAINS[0]:
                rows = _coarser(rows, grain)
            for bucket, series in sorted(rows):
                yield grain, bucket, series, *msgspec.structs.astuple(rows[bucket, series])

    def _count(self, fact: Fact, sign: int) -> None:
        self._row(fact).count(fact, sign)
        for trace in _traces(fact):
            self.traces[trace] += sign

    def _row(self, fact: Fact) -> Row:
        minute = fact.at // (60 * MICRO) * 60
        row = self.minutes.get((minute, fact.series))
        if row is None:
            row = self.minutes[minute, fact.series] = Row()
        return row


def _coarser(rows: Mapping[tuple[int, int], Row], grain: int) -> dict[tuple[int, int], Row]:
    merged: dict[tuple[int, int], Row] = {}
    for (bucket, series), row in rows.items():
        merged.setdefault((bucket // grain * grain, series), Row()).merge(row)
    return merged


def fact_of(event: Event, line: bytes, series: int) -> Fact:
    """The fact of an event that stands in the journal as `line`; Refused when its amount is not one."""
    at = microseconds(event.at)
    person, conversation = event.user_id, event.conversation_id
    of_person = None if person is None else _hash(b"u", person.encode())
    of_conversation = None if conversation is None else _hash(b"c", conversation.encode())
    return Fact(
        name=event.name,
        series=series,
        at=at,
        recorded=at if event.recorded is None else microseconds(event.recorded),
        digest=0 if event.key is None else digest_of(line),
        value=_measured(event),
        amount=_amount(event),
        currency=event.currency or "",
        person=of_conversation if of_person is None else of_person,
        conversation=of_person if of_conversation is None else of_conversation,
    )


def digest_of(line: bytes) -> int:
    """What tells two lines with the same key apart."""
    return _hash(b"", line)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _amount(event: Event) -> int | None:
    if event.amount is not None:
        checked_currency(event.currency)
        return millionths(event.amount)
    if event.name in MONEY:
        raise Refused(f"{event.name} has no amount")
    return None


def _measured(event: Event) -> int | None:
    """The value in millionths, because a sum of floats depends on their order.

    It is 1 where none was given. A conversation's end is 1 when it was completed and 0 else; a lead may
    be qualified without a score.
    """
    if event.name == "conversation_ended":
        return MICRO if event.tags.get("outcome", "completed") == "completed" else 0
    if event.value is None:
        return None if event.name == "lead_qualified" else MICRO
    return round(event.value * MICRO)


def _traces(fact: Fact) -> Iterator[tuple[int, int, int]]:
    if fact.person is not None:
        yield fact.person, Trace.SEEN, fact.at // _QUARTER_HOUR * _QUARTER_HOUR
        if (stage := _STAGES.get(fact.name)) is not None:
            yield fact.person, stage, fact.at
    if fact.conversation is not None and (turn := _TURNS.get(fact.name)) is not None:
        yield fact.conversation, turn, fact.at


def _hash(kind: bytes, text: bytes) -> int:
    """64 bits, which a million people share with a probability of one in thirty million."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, salt=kind).digest(), "big", signed=True)
