"""What becomes of a batch of events that somebody sends: accepted, duplicate, or rejected with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .model import Event, from_document
from .money import Refused, millionths

Key = tuple[str, str]
Money = tuple[int | None, str]
"""An amount in millionths and its currency; (None, "") without money."""


class Intake:
    """A batch on its way in: first each event is checked for itself, then all against the known keys."""

    def __init__(self, documents: Sequence[object], *, now: datetime, default_currency: str) -> None:
        self.fresh: list[Event] = []
        self.duplicates = 0
        self.conflicts = 0
        self._checked: list[tuple[int, Event]] = []
        self._reasons: dict[int, str] = {}
        for index, document in enumerate(documents):
            try:
                event = from_document(document, now=now, default_currency=default_currency)
                self._checked.append((index, event))
            except Refused as reason:
                self._reasons[index] = str(reason)

    def keys(self) -> Iterator[Key]:
        """The (name, key) pairs that must be looked up."""
        return ((event.name, event.key) for _, event in self._checked if event.key is not None)

    def sift(self, known: Mapping[Key, Money]) -> None:
        """Keep in `fresh` what has not been counted before, nor stands earlier in the batch."""
        seen = dict(known)
        for index, event in self._checked:
            identity, money = (event.name, event.key or ""), _money(event)
            if event.key is None or identity not in seen:
                self.fresh.append(event)
                seen[identity] = money
            elif seen[identity] == money:
                self.duplicates += 1
            else:
                self.conflicts += 1
                self._reasons[index] = "this key was used before with another amount, which stays"

    def document(self) -> dict[str, Any]:
        """The answer: how many were accepted, duplicates and rejected, and why."""
        return {
            "accepted": len(self.fresh),
            "duplicates": self.duplicates,
            "rejected": len(self._reasons),
            "reasons": [{"index": index, "reason": self._reasons[index]} for index in sorted(self._reasons)],
        }


def _money(event: Event) -> Money:
    if event.amount is None or event.currency is None:
        return None, ""
    return millionths(event.amount), event.currency
