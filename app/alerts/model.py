"""What an alert is, the notices it causes, and what a channel was told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.clock import rfc3339
from ..core.signal import Category, Severity


class State(StrEnum):
    """FIRING → ACKNOWLEDGED (somebody is on it) → RESOLVED; the middle one may be left out."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Kind(StrEnum):
    """What a notice says of its alert."""

    FIRED = "fired"
    WORSE = "worse"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    LATE = "late"
    """It fired and is over; nobody could be told in between."""
    NOTED = "noted"
    """Something happened that cannot be over, such as a good backup."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody is on it; said to those who were told that it fires."""
    ESCALATED = "escalated"
    """It fires, and nobody has said in time that they are on it."""
    FLAPPING = "flapping"
    """It comes and goes so often that nothing more is said until it has settled."""
    DIGEST = "digest"
    """Many things at once; see Notice.digest."""
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of a condition: from its first observation until it is over.

    `fingerprint` names the condition and is the same in every episode; `id` names the episode.
    `title` stays as it began, because mail programs thread by it; the rest follows what was seen
    last. `repeats` counts the observations after the first. `notified` is the highest severity
    that a notice was made for.
    """

    id: str
    fingerprint: str
    source: str
    key: str
    title: str
    severity: Severity
    category: Category
    state: State
    started_at: datetime
    seen_at: datetime
    notified: Severity
    message: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    value: float | None = None
    threshold: float | None = None
    repeats: int = 0
    expires_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    reason: str = ""
    noted: bool = False

    @property
    def is_active(self) -> bool:
        """Not over."""
        return self.state is not State.RESOLVED

    def document(self) -> dict[str, Any]:
        """The JSON document of the alert."""
        return {name: _said(getattr(self, name)) for name in self.__dataclass_fields__ if name != "notified"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of history: what happened, who did it, and why (or why nothing was sent)."""

    what: str
    why: str = ""
    who: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel knows of one fingerprint.

    at, severity, repeats: of the last notice that it delivered (`at` is None when there was none);
    alert_id: the episode which that was about; reminders: how many it delivered in that episode;
    kind: of that notice.
    owed: why something is still untold, "" when nothing is. due_at: when that is looked at again.
    """

    fingerprint: str
    channel: str
    alert_id: str = ""
    at: datetime | None = None
    severity: Severity = Severity.LOW
    repeats: int = 0
    reminders: int = 0
    owed: str = ""
    due_at: datetime | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Until `ends_at` nothing is sent about alerts that match every one of `matchers`.

    With `until_resolved` it ends before that when the last alert that it matches is over.

    A matcher is a field (severity, category, source, key, code, title, fingerprint or
    labels.<name>) and a text in which * and ? stand for others.
    """

    id: str
    matchers: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""
    ended_by: str = ""
    until_resolved: bool = False

    def document(self) -> dict[str, Any]:
        """The JSON document of the silence."""
        return {name: _said(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a digest: what is to be said of one alert; `count` of its observations."""

    kind: Kind
    alert: Alert
    count: int = 1


@dataclass(frozen=True, slots=True)
class Digest:
    """What many notices say together.

    items: the ten that matter most, the worst first; total: how many there are in all;
    by_severity, by_kind: how many of each, without those of which there are none; since: when the
    first of them began.
    """

    items: tuple[Item, ...]
    total: int
    by_severity: Mapping[Severity, int]
    by_kind: Mapping[Kind, int]
    since: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for one channel.

    `key` is the same at every attempt, so that a receiver can tell a repetition from a new message.
    `repeats` counts what was seen since this channel was last told. `possibly_repeated`: an earlier
    attempt was cut off, by a crash or by the other side, after it may have been delivered.
    `reference`: what the channel answered to the first notice of this episode, "" when there was
    none. `recipients`: to whom, in place of the channel's own, () for those. With a `digest`, `alert`
    is the worst of its items.
    """

    key: str
    kind: Kind
    alert: Alert
    repeats: int = 0
    possibly_repeated: bool = False
    reference: str = ""
    recipients: tuple[str, ...] = ()
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side said on accepting: its own id for the message, and whom it refused.

    `is_final` False: it has accepted and not delivered yet, and can be asked for by status().
    """

    reference: str = ""
    refused: tuple[str, ...] = ()
    is_final: bool = True


class Progress(StrEnum):
    """What became of a message that was accepted."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a message has come; `reason` says why it failed, `permanent` that again would not help."""

    progress: Progress
    reason: str = ""
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a channel takes messages: `burst` at once, then one each `seconds`."""

    burst: int = 1_000
    seconds: float = 0.0


def _said(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
