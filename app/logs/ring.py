"""A ring of lines in a file that is mapped into memory: what is put in outlives its process."""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
from contextlib import suppress
from pathlib import Path

from ..core.files import open_private, private_folder
from ..core.guard import failures
from .locks import lock_within

SPOOL = ".spool"
"""The folder, beside the log files, of rings and turns."""

_HEADER_BYTES = mmap.PAGESIZE
_KIND = int.from_bytes(b"atalaia1", "little")
_KIND_AT, _SIZE_AT, _HEAD_AT, _TAIL_AT = range(4)
_WARM_BYTES = 1 << 16
_ASK_SECONDS = 0.005  # Because others ask for the lock of a dead one too, for a moment.


class Ring:
    """The bytes from `tail` to `head`, two positions that only grow; each lies at its remainder by `size`.

    Its owner puts whole lines in. A line is there from the store of `head` on, which is the last thing that
    is done, and no system call is needed for it. Only who holds the Turn of the log file moves `tail`. Where
    `tail` is beyond `head` nothing is in it. While the owner lives it holds a flock on the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        # Because the map keeps a copy of the descriptor that it is made of, and a lock with it.
        unlocked = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._map = mmap.mmap(unlocked, 0)
        finally:
            os.close(unlocked)
        self._words = memoryview(self._map)[:_HEADER_BYTES].cast("Q")
        self._bytes = memoryview(self._map)[_HEADER_BYTES:]
        if not self._words[_KIND_AT]:
            self._words[_SIZE_AT] = len(self._bytes)
            self._words[_KIND_AT] = _KIND
        self.size = self._words[_SIZE_AT]
        self.head = self._words[_HEAD_AT]
        self._full_at = self.tail + self.size

    @property
    def is_sound(self) -> bool:
        """Whether it is a ring of this format."""
        in_bounds = self.head <= self.tail + self.size
        return self._words[_KIND_AT] == _KIND and self.size == len(self._bytes) and in_bounds

    @property
    def tail(self) -> int:
        return self._words[_TAIL_AT]

    @tail.setter
    def tail(self, position: int) -> None:
        self._words[_TAIL_AT] = position

    @property
    def is_lost(self) -> bool:
        """Whether its file was deleted, so that nobody would find it."""
        return os.fstat(self._descriptor).st_nlink == 0

    @property
    def waiting_bytes(self) -> int:
        return max(0, self.head - self.tail)

    def put(self, line: bytes, kept_free: int = 0) -> bool:
        """Add a line if so many bytes stay free; not for two threads at once."""
        size, head = len(line), self.head
        end = head + size
        if end + kept_free > self._full_at:
            self._full_at = self.tail + self.size
            if end + kept_free > self._full_at:
                return False
        place = head % self.size
        if place + size <= self.size:
            self._bytes[place : place + size] = line
        else:
            front = self.size - place
            self._bytes[place:] = line[:front]
            self._bytes[: size - front] = line[front:]
        self._words[_HEAD_AT] = self.head = end
        return True

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two positions."""
        first, last = start % self.size, start % self.size + end - start
        if last <= self.size:
            return bytes(self._bytes[first:last])
        return bytes(self._bytes[first:]) + bytes(self._bytes[: last - self.size])

    def oldest(self, most: int) -> bytes:
        """The oldest whole lines, about so many bytes of them."""
        start, end = self.tail, self.head
        block = self.read(start, min(end, start + most))
        if end - start <= most:
            return block
        return block[: block.rfind(b"\n") + 1] or self.read(start, end)

    def wind_back(self) -> None:
        """Go on at the front if nothing is in it, so that it takes little memory while it is emptied in time.

        For the owner only, while nobody puts lines in.
        """
        if self.head <= self.tail and self.head % self.size > _WARM_BYTES:
            front = -(-self.head // self.size) * self.size
            self.tail = front
            self._words[_HEAD_AT] = self.head = front
            self._full_at = front + self.size

    def close(self) -> None:
        """Let go of it; without lines in it nobody has to find it again."""
        is_empty = not self.waiting_bytes
        if is_empty and self._descriptor >= 0:
            self.path.unlink(missing_ok=True)
        self.abandon()

    def abandon(self) -> None:
        """Leave it to others, as a forked child leaves its parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        with suppress(BufferError):  # Because another thread may have been at it when the process forked.
            self._words.release()
            self._bytes.release()
            self._map.close()


def make_ring(folder: Path, name: str, size_bytes: int) -> Ring:
    """A new ring `name` whose owner is this process; OSError where that is not possible.

    Its blocks are allocated at once, because a store into a map without a block kills on a full disk.
    """
    part = private_folder(folder) / f"{name}.part"
    descriptor = open_private(part, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(descriptor, 0, _HEADER_BYTES + _whole_pages(size_bytes))
        ring = Ring(part, descriptor)
        ring.path = part.rename(folder / f"{name}.ring")
    except OSError:
        os.close(descriptor)
        part.unlink(missing_ok=True)
        raise
    return ring


def spool_trouble(logs: Path) -> str:
    """Why no ring can be made beside the log files of a folder; empty when one can."""
    try:
        make_ring(logs / SPOOL, f"try.{os.getpid()}-{secrets.token_hex(4)}", mmap.PAGESIZE).close()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def attached(path: Path) -> Ring | None:
    """Another's ring, to move its tail, with the Turn; None when it is gone or broken."""
    try:
        ring = Ring(path, -1)
    except (FileNotFoundError, ValueError):
        return None
    if ring.is_sound:
        return ring
    ring.abandon()
    return None


def token_of(ring: Path) -> str:
    """Which process a ring is of: the end of its name, which is <log>.<token>.ring."""
    return ring.name.split(".")[-2]


def taken_over(path: Path) -> Ring | None:
    """The ring of a dead owner, unless somebody else is taking it over."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not lock_within(descriptor, fcntl.LOCK_EX, _ASK_SECONDS):
            os.close(descriptor)
            return None
        ring = Ring(path, descriptor)
    except FileNotFoundError:
        os.close(descriptor)
        return None
    except (OSError, ValueError) as error:
        os.close(descriptor)
        failures.add("logs.ring", error)
        path.rename(path.with_suffix(".broken"))
        return None
    return ring


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
