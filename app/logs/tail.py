"""A log file as it grows: its last lines, then every line that comes, over rotations."""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from .archives import Archive, archives
from .rotation import lock_within

_BLOCK = 1 << 16
_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.2


def follow(live: Path, last: int = 0, wait: Callable[[float], object] = time.sleep) -> Iterator[bytes]:
    """The last lines, then every line that comes, over rotations and files that are made anew.

    Lines come without their end. Ends when `wait` returns something true (Event.wait does).
    """
    follower = _Follower(live, last)
    torn = b""
    try:
        while True:
            block = follower.next_block()
            if not block and wait(_POLL_SECONDS):
                return
            *lines, torn = (torn + block).split(b"\n")
            yield from (line for line in lines if line.strip())
    finally:
        follower.close()


def opened(archive: Archive) -> io.FileIO | gzip.GzipFile:
    """An archive for reading; it may have been compressed since it was listed."""
    if not archive.is_compressed:
        with suppress(FileNotFoundError):
            return io.FileIO(archive.path)
    return gzip.GzipFile(archive.path if archive.is_compressed else f"{archive.path}.gz")


@contextmanager
def uncut(descriptor: int) -> Iterator[None]:
    """Hold off the rotation of a file that is read; after a second without luck, read it as it is."""
    lock_within(descriptor, fcntl.LOCK_SH, _LOCK_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def lines_backwards(descriptor: int) -> Iterator[bytes]:
    """The lines of a file, the last one first; it must not be cut meanwhile."""
    end = os.fstat(descriptor).st_size
    begun = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        begun, *lines = (os.pread(descriptor, end - start, start) + begun).split(b"\n")
        yield from reversed(lines)
        end = start
    yield begun


class _Follower:
    """Where a reader is: in archives that it has not read to their end, else in the live file."""

    def __init__(self, live: Path, last: int) -> None:
        self._live = live
        self._number = _newest_number(live)
        self._older: deque[io.FileIO | gzip.GzipFile] = deque()
        self._file: io.FileIO | None = None
        if file := self._opened_live():
            file.seek(_start_of_last(file.fileno(), last))

    def next_block(self) -> bytes:
        """More of the file; nothing while there is nothing new."""
        while True:
            while self._older:
                if block := self._older[0].read(_BLOCK):
                    return block
                self._older.popleft().close()
            file = self._opened_live()
            if file is None:
                return b""
            with uncut(file.fileno()):
                was_cut = self._was_cut(file)
                if not was_cut and (block := self._block_of(file)):
                    return block
            if not was_cut and self._has_the_name(file):
                return b""
            file.close()
            self._file = None

    def close(self) -> None:
        for file in (*self._older, self._file):
            if file is not None:
                file.close()

    def _opened_live(self) -> io.FileIO | None:
        if self._file is None:
            with suppress(FileNotFoundError):
                self._file = io.FileIO(self._live)
        return self._file

    def _was_cut(self, file: io.FileIO) -> bool:
        """Whether what comes next is in archives now; then they are to be read first."""
        fresh = [archive for archive in archives(self._live) if archive.number > self._number]
        for archive in fresh:
            self._number = archive.number
            with suppress(FileNotFoundError):  # Because so old a one may have been removed.
                self._older.append(opened(archive))
        if self._older:
            self._older[0].seek(file.tell())
        return bool(fresh)

    def _block_of(self, file: io.FileIO) -> bytes:
        if file.tell() > os.fstat(file.fileno()).st_size:
            file.seek(0)  # Because logrotate's copytruncate has emptied it.
        return file.read(_BLOCK)

    def _has_the_name(self, file: io.FileIO) -> bool:
        try:
            return os.fstat(file.fileno()).st_ino == self._live.stat().st_ino
        except FileNotFoundError:
            return False


def _newest_number(live: Path) -> int:
    return max((archive.number for archive in archives(live)), default=0)


def _start_of_last(descriptor: int, count: int) -> int:
    """The offset where the last `count` whole lines begin."""
    end = os.fstat(descriptor).st_size
    lines = lines_backwards(descriptor)
    end -= len(next(lines))  # Because the last one has no end yet, or is what comes after the last end.
    return end - sum(len(line) + 1 for line in islice(lines, count)) if end else 0
