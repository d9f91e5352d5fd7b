"""What the guards swallowed: exceptions of our own, unseen by the host, as a component and as signals."""

from __future__ import annotations

from . import notices
from .core.clock import Clock
from .core.guard import failures
from .core.health import Health, Level
from .core.signal import Emit

_RECENT_SECONDS = 900


class OwnFailures:
    """Those of this process."""

    def __init__(self, emit: Emit, clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._known: dict[str, int] = {}

    def report(self) -> None:
        """Signal those that are new since the last time."""
        for place, failure in failures.snapshot().items():
            if failure.count > self._known.get(place, 0):
                self._emit(notices.internal_failure(place, failure))
            self._known[place] = failure.count

    def health(self) -> Health:
        """Degraded for 15 minutes after one. Details: `failures` by place, with how many and the last."""
        found = failures.snapshot()
        shown = {place: {"count": failure.count, "last": failure.last} for place, failure in found.items()}
        since = self._clock.now().timestamp() - _RECENT_SECONDS
        if recent := [place for place, failure in found.items() if failure.at > since]:
            reason = f"failed within 15 minutes: {', '.join(recent)}"
            return Health(Level.DEGRADED, reason, {"failures": shown})
        return Health(details={"failures": shown})
