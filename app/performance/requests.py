"""The hot path: what a worker does when a request begins and ends, in memory only."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

from ..core.clock import Clock
from .model import OTHER, SlowRequest
from .tally import Tally

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_MOST_SLOW = 200
_LONGEST_ROUTE = 200


class RequestWatch:
    """Counts requests into a tally, knows how many are in flight, and keeps the slow ones."""

    def __init__(self, tally: Tally, clock: Clock, slow_seconds: float) -> None:
        self._tally = tally
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._slow: deque[SlowRequest] = deque(maxlen=_MOST_SLOW)
        self._lock = Lock()
        self.in_flight = 0

    def began(self) -> None:
        with self._lock:
            self.in_flight += 1

    def ended(
        self, method: str, route: str, status: int, seconds: float, request_id: str, *, failed: bool
    ) -> None:
        """Count one request."""
        with self._lock:
            self.in_flight -= 1
        if method not in METHODS:
            method = OTHER
        if len(route) > _LONGEST_ROUTE:
            route = route[:_LONGEST_ROUTE]
        self._tally.observe(("http", method, route), seconds, failed)
        if seconds >= self._slow_seconds:
            at = self._clock.now().timestamp()
            self._slow.append(SlowRequest(at, method, route, status, seconds, request_id))

    def take_slow(self) -> list[SlowRequest]:
        """The slow requests since the last take, at most the 200 newest."""
        taken: list[SlowRequest] = []
        while self._slow:
            taken.append(self._slow.popleft())
        return taken

    def give_back(self, slow: Sequence[SlowRequest]) -> None:
        """Keep again what could not be written, as far as there is room."""
        self._slow.extendleft(reversed(slow[: _MOST_SLOW - len(self._slow)]))
