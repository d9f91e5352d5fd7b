"""The documents that operators read: active, stats, history, health and measures, made from values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean, median
from typing import Any, TypeVar

from ..core.clock import parse_rfc3339
from ..core.errors import InputRejected
from ..core.health import Health, Level
from ..core.measure import Measure, Sample
from ..core.signal import Category, Severity
from .holding import NOTHING, Untold
from .matching import matches
from .model import Alert, Silence, State

_SHOWN = 1_000
_PAGE, _END = 1_000, 1 << 62
_LATE = timedelta(minutes=5)
_OUTCOMES = ("sent", "failed", "dead")
_Word = TypeVar("_Word", bound=StrEnum)


def word_of(kind: type[_Word], given: str) -> _Word:
    """The word in any case; InputRejected when it is none of its kind."""
    try:
        return kind(given.upper())
    except ValueError:
        raise InputRejected(
            f"{given!r} is no {kind.__name__.lower()}", f"Use one of {', '.join(kind)}."
        ) from None


def active_document(
    alerts: Iterable[Alert],
    silences: Sequence[Silence],
    *,
    severity: str | None,
    category: str | None,
    source: str | None,
    q: str | None,
    untold: Untold = NOTHING,
) -> dict[str, Any]:
    """The active alerts that fit every filter, worst and newest first, at most a thousand of them."""
    found = list(alerts)
    if severity is not None:
        wanted = word_of(Severity, severity)
        found = [alert for alert in found if alert.severity is wanted]
    if category is not None:
        about = word_of(Category, category)
        found = [alert for alert in found if alert.category is about]
    if source is not None:
        found = [alert for alert in found if alert.source == source]
    if q:
        found = [alert for alert in found if _mentions(alert, q.casefold())]
    found.sort(key=lambda alert: (alert.severity.rank, alert.started_at), reverse=True)
    return {
        "alerts": [alert_document(alert, silences, untold) for alert in found[:_SHOWN]],
        "total": len(found),
    }


def alert_document(alert: Alert, silences: Iterable[Silence], untold: Untold = NOTHING) -> dict[str, Any]:
    """The alert, the silences that fit it, since when it comes and goes, and why it is not told now."""
    return {
        **alert.document(),
        "silenced_by": [silence.id for silence in silences if matches(silence.matchers, alert)],
        "flapping_since": untold.flapping.get(alert.fingerprint),
        "held": [held.document() for held in untold.held.get(alert.id, ())],
    }


def one_document(
    alert: Alert,
    silences: Iterable[Silence],
    events: Iterable[Mapping[str, Any]],
    notices: Iterable[Mapping[str, Any]],
    untold: Untold = NOTHING,
) -> dict[str, Any]:
    """The alert, every step of it (oldest first), and what became of each of its notices."""
    said = ("at", "last_at", "count", "what", "why", "who", "channel")
    history = [{name: event[name] for name in said} for event in events]
    return {
        **alert_document(alert, silences, untold),
        "seconds_to_acknowledge": _seconds(alert.started_at, alert.acknowledged_at),
        "seconds_to_resolve": _seconds(alert.started_at, alert.resolved_at),
        "history": history[::-1],
        "notices": [dict(notice) for notice in notices],
    }


def stats_document(
    counts: Iterable[Mapping[str, Any]],
    acknowledged: Sequence[float],
    resolved: Sequence[float],
    overview: Mapping[str, Mapping[str, Any]],
    configured: Iterable[str],
) -> dict[str, Any]:
    """How many alerts there were and are, how fast people were, and how the channels do."""
    rows = list(counts)
    active = [row for row in rows if row["state"] != State.RESOLVED]
    names = list(configured)
    return {
        "total": sum(row["number"] for row in rows),
        **_by_everything(rows),
        "active": {"total": sum(row["number"] for row in active), **_by_everything(active)},
        "time_to_acknowledge_seconds": _typical(acknowledged),
        "time_to_resolve_seconds": _typical(resolved),
        "channels": {name: {"configured": name in names, **known} for name, known in overview.items()},
    }


def checked_page(limit: int, before: str | int | None) -> int:
    """The id behind which a page of history begins; InputRejected when there can be none such."""
    if not 1 <= limit <= _PAGE:
        raise InputRejected(f"limit is {limit}", f"Use a number from 1 to {_PAGE}.")
    if before is None:
        return _END
    if not str(before).isdecimal() or int(before) > _END:
        raise InputRejected("before is no number of a step", "Use `next_before` of the page before.")
    return int(before)


def history_document(events: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """Events, newest first; `next_before` asks for the page after, and is null on the last."""
    more = len(events) > limit
    shown = list(events[:limit])
    return {"events": shown, "limit": limit, "next_before": shown[-1]["id"] if more else None}


def health_of(
    overview: Mapping[str, Mapping[str, Any]],
    configured: Iterable[str],
    waiting: int,
    dropped: int,
    now: datetime,
    *,
    lag: timedelta = _LATE,
) -> Health:
    """Degraded while a channel fails, a notice is dead or late, or the journal cannot be written."""
    names = list(configured)
    if not names:
        return Health(reason="no channel is configured: alerts are kept and shown, nobody is told")
    troubles = [trouble for name in names for trouble in _troubles(name, overview[name], now, lag)]
    if waiting or dropped:
        troubles.append(f"the journal cannot be written: {waiting} facts wait in memory, {dropped} were lost")
    level = Level.DEGRADED if troubles else Level.OK
    return Health(level, "; ".join(troubles), {"channels": names, "trials": _trials(names, overview)})


def measures_of(
    counts: Iterable[Mapping[str, Any]], overview: Mapping[str, Mapping[str, Any]]
) -> list[Measure]:
    """What is active, what was sent, and what waits, of all workers."""
    active: Counter[tuple[str, str]] = Counter()
    for row in counts:
        if row["state"] != State.RESOLVED:
            active[row["severity"], row["category"]] += row["number"]
    return [
        Measure("atalaia_alerts_active", "gauge", "Alerts that are not over.", _active_samples(active)),
        Measure(
            "atalaia_alert_notices",
            "counter",
            "Attempts to deliver a notice, by how they went.",
            [
                Sample(known[outcome], {"channel": name, "outcome": outcome})
                for name, known in overview.items()
                for outcome in _OUTCOMES
            ],
        ),
        Measure(
            "atalaia_alert_notices_pending",
            "gauge",
            "Notices that wait for delivery.",
            [Sample(known["pending"], {"channel": name}) for name, known in overview.items()],
        ),
    ]


def _trials(names: Iterable[str], overview: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How each channel did when it was tried last."""
    return {
        name: {"at": known["canary_at"], "seconds": known["canary_seconds"], "error": known["canary_error"]}
        for name in names
        if (known := overview[name])["canary_at"] is not None
    }


