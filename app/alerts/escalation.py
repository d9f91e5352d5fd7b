"""Who is told when nobody is on it in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .matching import Matchers, matches
from .model import Alert


@dataclass(frozen=True, slots=True)
class Rung:
    """So long after the beginning, these are told."""

    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """What happens, one rung after the other, while nobody acknowledges alerts that match."""

    name: str
    match: Matchers
    rungs: tuple[Rung, ...]

    def rung(self, number: int) -> Rung | None:
        """The rung of that number, counted from 0; None behind the last."""
        return self.rungs[number] if number < len(self.rungs) else None

    def due_at(self, number: int, last: datetime) -> datetime | None:
        """When the rung is due, None behind the last; `last`: when the one before it was, or it began."""
        rung, before = self.rung(number), self.rungs[number - 1].after if number else timedelta(0)
        return None if rung is None else last + rung.after - before


def ladder_of(alert: Alert, ladders: Iterable[Ladder]) -> Ladder | None:
    """The first ladder that is about the alert."""
    return next((ladder for ladder in ladders if matches(ladder.match, alert)), None)
