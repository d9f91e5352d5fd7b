"""Fakes that ship with the product, for tests of a host application and for our own.

clock = FrozenClock("2026-11-23T02:00:00Z"); clock.advance(minutes=5)
signals = RecordingEmit(); page = Page(..., emit=signals)
wait_until(lambda: log.exists(), what="the log file")
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from .alerts.channels.recording import RecordingChannel
from .core.clock import parse_rfc3339
from .core.signal import Signal

__all__ = ["FrozenClock", "RecordingChannel", "RecordingEmit", "wait_until"]


class FrozenClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: str = "2026-11-23T12:00:00Z") -> None:
        self._now = parse_rfc3339(now)
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, **by: float) -> None:
        """Move on; `by` as of timedelta (seconds=, minutes=, hours=, days=)."""
        step = timedelta(**by)
        self._now += step
        self._monotonic += step.total_seconds()

    def set(self, now: str) -> None:
        """Jump to another wall time, as an operator or NTP may; monotonic time stays."""
        self._now = parse_rfc3339(now)


class RecordingEmit:
    """An Emit that keeps every signal in `signals`, in order."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self._lock = Lock()

    def __call__(self, signal: Signal) -> None:
        with self._lock:
            self.signals.append(signal)


def wait_until(
    condition: Callable[[], object], *, what: str = "the condition", deadline: float = 10.0
) -> None:
    """Wait for a named condition; AssertionError when it is not met within `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {deadline} s")
        time.sleep(0.01)