def _active_samples(active: Mapping[tuple[str, str], int]) -> list[Sample]:
    return [
        Sample(active[severity, category], {"severity": severity, "category": category})
        for severity in Severity
        for category in Category
    ]


def _seconds(began: datetime, then: datetime | None) -> float | None:
    return None if then is None else round((then - began).total_seconds(), 3)


def _mentions(alert: Alert, q: str) -> bool:
    return any(
        q in text.casefold() for text in (alert.title, alert.message, alert.key, *alert.labels.values())
    )


def _by_everything(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    return {
        f"by_{name}": {word.value: sum(row["number"] for row in rows if row[name] == word) for word in words}
        for name, words in (("severity", Severity), ("category", Category), ("state", State))
    }


def _typical(seconds: Sequence[float]) -> dict[str, float | int | None]:
    if not seconds:
        return {"count": 0, "mean": None, "median": None}
    return {"count": len(seconds), "mean": round(fmean(seconds), 3), "median": round(median(seconds), 3)}


def _troubles(name: str, known: Mapping[str, Any], now: datetime, lag: timedelta) -> Iterable[str]:
    if known["failures"]:
        yield f"{name} fails: {known['last_error']}"
    if known["dead_lately"]:
        yield f"{known['dead_lately']} notices for {name} could not be delivered within a day"
    oldest = known["oldest_pending_at"]
    if oldest is not None and now - parse_rfc3339(oldest) > lag:
        yield f"a notice for {name} has waited since {oldest}"
