"""The event loop's meter: how late it is, for how long it was blocked, and by which line.

A beat that the loop itself runs ten times a second tells its lateness. A thread that sleeps until
a beat is overdue looks at what the loop's thread is doing meanwhile. Any asyncio loop will do,
uvloop too, because nothing but call_later is asked of it.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from ..core.clock import Clock, rfc3339
from .frames import application_place, stack

_BEAT_SECONDS = 0.1
_POLL_SECONDS = 0.25
_REMEMBERED_SECONDS = 60.0
_UNSEEN = "unknown, because the interpreter itself was held"


@dataclass(slots=True)
class Stall:
    """One time that the loop was blocked: since when, how long, and where; `stack` innermost first."""

    at: str
    seconds: float
    where: str
    stack: list[str]


class LoopMeter:
    """Watches one event loop; a block of `patience_seconds` or more is a stall."""

    def __init__(self, clock: Clock, patience_seconds: float) -> None:
        self._clock = clock
        self._patience = patience_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._due = math.inf
        self._lateness: deque[tuple[float, float]] = deque(maxlen=int(_REMEMBERED_SECONDS / _BEAT_SECONDS))
        self._present: Stall | None = None
        self._last: Stall | None = None
        self._stalls = 0
        self._ended = threading.Event()
        self._watchdog: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch; may be called from the loop's own thread or any other."""
        self._loop = loop
        self._ended.clear()
        loop.call_soon_threadsafe(self._first_beat)
        self._watchdog = threading.Thread(target=self._watch, name="atalaia-loop-watchdog", daemon=True)
        self._watchdog.start()

    def stop(self) -> None:
        """End; the one beat that the loop may still run does nothing."""
        self._ended.set()
        if self._watchdog is not None:
            self._watchdog.join()
        self._watchdog, self._loop, self._due = None, None, math.inf

    def reading(self) -> dict[str, Any]:
        """lag_ms_p95 and worst_ms of the last minute, blocked_now, blocked_seconds, stalls, last_stall.

        A block that has not ended yet counts with its length so far. Without a loop only `watched`.
        """
        if self._loop is None:
            return {"watched": False}
        since = time.monotonic() - _REMEMBERED_SECONDS
        lateness = sorted(late for at, late in list(self._lateness) if at >= since)
        overdue = self._overdue()
        blocked = overdue >= self._patience
        stall = self._present or self._last
        return {
            "watched": True,
            "lag_ms_p95": _milliseconds(lateness[int(len(lateness) * 0.95)] if lateness else 0.0),
            "worst_ms": _milliseconds(max([overdue, *lateness[-1:]])),
            "blocked_now": blocked,
            "blocked_seconds": round(overdue, 1) if blocked else 0.0,
            "stalls": self._stalls,
            "last_stall": asdict(stall) if stall else None,
        }

    def _overdue(self) -> float:
        loop = self._loop
        if loop is None or not loop.is_running():
            return 0.0
        return max(0.0, time.monotonic() - self._due)

    def _first_beat(self) -> None:
        self._loop_thread = threading.get_ident()
        self._await_beat()

    def _await_beat(self) -> None:
        loop = self._loop
        if loop is not None and not self._ended.is_set():
            self._due = time.monotonic() + _BEAT_SECONDS
            loop.call_later(_BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        now = time.monotonic()
        late = max(0.0, now - self._due)
        self._due = math.inf  # Because from here on the watchdog would see this beat, not what blocked.
        self._lateness.append((now, late))
        if late >= self._patience:
            self._end_stall(late)
        self._present = None
        self._await_beat()

    def _end_stall(self, seconds: float) -> None:
        self._last = self._present or Stall(self._ago(seconds), seconds, _UNSEEN, [])
        self._last.seconds = round(seconds, 3)
        self._stalls += 1

    def _watch(self) -> None:
        while not self._ended.wait(self._until_next_look()):
            loop, overdue = self._loop, self._overdue()
            if loop is not None and not loop.is_running():
                self._due = math.inf  # Because a loop that nobody runs is not late.
            elif overdue >= self._patience:
                self._look(overdue)

    def _until_next_look(self) -> float:
        if self._present is not None or self._due == math.inf:
            return _POLL_SECONDS
        return max(0.01, self._due + self._patience - time.monotonic())

    def _look(self, overdue: float) -> None:
        """Note what the loop's thread is doing, the first time that it is found blocked."""
        if self._present is not None:
            self._present.seconds = round(overdue, 3)
            return
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 the documented way to see it
        places = stack(frame)
        where = application_place(frame) or "".join(places[:1])
        # Because the beat may have come meanwhile, and then these are not the frames that blocked.
        if self._overdue() >= self._patience:
            self._present = Stall(self._ago(overdue), round(overdue, 3), where, places)

    def _ago(self, seconds: float) -> str:
        return rfc3339(self._clock.now() - timedelta(seconds=seconds))


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
