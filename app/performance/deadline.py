"""A check that is not waited for longer than its deadline, and that cannot raise."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..core.guard import guard
from ..core.health import Level
from .model import Probe, Reading


class Deadline:
    """Runs one check at a time in a thread of its own.

    A check that is late keeps its thread; until that ends every further one is answered at once with
    DOWN. So there is at most one stuck thread, and being a daemon it does not hold up the process.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._thread: threading.Thread | None = None

    @property
    def stuck(self) -> bool:
        """True while a check that was late has not ended."""
        return self._thread is not None and self._thread.is_alive()

    def run(self, check: Callable[[], Reading]) -> Reading:
        """What `check` returns; DOWN when it is late, when it raises, and while an earlier one is stuck."""
        if self.stuck:
            return Reading(Level.DOWN, "an earlier check still waits for an answer")
        found: list[Reading] = []

        def work() -> None:
            with guard(f"performance.{self._name}"):
                found.append(check())

        self._thread = threading.Thread(target=work, name=f"atalaia-{self._name}", daemon=True)
        self._thread.start()
        self._thread.join(self._seconds)
        if found:
            return found[0]
        if self.stuck:
            return Reading(Level.DOWN, f"no answer within {self._seconds:g} s")
        return Reading(Level.DOWN, "the check itself failed")


class Bounded:
    """Somebody's own probe, held to what every probe promises."""

    def __init__(self, probe: Probe) -> None:
        self.name = probe.name
        self.deadline_seconds = probe.deadline_seconds
        self._probe = probe
        self._deadline = Deadline(f"probe-{probe.name}", probe.deadline_seconds)

    def sample(self) -> Reading:
        return self._deadline.run(self._probe.sample)
