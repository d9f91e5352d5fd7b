"""What holds a notice back at the moment when it would go out: a silence, a cooldown, its age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypeAlias

from ..core.errors import InputRejected
from ..core.signal import Severity
from .model import Alert, Kind, Silence, State, Told

Cooldown: TypeAlias = Callable[[Severity], float]
"""The cooldown of a severity, in seconds."""

NEWS_FOR = timedelta(hours=24)
"""How long it is news that something is over or has happened."""
LONGEST_GAP = timedelta(hours=24)

_MATCHABLE = ("severity", "category", "source", "key", "code", "title", "fingerprint")


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a notice does not go out, and until when that is so (None: for good)."""

    why: str
    until: datetime | None = None


def hold(
    kind: Kind, alert: Alert, told: Told, silences: Iterable[Silence], cooldown: Cooldown, now: datetime
) -> Hold | None:
    """None when the notice may go out to the channel that was `told`."""
    if kind is Kind.REMINDER and alert.state is State.ACKNOWLEDGED:
        return Hold(f"acknowledged by {alert.acknowledged_by}")
    if alert.resolved_at is not None and now - alert.resolved_at > NEWS_FOR:
        return Hold("over for more than a day")
    for silence in silences:
        if silence.starts_at <= now < silence.ends_at and matches(silence.matchers, alert):
            return Hold(f"silence {silence.id} of {silence.author}", silence.ends_at)
    return _cooling(kind, alert, told, cooldown, now)


def _cooling(kind: Kind, alert: Alert, told: Told, cooldown: Cooldown, now: datetime) -> Hold | None:
    """Never holds the end of what was told, nor anything worse than what was told."""
    if kind is Kind.RESOLVED or told.at is None or alert.severity.rank > told.severity.rank:
        return None
    until = told.at + gap(alert, told, cooldown)
    # Because a delivery that lies in the future only says that the clock was set back.
    return Hold("cooldown", until) if told.at <= now < until else None


def gap(alert: Alert, told: Told, cooldown: Cooldown) -> timedelta:
    """The shortest time between two notices: the cooldown, doubled with each reminder of one episode."""
    seconds = cooldown(alert.severity)
    if told.alert_id == alert.id:
        seconds *= 2 ** min(told.reminders, 16)
    return min(timedelta(seconds=seconds), LONGEST_GAP)


def matches(matchers: Mapping[str, str], alert: Alert) -> bool:
    """Whether every matcher fits the alert."""
    return all(fnmatchcase(_field(alert, name), pattern) for name, pattern in matchers.items())


def check_matchers(matchers: Mapping[str, str]) -> None:
    """InputRejected when a matcher names nothing that an alert has, or when there is none."""
    if not matchers:
        raise InputRejected("a silence needs a matcher", 'Everything is silenced by {"severity": "*"}.')
    for name in matchers:
        if name not in _MATCHABLE and not name.startswith("labels."):
            raise InputRejected(
                f"there is no field {name!r} to match", f"Use {', '.join(_MATCHABLE)} or labels.<name>."
            )


def _field(alert: Alert, name: str) -> str:
    if name.startswith("labels."):
        return alert.labels.get(name.removeprefix("labels."), "")
    return str(getattr(alert, name))
