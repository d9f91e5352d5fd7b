"""Whose turn it is to write to a log file: one process at a time; the next finishes what a kill cut off."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.files import open_private, private_folder
from .appending import LiveFile
from .locks import lock_within
from .notes import Move, Notes
from .ring import SPOOL, Ring, attached

_BLOCK_BYTES = 1 << 18
_PROOF_BYTES = 1 << 12
_CLOSE_SECONDS = 0.2
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NOT_TO_BE_HAD = (*_NO_LOCKS, errno.ENODEV, errno.EINVAL)
"""Errors which say that a file system knows no locks, no maps or no allocation."""


class Turn:
    """The turn of this process at one log file; `file` is the file itself.

    Before bytes of a ring are written, a note says which. Who takes the turn next and finds the note
    compares with the length of the file and writes the rest: each line is there once, and whole.
    """

    def __init__(self, live: Path) -> None:
        self.file = LiveFile(live)
        self._spool = live.parent / SPOOL
        self._path = self._spool / f"{live.stem}.turn"
        self._descriptor = -1
        self._notes: Notes | None = None
        self.begin_process()

    def begin_process(self) -> None:
        """Begin anew in a forked child."""
        self._thread_lock = threading.Lock()
        self._close()

    @contextmanager
    def taken(self, seconds: float) -> Iterator[None]:
        """Hold the turn, with the file open that has the name; OSError, TimeoutError when others keep it."""
        if not self._thread_lock.acquire(timeout=seconds):
            raise _kept_by_others()
        try:
            self._lock(seconds)
            try:
                self._put_in_order()
                yield
            finally:
                self._unlock()
        finally:
            self._thread_lock.release()

    @property
    def end(self) -> int:
        """How long the file is; while the turn is held."""
        return self._notes.end if self._notes else self.file.size()

    def move(self, ring: Ring) -> tuple[int, int]:
        """Move the oldest lines of a ring to the end of the file: how many, and the file's size then."""
        notes = self._needed_notes()
        start, block = ring.tail, ring.oldest(_BLOCK_BYTES)
        if not block:
            return 0, notes.end
        # Because after a power cut, blocks that never reached the disk come back as zeros.
        block = block.replace(b"\0", b" ")
        notes.begin(Move(ring.path.name, start, start + len(block), notes.end))
        self._append(block)
        ring.tail = start + len(block)
        notes.finish()
        return block.count(b"\n"), notes.end

    def append(self, line: bytes) -> int:
        """Write a line that is in no ring; the file's size then."""
        self._append(line)
        return self.end

    def emptied(self) -> None:
        """Note that the file was emptied on purpose."""
        if self._notes:
            self._notes.start_at(self.file.inode, 0)

    @property
    def is_cut_short(self) -> bool:
        """Whether somebody else has shortened the file since it was written last."""
        notes = self._notes
        try:
            return notes is not None and self.file.path.stat().st_size < notes.end
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of the file, unless another thread is stuck in writing to it."""
        if self._thread_lock.acquire(timeout=_CLOSE_SECONDS):
            self._close()
            self._thread_lock.release()

    def _close(self) -> None:
        self.file.close()
        if self._notes:
            self._notes.close()
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor, self._notes = -1, None

    def _needed_notes(self) -> Notes:
        if self._notes is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return self._notes

    def follow(self) -> None:
        """Let go of a turn whose file was deleted, so that all processes use the same one."""
        with suppress(OSError):
            if self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0:
                self.close()

    def _lock(self, seconds: float) -> None:
        if self._descriptor < 0:
            self._open()
        try:
            if not lock_within(self._descriptor, fcntl.LOCK_EX, seconds):
                raise _kept_by_others()
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise

    def _unlock(self) -> None:
        # Because what was written is written, and a file without locks needs no unlocking.
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _open(self) -> None:
        private_folder(self._spool)
        self._descriptor = open_private(self._path, os.O_RDWR | os.O_CREAT)
        # Because the map keeps a copy of the descriptor that it is made of, and a lock with it.
        unlocked = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._notes = Notes(unlocked)
        except OSError as error:
            if error.errno not in NOT_TO_BE_HAD:
                self._close()
                raise
        finally:
            os.close(unlocked)

    def _append(self, block: bytes) -> None:
        written = self.file.append(block)
        if written < len(block):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._notes:
            self._notes.wrote(block)

    def _put_in_order(self) -> None:
        """Know the file, finish what was begun, write again what was lost, mend what is torn."""
        size = self.file.follow()
        notes = self._notes
        if notes is None:
            self.file.mend(size)
            return
        if notes.moving:
            self._finish(notes, notes.moving)
            size = self.file.size()
        if notes.inode != self.file.inode:
            notes.start_at(self.file.inode, size)
            self.file.mend(size)
        elif size < notes.end:
            self._restore(notes, size)
        elif size > notes.end:
            notes.start_at(self.file.inode, size)
            self.file.mend(size)

    def _finish(self, notes: Notes, move: Move) -> None:
        """Write what is missing of what somebody has begun to move."""
        ring = attached(self._spool / move.ring)
        if ring is not None:
            try:
                if move.start <= ring.tail < move.stop:
                    block = ring.read(move.start, move.stop).replace(b"\0", b" ")
                    self._write_rest(notes, move.to, block)
                    ring.tail = move.stop
            finally:
                ring.abandon()
        notes.finish()

    def _write_rest(self, notes: Notes, to: int, block: bytes) -> None:
        if notes.inode != self.file.inode:
            self._write_rest_elsewhere(notes.inode, to, block)
            return
        rest = block[max(0, self.file.size() - to) :]
        if rest and self.file.append(rest) < len(rest):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if notes.end == to:
            notes.wrote(block)

    def _write_rest_elsewhere(self, inode: int, to: int, block: bytes) -> None:
        """Where the file was moved away meanwhile: into it, or whole into the new one."""
        for path in self.file.path.parent.glob(f"{self.file.path.name}*"):
            if path.stat().st_ino == inode:
                with path.open("ab") as moved:
                    moved.write(block[max(0, path.stat().st_size - to) :])
                return
        self.file.append(block)

    def _restore(self, notes: Notes, size: int) -> None:
        """Write again what came between another program's copy of the file and its truncation."""
        since, end = notes.since, notes.end
        copied = self._copied(notes, since, end)
        lost = notes.last_bytes(copied, end - size) if copied is not None and copied < end - size else b""
        notes.start_at(self.file.inode, size)
        self.file.mend(size)
        if lost:
            self._append(lost)

    def _copied(self, notes: Notes, since: int, end: int) -> int | None:
        """How much of the file is in the copy that somebody made, if there is one."""
        for path in self.file.path.parent.glob(f"{self.file.path.name}*"):
            if path == self.file.path:
                continue
            with suppress(OSError), path.open("rb") as copy:
                size = os.fstat(copy.fileno()).st_size
                begin = max(since, size - _PROOF_BYTES)
                if begin < size <= end:
                    copy.seek(begin)
                    if copy.read(size - begin) == notes.last_bytes(begin, size):
                        return size
        return None


def _kept_by_others() -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "another process keeps the file for too long")
