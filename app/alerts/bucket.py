"""How many messages a channel may get now: so many at once, then one in a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .model import Limits


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left of the tokens at a time."""

    tokens: float
    at: datetime

    def filled(self, limits: Limits, now: datetime) -> Bucket:
        """The bucket as it is now; time that runs backwards neither gives nor takes."""
        seconds = max((now - self.at).total_seconds(), 0.0)
        gained = seconds / limits.seconds if limits.seconds else float(limits.burst)
        return Bucket(min(float(limits.burst), self.tokens + gained), now)

    def taken(self) -> Bucket:
        """One token less."""
        return replace(self, tokens=self.tokens - 1)


def full(limits: Limits, now: datetime) -> Bucket:
    """The bucket of a channel that has been quiet."""
    return Bucket(float(limits.burst), now)


def stricter(one: Limits, other: Limits) -> Limits:
    """Limits that keep both."""
    return Limits(min(one.burst, other.burst), max(one.seconds, other.seconds))
