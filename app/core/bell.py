"""Wakes one thread that waits, at the least cost for whoever wakes it."""

from __future__ import annotations

import threading


class Bell:
    """What was rung is heard once, by the next wait, however often it was rung.

    An Event does the same in ten times as many steps, and whoever rings would wait for them.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Let the waiting thread go on, or the next one that waits."""
        try:
            self._silence.release()
        except RuntimeError:
            return  # Because it was rung already, and nobody has heard it yet.

    def wait(self, seconds: float) -> bool:
        """Whether it was rung within so many seconds."""
        return self._silence.acquire(timeout=seconds)
