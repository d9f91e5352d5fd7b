"""A log as it grows: the last records that match, then every one that comes, over rotations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from .follow import Follower
from .generations import Place
from .matching import MOST_RECORDS, Matcher, Query
from .search import search

_POLL_SECONDS = 0.2


class Event(NamedTuple):
    """A record that matches, and the place behind its line."""

    place: Place
    record: dict[str, Any]


class Tail:
    """The last records that match, or those behind a place; then those that come."""

    def __init__(self, live: Path, query: Query, *, last: int = 0, after: Place | None = None) -> None:
        self._follower = Follower(live, after)
        self._matcher = Matcher(query)
        try:
            self._first = [] if after else _last(live, query, min(last, MOST_RECORDS), self._follower.place)
        except BaseException:
            self._follower.close()
            raise

    @property
    def place(self) -> Place:
        """Behind everything that was looked at."""
        return self._follower.place

    @property
    def missed(self) -> int:
        """How many archives were removed before they were read."""
        return self._follower.missed

    def read(self) -> list[Event] | None:
        """What comes next, without waiting; None while nothing is new, empty where nothing matched."""
        if self._first:
            first, self._first = self._first, []
            return first
        lines = self._follower.read()
        found = ((place, self._matcher.record(line)) for place, line in lines)
        return [Event(place, record) for place, record in found if record is not None] if lines else None

    def close(self) -> None:
        self._follower.close()


def follow(
    live: Path, query: Query | None = None, last: int = 0, wait: Callable[[float], object] = time.sleep
) -> Iterator[dict[str, Any]]:
    """The last records that match, then every one that comes.

    Ends when `wait` returns something true (Event.wait does).
    """
    tail = Tail(live, query or Query(), last=last)
    try:
        while True:
            events = tail.read()
            if events is None and wait(_POLL_SECONDS):
                return
            yield from (event.record for event in events or ())
    finally:
        tail.close()


def _last(live: Path, query: Query, count: int, before: Place) -> list[Event]:
    if not count:
        return []
    found = search(live, replace(query, limit=count), before)
    return [*map(Event, reversed(found.places), reversed(found.records))]
