"""Where lines end up: one sink a log file, which numbers them, and keeps what the disk refuses."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from weakref import WeakSet

from ..core.guard import failures
from .appending import SharedFile
from .format import Line
from .rotation import Rotation

WAITING_BYTES = 4 << 20
"""What a process keeps in memory, over all of its files, while a disk refuses."""

_RETRY_SECONDS = 1.0
_AT_ONCE = 500
_USELESS = (errno.EBADF, errno.ESTALE)


class Room:
    """The lock, and the memory for lines that wait, which the sinks of one process share."""

    def __init__(self, size_bytes: int = WAITING_BYTES) -> None:
        self._size_bytes = size_bytes
        self.begin_process()

    def begin_process(self) -> None:
        # Because a signal handler or a __del__ may log while its own thread is writing.
        self.lock = threading.RLock()
        self.used_bytes = 0

    def take(self, size: int, *, important: bool) -> bool:
        """Whether there is room; a quarter of it is reserved for what is important."""
        if self.used_bytes + size > (self._size_bytes if important else self._size_bytes * 3 // 4):
            return False
        self.used_bytes += size
        return True

    def give_back(self, size: int) -> None:
        self.used_bytes -= size


class FileSink:
    """The writing end of one log file in this process; for any number of threads.

    While the file cannot be written, lines wait in memory, in order; those that find no room are dropped,
    counted in `dropped` by level, and told in the file by the line that `describe_drops` makes of the counts.
    """

    def __init__(
        self,
        path: Path,
        rotation: Rotation,
        room: Room,
        describe_drops: Callable[[Mapping[int, int]], Line],
    ) -> None:
        self.path = path
        self.trouble = ""
        """Why the file could not be written last; empty when it could."""
        self._file = SharedFile(path)
        self._rotation = rotation
        self._room = room
        self._describe_drops = describe_drops
        self._reset()
        _sinks.add(self)

    def begin_process(self) -> None:
        """Begin anew in a forked child: what its parent was told, its parent writes."""
        self._file.close()
        self._room.begin_process()
        self._rotation.begin_process()
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self.seq = 0
        self.dropped: Counter[int] = Counter()
        self._untold: Counter[int] = Counter()
        self._waiting: deque[Line] = deque()
        self._retry_at = 0.0
        self._busy = False

    @property
    def written(self) -> int:
        """How many lines this process has written."""
        return self.seq - sum(self.dropped.values())

    @property
    def waiting(self) -> int:
        """How many lines wait in memory."""
        return len(self._waiting)

    def open(self) -> None:
        """Have the file there before the first line, so that `tail -f` finds it and trouble shows early."""
        with self._room.lock:
            if self._busy or self._file.is_open:
                return
            try:
                self._file.open()
            except OSError as error:
                self._note(error)
            else:
                self.trouble = ""

    def write(self, head: bytes, tail: bytes, level: int) -> None:
        """Write a line now, or keep it where that is not possible; never raises OSError.

        `pid` and `seq` go between its two parts, which format.Line explains.
        """
        line = Line(head, tail)
        with self._room.lock:
            if self._busy:
                self._keep(line, level)
                return
            self._busy = True
            try:
                if self._waiting or not self._append(line):
                    self._keep(line, level)
                if self._waiting:
                    self._catch_up()
            finally:
                self._busy = False

    def retry(self) -> None:
        """Write what waits, if the file can be written again."""
        self.open()
        before = -1
        while self._waiting or self._untold:
            with self._room.lock:
                if self._busy or len(self._waiting) == before:
                    return
                before = len(self._waiting)
                self._busy = True
                try:
                    self._catch_up()
                finally:
                    self._busy = False

    def close(self) -> None:
        """Write what waits and let go of the file; a later line opens it again."""
        self._retry_at = 0.0
        self.retry()
        self._rotation.settle()
        with self._room.lock:
            self._file.close()

    def _keep(self, line: Line, level: int) -> None:
        if self._room.take(_size(line), important=level >= logging.WARNING):
            self._waiting.append(line)
        else:
            self.seq += 1  # Because a gap in the numbers shows that something is missing here.
            self.dropped[level] += 1
            self._untold[level] += 1

    def _catch_up(self) -> None:
        """Write some of what waits, and when nothing waits any more, how much was dropped."""
        if time.monotonic() < self._retry_at:
            return
        for _ in range(_AT_ONCE):
            if not self._waiting or not self._append(self._waiting[0]):
                break
            self._room.give_back(_size(self._waiting.popleft()))
        if self._untold and not self._waiting:
            told = Counter(self._untold)
            if self._append(self._describe_drops(told)):
                self._untold -= told

    def _append(self, line: Line) -> bool:
        text = b'%b,"pid":%d,"seq":%d,%b\n' % (line.head, self._pid, self.seq + 1, line.tail)
        try:
            size = self._file.append(text)
        except OSError as error:
            self._note(error)
            return False
        self.seq += 1
        if self.trouble:
            self.trouble = ""
        self._rotation.consider(size)
        return True

    def _note(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self.trouble = error.strerror or type(error).__name__
        failures.add(f"logs.{self.path.stem}", error)
        if error.errno in _USELESS:
            self._file.close()


def _size(line: Line) -> int:
    return len(line.head) + len(line.tail) + 40


_sinks: WeakSet[FileSink] = WeakSet()


def _begin_process() -> None:
    for sink in list(_sinks):
        sink.begin_process()


os.register_at_fork(after_in_child=_begin_process)
