"""The one place that may swallow an exception: it counts it, remembers it and says so on stderr.

Observing must never break the observed, and must never hide that it failed.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType

_QUIET_SECONDS = 60.0


@dataclass(slots=True)
class Failure:
    """How often a place failed since the process began, and how it failed last."""

    count: int = 0
    last: str = ""
    at: float = 0.0
    said_at: float = float("-inf")


class Failures:
    """Every place of this process where a guard swallowed something."""

    def __init__(self) -> None:
        self._by_place: dict[str, Failure] = {}
        self._lock = threading.Lock()

    def add(self, place: str, error: BaseException) -> None:
        """Count it, and say it on stderr at most once a minute per place."""
        now = time.monotonic()
        with self._lock:
            failure = self._by_place.setdefault(place, Failure())
            failure.count += 1
            # Because a message may hold a secret, only its first line's type and errno are kept.
            failure.last = _described(error)
            failure.at = time.time()
            speak = now - failure.said_at >= _QUIET_SECONDS
            if speak:
                failure.said_at = now
        if speak:
            _say(f"atalaia: {place} failed ({failure.count} so far): {failure.last}\n")

    def snapshot(self) -> dict[str, Failure]:
        """Place → Failure, as of now."""
        with self._lock:
            return {p: Failure(f.count, f.last, f.at, f.said_at) for p, f in self._by_place.items()}


failures = Failures()


class guard:  # noqa: N801 because it reads as a statement: `with guard("metrics.fold"):`
    """Keeps every Exception raised in its block from going further, and counts it under `place`."""

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        failures.add(self._place, error)
        return True


def _described(error: BaseException) -> str:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" at {where.tb_frame.f_code.co_qualname}:{where.tb_lineno}" if where else ""
    number = f" {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}{number}{place}"


def _say(text: str) -> None:
    try:
        sys.stderr.write(text)
    except (OSError, ValueError, AttributeError):
        return  # Because a closed stderr is no reason to fail, and there is nowhere left to say it.
