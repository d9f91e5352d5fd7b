"""Lines that found no room: counted by level, and told in the file when there is room again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from .format import Line

_PAUSE_SECONDS = 1.0


class Drops:
    """The counts of one log file in this process; `describe` makes a line of those that were not told yet."""

    def __init__(self, describe: Callable[[Mapping[int, int]], Line]) -> None:
        self._describe = describe
        self.reset()

    def reset(self) -> None:
        self.by_level: Counter[int] = Counter()
        self._untold: Counter[int] = Counter()
        self._told_at = float("-inf")

    @property
    def are_told(self) -> bool:
        return not self._untold

    def add(self, level: int) -> None:
        self.by_level[level] += 1
        self._untold[level] += 1

    def tell(self, put: Callable[[Line], bool]) -> None:
        """Put a line that tells what was dropped since the last one; at most one a second."""
        if not self._untold or time.monotonic() - self._told_at < _PAUSE_SECONDS:
            return
        told = Counter(self._untold)
        if put(self._describe(told)):
            self._untold -= told
            self._told_at = time.monotonic()
