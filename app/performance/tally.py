"""What one worker counted since it last wrote: bounded in series, in memory, cheap to add to."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from .latency import Latency, merged
from .model import EVERY_REQUEST, OTHER, Series

MOST_SERIES = 2_000


class Tally:
    """Latency per series; past MOST_SERIES in the life of the process a new one counts as `<other>`."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        self._most = most_series
        self._lock = Lock()
        self._known: set[Series] = set()
        self._open: dict[Series, Latency] = {}

    def observe(self, series: Series, seconds: float, failed: bool) -> None:
        """Count one duration; a matter of a microsecond, in memory."""
        with self._lock:
            latency = self._open.get(series)
            if latency is None:
                latency = self._begin(series)
            latency.observe(seconds, failed)

    def take(self) -> dict[Series, Latency]:
        """Everything counted since the last take, with all requests together under EVERY_REQUEST."""
        with self._lock:
            taken, self._open = self._open, {}
        requests = [latency for series, latency in taken.items() if series[0] == "http"]
        if requests:
            taken[EVERY_REQUEST] = merged(requests)
        return taken

    def give_back(self, taken: Mapping[Series, Latency]) -> None:
        """Count again what could not be written, so that the next take has it."""
        with self._lock:
            for series, latency in taken.items():
                if series != EVERY_REQUEST:
                    self._begin(series).add(latency)

    def _begin(self, series: Series) -> Latency:
        if series not in self._known:
            if len(self._known) >= self._most:
                series = (series[0], OTHER, OTHER)
            else:
                self._known.add(series)
        return self._open.setdefault(series, Latency())
