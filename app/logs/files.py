"""Where lines go: one sink a log file, which numbers them and puts them where they outlive the process."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from weakref import WeakSet

from ..core.guard import guard
from .direct import Direct
from .drainer import Drainer
from .drops import Drops
from .format import Line
from .outlet import Outlet
from .ring import Ring
from .rotation import Rotation
from .spool import Spool

SPOOL_BYTES = 2 << 20
"""What a process keeps of one log file until it is in the file."""

_WAIT_SECONDS = 1.0
_STEP_SECONDS = 0.001
_CLOSE_SECONDS = 5.0


class FileSink:
    """The writing end of one log file in this process; for any number of threads.

    A line is put into a ring, and the drainer moves it into the file. Where there can be no ring, `direct`
    says why, and each line is written at once. While the file cannot be written lines wait; those that find
    no room are dropped, counted in `dropped` by level, and told by the line that `describe_drops` makes.
    """

    def __init__(
        self,
        path: Path,
        rotation: Rotation,
        drainer: Drainer,
        describe_drops: Callable[[Mapping[int, int]], Line],
        spool_bytes: int = SPOOL_BYTES,
    ) -> None:
        self.path = path
        self._outlet = Outlet(path, rotation)
        self._drainer = drainer
        self._drops = Drops(describe_drops)
        self._spool = Spool(self._outlet, spool_bytes)
        self._reserve = spool_bytes // 4
        self._reset()
        _sinks.add(self)

    def begin_process(self) -> None:
        """Begin anew in a forked child: what its parent was told, its parent writes."""
        self._spool.begin_process()
        self._outlet.begin_process()
        self._drops.reset()
        self._reset()

    def _reset(self) -> None:
        # Because a signal handler or a __del__ may log while its own thread is writing.
        self._lock = threading.RLock()
        self._writing = False
        self._interrupting: deque[tuple[bytes, bytes, int]] = deque()
        self._process = b',"pid":%d,"seq":' % os.getpid()
        self.seq = 0
        self._jammed_at = -1

    @property
    def trouble(self) -> str:
        """Why the file could not be written last; empty when it could."""
        return self._outlet.trouble

    @property
    def direct(self) -> str:
        """Why lines are written without a ring; empty when they are not."""
        return self._spool.direct

    @property
    def dropped(self) -> Counter[int]:
        """How many lines found no room, by level."""
        return self._drops.by_level

    @property
    def written(self) -> int:
        """How many lines this process has put where they outlive it."""
        return self.seq - self.dropped.total() - (self.waiting if self.direct else 0)

    @property
    def waiting(self) -> int:
        """How many lines are not in the file yet."""
        return self._spool.waiting

    @property
    def waiting_bytes(self) -> int:
        return self._spool.waiting_bytes

    @property
    def has_work(self) -> bool:
        """Whether there is something to move that can be moved."""
        is_behind = self.waiting_bytes > 0 or self._outlet.has_inherited
        return bool(self._interrupting) or (is_behind and not self.trouble)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to be moved, told or tried again."""
        return self._drops.are_told and not (
            self.waiting_bytes or self._interrupting or self.trouble or self._outlet.has_inherited
        )

    def open(self) -> None:
        """Have file and ring there before the first line."""
        with self._lock:
            self._spool.is_closed = False
            self._drainer.add(self)
            self._look_after_spool()
        self._outlet.open()
        self._drainer.ring()

    def write(self, head: bytes, tail: bytes, level: int) -> None:
        """Take a line, which from then on outlives this process; never raises OSError.

        `pid` and `seq` go between its two parts, which format.Line explains. A line that a signal handler
        or a finalizer writes while its own thread is here comes right after the one that it interrupts.
        """
        if not self._put(head, tail, level) and not self._put_later(head, tail, level):
            with self._lock:
                self._drop(level)

    def retry(self) -> None:
        """Write what waits, if the file can be written again."""
        if self.trouble or self.waiting_bytes:
            self._drainer.flush()

    def flush(self, seconds: float) -> bool:
        """Wait until what was written before is in the file, or cannot be; whether it is."""
        end = time.monotonic() + seconds
        self._drainer.flush(seconds)
        while self.has_work and time.monotonic() < end:
            time.sleep(_STEP_SECONDS)
            self._drainer.flush(seconds)
        return not self.waiting_bytes

    def close(self) -> None:
        """Write what waits and let go of the file; a later line is written at once.

        What cannot be written stays in the ring, for the next process that opens this log.
        """
        self._outlet.press()
        self.flush(_CLOSE_SECONDS)
        self._drainer.remove(self)
        with guard("logs.close"), self._lock:
            self._spool.close()
        self._outlet.close()

    def drain(self) -> None:
        """Move lines into the file; for one thread, the drainer."""
        self._alone(self._take_interrupting)
        self._outlet.move_inherited()
        store = self._spool.store
        if isinstance(store, Ring):
            self._outlet.move(store)
            self._alone(store.wind_back)
        elif store is not None:
            self._alone(store.catch_up)
        if not self.trouble and self.waiting_bytes < self._spool.size_bytes // 2:
            self._drops.tell(self._told)

    def look_after(self, dead: set[str]) -> None:
        """Put right what has become of file and ring, and take over from the dead; for the drainer."""
        self._outlet.inherit(dead)
        if self.trouble and not self.waiting_bytes:
            self._outlet.open()  # Because without a line to be moved nothing else would try.
        self._outlet.look_after()
        with self._lock:
            if self._spool.store is not None:
                self._look_after_spool()

    def _put(self, head: bytes, tail: bytes, level: int) -> bool:
        with self._lock:
            if self._writing:
                self._interrupting.append((head, tail, level))
                return True
            self._writing = True
            try:
                is_kept = self._add(head, tail, level)
                if self._interrupting:
                    self._take_interrupting()
            finally:
                self._writing = False
        if level >= logging.ERROR:
            self._drainer.ring(urgent=True)
        elif not self._drainer.awake:
            self._drainer.ring()
        return is_kept

    def _add(self, head: bytes, tail: bytes, level: int) -> bool:
        store = self._spool.store or self._begun()
        line = b"%b%b%d,%b\n" % (head, self._process, self.seq + 1, tail)
        if not store.put(line, 0 if level >= logging.WARNING else self._reserve):
            return False
        self.seq += 1
        return True

    def _put_later(self, head: bytes, tail: bytes, level: int) -> bool:
        """Let the drainer make room: once a jam, and where nobody but this thread has to wait for it."""
        moved, end = self._outlet.moved, time.monotonic() + _WAIT_SECONDS
        while self._may_wait() and time.monotonic() < end:
            self._drainer.flush(_WAIT_SECONDS)
            if self._put(head, tail, level):
                return True
            time.sleep(_STEP_SECONDS)
        if self._outlet.moved == moved:
            self._jammed_at = moved
        return False

    def _may_wait(self) -> bool:
        is_moving = self._jammed_at != self._outlet.moved and not self.trouble
        return is_moving and isinstance(self._spool.store, Ring) and self._drainer.may_be_waited_for()

    def _alone(self, work: Callable[[], object]) -> None:
        """Do something while nobody puts a line."""
        with self._lock:
            if not self._writing:
                self._writing = True
                try:
                    work()
                finally:
                    self._writing = False

    def _take_interrupting(self) -> None:
        while self._interrupting:
            head, tail, level = self._interrupting.popleft()
            if not self._add(head, tail, level):
                self._drop(level)

    def _drop(self, level: int) -> None:
        self.seq += 1  # Because a gap in the numbers shows that something is missing here.
        self._drops.add(level)

    def _told(self, line: Line) -> bool:
        return self._put(line.head, line.tail, logging.WARNING)

    def _look_after_spool(self) -> None:
        if self._spool.needs_ring:
            self._begun()

    def _begun(self) -> Ring | Direct:
        if not self._spool.is_closed:
            self._drainer.add(self)
        return self._spool.begin(self._drainer.token)


_sinks: WeakSet[FileSink] = WeakSet()


def _begin_process() -> None:
    for sink in list(_sinks):
        sink.begin_process()


os.register_at_fork(after_in_child=_begin_process)
