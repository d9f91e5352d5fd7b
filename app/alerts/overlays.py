"""What holds a notice back at the moment when it would go out, and until when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from ..core.signal import Severity
from .matching import Matchers, field_of, matches
from .model import Alert, Kind, Silence, State, Told
from .routing import CHANNEL_FAILED

Cooldown: TypeAlias = Callable[[Severity], float]
"""The cooldown of a severity, in seconds."""

NEWS_FOR = timedelta(hours=24)
"""How long it is news that something is over or has happened."""
LONGEST_GAP = timedelta(hours=24)
_SHORTEST_GAP_OF_CHANNELS = timedelta(hours=1)
_GOOD = (Kind.RESOLVED, Kind.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a notice does not go out, and until when that is so (None: until something ends it).

    postponed: the notice itself waits, instead of another look at the alert then. is_for_good: nobody
    looks again.
    """

    why: str
    until: datetime | None = None
    postponed: bool = False
    is_for_good: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """Maintenance that is under way."""

    name: str
    match: Matchers
    until: datetime


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An alert that fires and explains others: those that fit `target` and agree with `equal`.

    is_target: whether it could be explained itself, by what fits `source`.
    """

    rule: str
    alert_id: str
    target: Matchers
    equal: Mapping[str, str]
    source: Matchers = field(default_factory=dict)
    is_target: bool = False

    def explains(self, alert: Alert) -> bool:
        """Whether the alert needs no notice of its own; of two that explain each other, both do."""
        return (
            alert.id != self.alert_id
            and all(field_of(alert, name) == text for name, text in self.equal.items())
            and matches(self.target, alert)
            and not (self.is_target and matches(self.source, alert))
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is so at the moment: quiet is the end of quiet hours, for `quiet_severities`.

    flapping: fingerprint → since when it comes and goes.
    """

    silences: Sequence[Silence] = ()
    maintenance: Sequence[Window] = ()
    inhibitors: Sequence[Inhibitor] = ()
    flapping: Mapping[str, datetime] = field(default_factory=dict)
    quiet_until: datetime | None = None
    quiet_severities: Sequence[Severity] = ()


def kind_for(kind: Kind, alert: Alert, told: Told, around: Circumstances) -> Kind:
    """What is said to a channel that knows this much: one that knows nothing of the episode is told all.

    Of a condition that comes and goes it is told just that, once.
    """
    since = around.flapping.get(alert.fingerprint)
    if since is not None and not _knows_of_flapping(told, since) and kind is not Kind.ACKNOWLEDGED:
        return Kind.FLAPPING
    if told.alert_id == alert.id:
        return kind
    return {Kind.RESOLVED: Kind.LATE, Kind.WORSE: Kind.FIRED, Kind.REMINDER: Kind.FIRED}.get(kind, kind)


def hold(
    kind: Kind, alert: Alert, told: Told, around: Circumstances, cooldown: Cooldown, now: datetime
) -> Hold | None:
    """None when the notice may go out to the channel that was `told`."""
    if kind in (Kind.REMINDER, Kind.ESCALATED) and alert.state is State.ACKNOWLEDGED:
        return Hold(f"acknowledged by {alert.acknowledged_by}", is_for_good=True)
    if alert.resolved_at is not None and now - alert.resolved_at > NEWS_FOR:
        return Hold("over for more than a day")
    # Because who was told that it fires would go on believing it, and an incident would stay open.
    if kind is not Kind.RESOLVED:
        for silence in around.silences:
            if silence.starts_at <= now < silence.ends_at and matches(silence.matchers, alert):
                return Hold(f"silence {silence.id} of {silence.author}", silence.ends_at)
    return _quieted(kind, alert, told, around) or _cooling(kind, alert, told, cooldown, now)


def gap(alert: Alert, told: Told, cooldown: Cooldown) -> timedelta:
    """The shortest time between two notices: the cooldown, doubled with each reminder of one episode."""
    seconds = cooldown(alert.severity)
    if told.alert_id == alert.id:
        seconds *= 2 ** min(told.reminders, 16)
    usual = min(timedelta(seconds=seconds), LONGEST_GAP)
    return max(usual, _SHORTEST_GAP_OF_CHANNELS) if alert.code == CHANNEL_FAILED else usual


def _quieted(kind: Kind, alert: Alert, told: Told, around: Circumstances) -> Hold | None:
    """The end of what was told, and who is on it, are said even during maintenance."""
    if kind not in _GOOD:
        for window in around.maintenance:
            if matches(window.match, alert):
                return Hold(f"maintenance: {window.name}", window.until)
        for inhibitor in around.inhibitors:
            if inhibitor.explains(alert):
                return Hold(f"inhibited: {inhibitor.rule} ({inhibitor.alert_id})")
    since = around.flapping.get(alert.fingerprint)
    if since is not None and kind is not Kind.FLAPPING and not _is_worse(alert, told):
        return Hold("flapping: told when it has settled")
    if around.quiet_until is not None and alert.severity in around.quiet_severities:
        return Hold("quiet hours", around.quiet_until, postponed=True)
    return None


def _cooling(kind: Kind, alert: Alert, told: Told, cooldown: Cooldown, now: datetime) -> Hold | None:
    """Never holds the end of what was told, who is on it, or anything worse than what was told."""
    if kind in (*_GOOD, Kind.ESCALATED, Kind.FLAPPING) or told.at is None or _is_worse(alert, told):
        return None
    if told.kind == Kind.FLAPPING and not alert.is_active:
        return None
    until = told.at + gap(alert, told, cooldown)
    # Because a delivery that lies in the future only says that the clock was set back.
    return Hold("cooldown", until) if told.at <= now < until else None


def _is_worse(alert: Alert, told: Told) -> bool:
    return told.at is None or alert.severity.rank > told.severity.rank


def _knows_of_flapping(told: Told, since: datetime) -> bool:
    return told.kind == Kind.FLAPPING and told.at is not None and told.at >= since
