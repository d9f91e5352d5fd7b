"""Tries every channel once a day, so that one which has stopped working is known before it is needed."""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from zoneinfo import ZoneInfo

from ..core.signal import Category, Severity
from .channels import Channel
from .lanes import offer
from .model import Alert, Kind, Notice, Receipt, State
from .sender import attempt, reach
from .state import alert_id


@dataclass(frozen=True, slots=True)
class Trial:
    """How a channel did: `error` is empty when it did well; `seconds` until it had accepted."""

    channel: str
    seconds: float
    error: str = ""
    hint: str = ""

    def document(self) -> dict[str, object]:
        """As it is answered."""
        shown = {"channel": self.channel, "seconds": self.seconds, "ok": not self.error}
        return {**shown, "error": self.error, "hint": self.hint}


def is_due(last: datetime, now: datetime, at: time_of_day, zone: ZoneInfo) -> bool:
    """Whether the time of day has come since the last trial."""
    today = now.astimezone(zone).date()
    moments = (datetime.combine(day, at, zone).astimezone(UTC) for day in (today, today - timedelta(days=1)))
    return last < next(moment for moment in moments if moment <= now)


def tried(channels: Collection[Channel], now: datetime, mode: str = "all") -> list[Trial]:
    """How each did, all tried at once.

    mode: `all` sends a real message, `message` only where that costs nothing, `check` none.
    """
    with ThreadPoolExecutor(max_workers=max(len(channels), 1)) as pool:
        return list(pool.map(partial(_tried, now=now, mode=mode), channels))


def _tried(channel: Channel, now: datetime, mode: str) -> Trial:
    costs = bool(offer(channel, "costs_money", default=False))
    sends = mode == "all" or (mode == "message" and not costs)
    began = time.monotonic()
    outcome = attempt(channel, _test_notice(now)) if sends else reach(channel)
    seconds = round(time.monotonic() - began, 3)
    if isinstance(outcome, Receipt):
        return Trial(channel.name, seconds, ", ".join(outcome.refused))
    return Trial(channel.name, seconds, outcome.fact, outcome.hint)


def _test_notice(now: datetime) -> Notice:
    """A notice about nothing, to see whether messages arrive."""
    name = alert_id(now, "0" * 16)
    alert = Alert(
        id=name,
        fingerprint="0" * 16,
        source="alerts",
        key="test",
        title="Test message",
        severity=Severity.LOW,
        category=Category.SYSTEM,
        state=State.RESOLVED,
        started_at=now,
        seen_at=now,
        notified=Severity.LOW,
        resolved_at=now,
        code="test",
        noted=True,
    )
    return Notice(f"{name}.test", Kind.TEST, alert)
