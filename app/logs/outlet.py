"""What leads from the rings to a log file: moves lines, says what the trouble is, has the file rotated."""

from __future__ import annotations

import errno
import time
from pathlib import Path

from ..core.guard import failures
from .ring import SPOOL, Ring, taken_over
from .rotation import Rotation
from .turn import Turn

_TURN_SECONDS = 0.02
_RETRY_SECONDS = 0.25
_PATIENCE_SECONDS = 1.0
_BLOCKS_AT_ONCE = 16
_FULL = (errno.ENOSPC, errno.EDQUOT)
_USELESS = (errno.EBADF, errno.ESTALE)


class Outlet:
    """The way into one log file; raises no OSError, but keeps it in `trouble` until a line went through."""

    def __init__(self, path: Path, rotation: Rotation) -> None:
        self.path = path
        self.spool = path.parent / SPOOL
        self.trouble = ""
        self.moved = 0
        """How many lines went through."""
        self._inherited: list[Ring] = []
        self._rotation = rotation
        self._turn = Turn(path)
        self._retry_at = 0.0
        self._kept_out_at = 0.0

    def begin_process(self) -> None:
        """Begin anew in a forked child."""
        for ring in self._inherited:
            ring.abandon()
        self._inherited = []
        self._turn.begin_process()
        self._rotation.begin_process()
        self.trouble, self.moved, self._retry_at, self._kept_out_at = "", 0, 0.0, 0.0

    @property
    def is_resting(self) -> bool:
        """Whether it failed a moment ago, so that it is not tried now."""
        return time.monotonic() < self._retry_at

    def move(self, ring: Ring, *, at_once: bool = False) -> None:
        """Move the lines of a ring into the file, unless it cannot be written.

        Without `at_once` a file that is far beyond its size is rotated first.
        """
        for _ in range(_BLOCKS_AT_ONCE):
            if not ring.waiting_bytes or self.is_resting:
                return
            try:
                with self._turn.taken(_TURN_SECONDS):
                    if not at_once and self._rotation.holds_back(self._turn.end):
                        return
                    lines, size = self._turn.move(ring)
            except TimeoutError as error:
                self._kept_out(error)
                return
            except OSError as error:
                self._note(error)
                if error.errno in _FULL and ring.waiting_bytes > ring.size // 2:
                    self._rotation.make_room()
                return
            self._went_through(lines, size)

    @property
    def has_inherited(self) -> bool:
        return bool(self._inherited)

    def move_inherited(self) -> None:
        """Move what dead processes have left, and remove their rings."""
        while self._inherited:
            ring = self._inherited[0]
            self.move(ring, at_once=True)
            if ring.waiting_bytes:
                return
            ring.close()
            del self._inherited[0]

    def append(self, line: bytes, seconds: float) -> bool:
        """Write a line that is in no ring; for another process it waits so long."""
        if self.is_resting:
            return False
        try:
            with self._turn.taken(seconds):
                size = self._turn.append(line)
        except OSError as error:
            self._note(error)
            return False
        self._went_through(1, size)
        return True

    def open(self) -> None:
        """Have the file there before the first line, so that `tail -f` finds it and trouble shows early."""
        try:
            with self._turn.taken(_TURN_SECONDS):
                self.trouble = ""
        except TimeoutError:
            return
        except OSError as error:
            self._note(error)

    def inherit(self, dead: set[str]) -> None:
        """Take over the rings of processes that died, by their tokens."""
        paths = (self.spool / f"{self.path.stem}.{token}.ring" for token in dead)
        self._inherited += (ring for path in paths if (ring := taken_over(path)))

    def look_after(self) -> None:
        """Put right what others have done: deleted or emptied the file, or let it grow old."""
        self._turn.follow()
        if self._turn.is_cut_short:
            self.open()  # Because taking the turn puts things in order.
        self._rotation.look_after()

    def press(self) -> None:
        """Try again at once."""
        self._retry_at = 0.0

    def close(self) -> None:
        for ring in self._inherited:
            ring.close()
        self._inherited = []
        self._rotation.settle()
        self._turn.close()

    def _went_through(self, lines: int, size: int) -> None:
        self.moved += lines
        self._kept_out_at = 0.0
        if self.trouble:
            self.trouble = ""
        self._rotation.consider(size)

    def _kept_out(self, error: TimeoutError) -> None:
        """Let others have their turn; it is trouble when they keep it for long."""
        now = time.monotonic()
        self._kept_out_at = self._kept_out_at or now
        if now - self._kept_out_at >= _PATIENCE_SECONDS:
            self._note(error)

    def _note(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self.trouble = error.strerror or type(error).__name__
        failures.add(f"logs.{self.path.stem}", error)
        if error.errno in _USELESS:
            self._turn.file.close()
