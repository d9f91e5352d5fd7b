"""The life of an alert: what an observation, an operator or the passing of time makes of it.

Everything here is a function from values to a Change. Whether its notice goes out, and to whom,
is decided elsewhere (routing, overlays), at the moment when it would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..core.signal import Condition
from .facts import Observed
from .model import Alert, Kind, State, Step

_DISORDER = timedelta(seconds=60)
"""How far apart facts of two processes may lie and still be read in the wrong order.

Beyond it, a time that runs backwards is a clock that was set.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """The alert as it is now, what goes into its history, and the notice that it calls for."""

    alert: Alert | None
    steps: tuple[Step, ...] = ()
    notice: Kind | None = None


def observe(last: Alert | None, cleared_at: datetime | None, seen: Observed) -> Change:
    """What an observation changes.

    `last` is the newest episode of its fingerprint (the active one, if there is one), `cleared_at`
    when the condition was last said to be over. In this order:
    1. what can only be noted makes an episode that is over at once;
    2. what is cleared ends the active episode, if it was not raised again since;
    3. what is raised while an episode is active is a repetition of it, or makes it worse;
    4. what was cleared after it was raised, but was read first, is over already;
    5. everything else begins an episode.
    """
    if seen.condition is Condition.NOTED:
        return _noted(last, seen)
    active = last if last is not None and last.is_active else None
    if seen.condition is Condition.CLEARED:
        return _cleared(active, seen)
    if active is not None:
        return _seen_again(active, seen)
    if cleared_at is not None and seen.at < cleared_at <= seen.at + _DISORDER:
        return _over_already(last, cleared_at, seen)
    return Change(_begun(last, seen), (_raised(seen),), Kind.FIRED)


def acknowledge(alert: Alert, at: datetime, by: str, reason: str) -> Change:
    """Somebody is on it; only what is firing can be acknowledged."""
    if alert.state is not State.FIRING:
        return Change(alert)
    known = replace(alert, state=State.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by, reason=reason)
    return Change(known, (Step("acknowledged", reason, by),), Kind.ACKNOWLEDGED)


def resolve(alert: Alert, at: datetime, by: str, reason: str) -> Change:
    """It is over; nothing happens when it was over already."""
    if not alert.is_active:
        return Change(alert)
    over = replace(
        alert, state=State.RESOLVED, resolved_at=at, resolved_by=by, reason=reason, expires_at=None
    )
    return Change(over, (Step("resolved", reason, by),), Kind.RESOLVED)


def expire(alert: Alert, now: datetime) -> Change:
    """It is over when it was not observed again in time."""
    if alert.expires_at is None or alert.expires_at > now:
        return Change(alert)
    return resolve(alert, now, "atalaia", "it was not observed again in time")


def alert_id(at: datetime, fingerprint: str, previous: str = "") -> str:
    """20 digits and letters that sort by time and lie behind the previous id of the fingerprint."""
    serial = int(at.timestamp() * 1_000_000)
    if previous:
        serial = max(serial, int(previous[:11], 32) + 1)
    return f"{_base32(serial):0>11}{fingerprint[:9]}"


def _begun(last: Alert | None, seen: Observed) -> Alert:
    return Alert(
        id=alert_id(seen.at, seen.fingerprint, last.id if last else ""),
        fingerprint=seen.fingerprint,
        source=seen.source,
        key=seen.key,
        title=seen.title,
        severity=seen.severity,
        category=seen.category,
        state=State.FIRING,
        started_at=seen.at,
        seen_at=seen.at,
        notified=seen.severity,
        message=seen.message,
        labels=seen.labels,
        code=seen.code,
        value=seen.value,
        threshold=seen.threshold,
        expires_at=_expiry(seen),
    )


def _noted(last: Alert | None, seen: Observed) -> Change:
    alert = _begun(last, seen)
    over = replace(alert, state=State.RESOLVED, resolved_at=seen.at, expires_at=None, noted=True)
    return Change(over, (Step("noted", seen.message, seen.source),), Kind.NOTED)


def _cleared(active: Alert | None, seen: Observed) -> Change:
    if active is None:
        return Change(None)
    if seen.at < active.seen_at <= seen.at + _DISORDER:
        return Change(active, (Step("ignored", "an end older than the last observation", seen.source),))
    return resolve(active, seen.at, seen.source, seen.message)


def _seen_again(alert: Alert, seen: Observed) -> Change:
    now = replace(
        alert,
        seen_at=max(alert.seen_at, seen.at),
        repeats=alert.repeats + 1,
        severity=seen.severity,
        message=seen.message,
        labels=seen.labels,
        code=seen.code,
        value=seen.value,
        threshold=seen.threshold,
        expires_at=_expiry(seen),
    )
    if seen.severity.rank > alert.notified.rank:
        # Because who acknowledged it knew of something less bad.
        worse = replace(
            now, notified=seen.severity, state=State.FIRING, acknowledged_at=None, acknowledged_by=""
        )
        return Change(worse, (Step("worse", f"{alert.severity} → {seen.severity}", seen.source),), Kind.WORSE)
    if seen.severity is not alert.severity:
        why = f"{alert.severity} → {seen.severity}, not worse than what was said"
        return Change(now, (Step("severity", why, seen.source),))
    return Change(
        now, (Step("repeated", "counted; a reminder follows when the cooldown is over", seen.source),)
    )


def _over_already(last: Alert | None, cleared_at: datetime, seen: Observed) -> Change:
    if last is not None and not last.noted and seen.at >= last.started_at:
        counted = replace(last, repeats=last.repeats + 1, seen_at=max(last.seen_at, seen.at))
        return Change(counted, (Step("repeated", "read after its end", seen.source),))
    ended = resolve(_begun(last, seen), cleared_at, seen.source, "read after its end")
    return Change(ended.alert, (_raised(seen), *ended.steps), Kind.LATE)


def _raised(seen: Observed) -> Step:
    return Step("raised", f"{seen.severity} {seen.category}", seen.source)


def _expiry(seen: Observed) -> datetime | None:
    if seen.expires_seconds is None:
        return None
    return seen.at + timedelta(seconds=min(seen.expires_seconds, 366 * 86400))


def _base32(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = "0123456789abcdefghijklmnopqrstuv"[digit] + digits
    return digits
