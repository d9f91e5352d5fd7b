"""What the alerts room says of itself: a channel that fails, and a time when nobody was on watch."""

from __future__ import annotations

from datetime import datetime

from ..core.clock import rfc3339
from ..core.signal import Category, Condition, Severity, Signal
from .routing import CHANNEL_FAILED


def channel_failed(channel: str, condition: Condition, message: str) -> Signal:
    """It fails, or works again."""
    return Signal(
        source="alerts",
        key=f"channel:{channel}",
        title=f"The alert channel {channel} fails",
        message=message,
        severity=Severity.HIGH,
        category=Category.SYSTEM,
        condition=condition,
        labels={"channel": channel},
        code=CHANNEL_FAILED,
    )


def was_down(since: datetime, until: datetime) -> Signal:
    """The application ended without a word and was away for a while."""
    begin, end = rfc3339(since)[:19] + "Z", rfc3339(until)[:19] + "Z"
    return Signal(
        source="alerts",
        key=f"downtime:{begin}",
        title="The application was not running",
        message=f"It was last seen at {begin}, ended without a word, and runs again since {end}."
        " What happened in between was seen by nobody.",
        severity=Severity.HIGH,
        category=Category.SYSTEM,
        condition=Condition.NOTED,
        labels={"from": begin, "until": end},
        code="was_down",
        value=(until - since).total_seconds(),
    )
