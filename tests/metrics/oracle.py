"""The dashboard's figures by the plainest means: all events in a list, looked at one by one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from app.metrics.model import Event
from app.metrics.rollup import FUNNEL, digest_of


def counted(events: Iterable[Event]) -> list[Event]:
    """Every event without a key, and of those with one the one recorded first."""
    winners: dict[tuple[str, str | int], Event] = {}
    for number, event in enumerate(events):
        identity = (event.name, number if event.key is None else event.key)
        if identity not in winners or _order(event) < _order(winners[identity]):
            winners[identity] = event
    return list(winners.values())


def figures(events: Iterable[Event], since: datetime, until: datetime, active_hours: int) -> dict[str, Any]:
    """What a dashboard of [since, until) shows of these events."""
    all_counted = counted(events)
    here = [e for e in all_counted if since <= e.at < until]
    turns = [e for e in all_counted if e.name in ("conversation_started", "conversation_ended")]
    return {
        "counts": {name: sum(e.name == name for e in here) for name in {e.name for e in here}},
        "gross": sum((Decimal(e.amount or 0) for e in here if e.name == "revenue"), Decimal(0)),
        "users": len({_person(e) for e in here} - {None}),
        "active": _active(turns, until, timedelta(hours=active_hours)),
        "duration": _average_duration(turns, since, until),
        "funnel": _funnel(here),
    }


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """The same figures out of a dashboard document."""
    named = {
        "conversation_started": document["conversations"]["started"],
        "conversation_ended": document["conversations"]["completed"],
        "lead_generated": document["leads"]["generated"],
        "booking_requested": document["bookings"]["requested"],
        "booking_confirmed": document["bookings"]["confirmed"],
        "revenue": document["revenue"]["BRL"]["count"],
        **{name: custom["count"] for name, custom in document["custom"].items()},
    }
    return {
        "counts": {name: count for name, count in named.items() if count},
        "gross": Decimal(document["revenue"]["BRL"]["gross"]),
        "users": document["users"]["unique"],
        "active": document["conversations"]["active"],
        "duration": document["conversations"]["average_duration_seconds"],
        "funnel": [stage["people"] for stage in document["funnel"]],
    }


def _order(event: Event) -> tuple[datetime, int]:
    return event.recorded or event.at, digest_of(msgspec.json.encode(event))


def _person(event: Event) -> str | None:
    return event.user_id or event.conversation_id


def _conversation(event: Event) -> str | None:
    return event.conversation_id or event.user_id


def _active(turns: list[Event], until: datetime, active_for: timedelta) -> int:
    begun = [e for e in turns if e.name == "conversation_started" and until - active_for <= e.at < until]
    ended = [e for e in turns if e.name == "conversation_ended" and e.at < until]
    return len(
        {
            _conversation(b)
            for b in begun
            if _conversation(b)
            and not any(_conversation(e) == _conversation(b) and e.at >= b.at for e in ended)
        }
    )


def _average_duration(turns: list[Event], since: datetime, until: datetime) -> float | None:
    moments = {(_conversation(e), e.name, e.at) for e in turns if _conversation(e)}
    durations = []
    for who, name, at in moments:
        if name == "conversation_ended" and since <= at < until:
            before = [b for w, n, b in moments if w == who and n == name and b < at]
            starts = [s for w, n, s in moments if w == who and n != name and s <= at]
            if starts and (not before or max(before) <= max(starts)):
                durations.append((at - max(starts)).total_seconds())
    return round(sum(durations) / len(durations), 3) if durations else None


def _funnel(here: list[Event]) -> list[int]:
    reached: dict[str, datetime] = {}
    counts = []
    for number, stage in enumerate(FUNNEL):
        times: dict[str, datetime] = {}
        for event in here:
            who = _person(event)
            if event.name == stage and who and (number == 0 or event.at >= reached.get(who, _LATE)):
                times[who] = min(event.at, times.get(who, _LATE))
        reached = times
        counts.append(len(reached))
    return counts


_LATE = datetime.fromisoformat("9999-01-01T00:00:00Z")
