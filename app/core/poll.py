"""Looks at files before it asks a database: most polls find nothing, and must cost next to nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from .clock import Clock
from .journal import files_of

_AT_ALL_EVENTS_SECONDS = 60.0
_SETTLED_SECONDS = 1.0

Mark = tuple[int, int, int] | None


def mark_of(path: str | Path) -> Mark:
    """What differs after every change of a file (inode, size, time in ns); None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 because Path.stat() takes three times as long
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class Poll:
    """Does work that takes in what is new, unless nothing was written since it last found nothing.

    `looks` answer what differs after every change that the work could find. Once a minute it is done
    at all events.
    """

    def __init__(self, *looks: Callable[[], object]) -> None:
        self._looks = looks
        self._quiet: list[object] | None = None
        self._done_at = float("-inf")

    def __call__(self, work: Callable[[], int]) -> int:
        """How much the work found; 0 without doing it where it would find nothing."""
        # Because what is written while the work goes on has to be found by the next poll.
        seen = [look() for look in self._looks]
        now = time.monotonic()
        if seen == self._quiet and now - self._done_at < _AT_ALL_EVENTS_SECONDS:
            return 0
        found = work()
        self._quiet, self._done_at = (None if found else seen), now
        return found


class JournalLook:
    """How the files of a journal folder stand which can still grow: those of today and yesterday.

    However many days the folder holds, it costs one system call for it and one for each such file.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._listed: object = ()
        self._growing: list[str] = []

    def __call__(self) -> object:
        """Differs after every line, and after every file that came or went."""
        folder = mark_of(self._folder)
        day = (self._clock.now() - timedelta(days=1)).strftime("%Y-%m-%d")
        if (folder, day) != self._listed:
            self._growing = [str(path) for path in files_of(self._folder) if path.name >= day]
            # Because a file that comes within the same tick of the file system's clock changes no time.
            is_settled = folder is None or time.time() - folder[2] / 1e9 > _SETTLED_SECONDS
            self._listed = (folder, day) if is_settled else ()
        return folder, [mark_of(path) for path in self._growing]
