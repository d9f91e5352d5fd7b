"""What stands in for a ring where there can be none: a line is written at once, or waits in memory."""

from __future__ import annotations

from collections import deque

from .outlet import Outlet

_TURN_SECONDS = 0.5
_AT_ONCE = 500


class Direct:
    """Writes each line with one write() for as long as that works; for one thread at a time."""

    def __init__(self, outlet: Outlet, size_bytes: int) -> None:
        self.size = size_bytes
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self._outlet = outlet

    def put(self, line: bytes, kept_free: int = 0) -> bool:
        """Write a line, or keep it if so many bytes of memory stay free then; False when there is no room."""
        if self.waiting:
            self.catch_up()
        if not self.waiting and self._outlet.append(line, _TURN_SECONDS):
            return True
        if self.waiting_bytes + len(line) + kept_free > self.size:
            return False
        self.waiting.append(line)
        self.waiting_bytes += len(line)
        return True

    def catch_up(self) -> None:
        """Write some of what waits, in order."""
        for _ in range(_AT_ONCE):
            if not self.waiting or not self._outlet.append(self.waiting[0], _TURN_SECONDS):
                return
            self.waiting_bytes -= len(self.waiting.popleft())
