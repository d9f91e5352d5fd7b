"""What one worker counts: its requests and its SQL statements, in memory until they are written."""

from __future__ import annotations

from ..core.clock import Clock
from ..core.errors import Unavailable
from .model import Worker
from .probes.sql import QueryWatch
from .requests import RequestWatch
from .store import PerformanceStore
from .tally import Tally


class Traffic:
    """Both watches, and the tally that they count into."""

    def __init__(self, clock: Clock, *, slow_request_seconds: float, slow_query_seconds: float) -> None:
        self._tally = Tally()
        self.requests = RequestWatch(self._tally, clock, slow_request_seconds)
        self.queries = QueryWatch(self._tally, clock, slow_query_seconds)

    def write(self, store: PerformanceStore, worker: Worker) -> None:
        """Add what was counted to the tables; when the disk refuses it is kept for the next time."""
        timings = self._tally.take()
        requests, queries = self.requests.take_slow(), self.queries.take_slow()
        try:
            store.add_worker(worker, timings, requests, queries)
        except Unavailable:
            self._tally.give_back(timings)
            self.requests.give_back(requests)
            self.queries.give_back(queries)
            raise
