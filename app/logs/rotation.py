"""Old log files: cut off the live one while others write to it, compressed, and at last removed.

The live file keeps its inode, so that `tail -f` goes on: what is in it is copied away, then it is emptied.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.clock import Clock
from ..core.files import open_private
from ..core.guard import failures, guard
from .archives import all_archives, archives, begins_with, is_uncut, next_archive

_BLOCK = 1 << 20
_END_BYTES = 1 << 20
_SHUT_OUT_SECONDS = 1.0
_READERS_SECONDS = 0.005  # Because `tail -f` has to see the last lines before they are gone.
_AGAIN_SECONDS = 0.25
_AFTER_FAILURE_SECONDS = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 when it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def lock_within(descriptor: int, kind: int, seconds: float) -> bool:
    """Try to flock a file for so long; False when another process keeps it locked."""
    end = 0.0
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            end = end or now + seconds
            if now >= end:
                return False
            time.sleep(0.0005)
        else:
            return True


class Rotation:
    """Rotates one log file, in a thread, in whichever process finds it full first."""

    def __init__(self, live: Path, max_bytes: int, keep_files: int, clock: Clock) -> None:
        self._live = live
        self._max_bytes = max_bytes
        self._keep_files = keep_files
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._again_at = 0.0

    def consider(self, size: int) -> None:
        """Rotate soon if a file of this size is full; called after every write."""
        if size < self._max_bytes or time.monotonic() < self._again_at:
            return
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.run, name=f"atalaia-{self._live.name}", daemon=True)
            with guard("logs.rotation"):
                self._thread.start()

    def settle(self, seconds: float = 5.0) -> None:
        """Wait for a rotation that is under way."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def begin_process(self) -> None:
        """Begin anew in a forked child, where its parent's thread does not exist."""
        self._thread = None

    def run(self) -> None:
        """Cut, compress and remove, unless another process is at it."""
        pause = _AFTER_FAILURE_SECONDS
        with guard("logs.rotation"), _only_one(self._live.with_name(".rotation.lock")) as only_one:
            while only_one and self._step():
                pass
            pause = 0.0 if only_one else _AGAIN_SECONDS
        self._again_at = time.monotonic() + pause

    def _step(self) -> bool:
        """Do what is most urgent; False when nothing is left to do."""
        if size_of(self._live) >= self._max_bytes:
            self._cut()
            return True
        known = archives(self._live)
        for old in known[: -self._keep_files]:
            old.path.unlink(missing_ok=True)
        for archive in known[-self._keep_files :]:
            if not archive.is_compressed:
                _compress(archive.path)
                return True
            archive.path.with_suffix("").unlink(missing_ok=True)  # Because a kill may have left it.
        return False

    def _cut(self) -> None:
        """Move what is in the live file into an archive, while others write to it.

        1. Copy it, but for the end, where lines come and torn ones are mended. 2. Make the copy durable,
        because the original will be gone. 3. Shut the writers out, for moments. 4. See that nobody else
        has cut the file meanwhile. 5. Copy the end. 6. Give the copy its name. 7. Empty the live file.
        A kill before 6 leaves a part that the next cut overwrites; a kill between 6 and 7 leaves an
        archive that still is the beginning of the live file, which `archives` knows and the next cut removes.
        """
        part = self._live.with_name(f".{self._live.name}.part")
        with _opened(self._live) as live, _opened(part, os.O_CREAT | os.O_TRUNC) as copy:
            try:
                copied = _copied_but_the_end(live, copy)
                if self._shuts_out(live) and (not copied or begins_with(live, copy)):
                    self._remove_uncut(live)
                    _copied(live, copy, copied, os.fstat(live).st_size)
                    part.rename(next_archive(self._live, self._clock.now()))
                    time.sleep(_READERS_SECONDS)
                    os.ftruncate(live, 0)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                failures.add("logs.rotation", error)
                self._move_aside(live)
            finally:
                part.unlink(missing_ok=True)

    def _move_aside(self, live: int) -> None:
        """Rename the live file, as there is no room for a copy; `tail -F` follows, `tail -f` does not."""
        if self._shuts_out(live):
            self._live.rename(next_archive(self._live, self._clock.now()))

    def _shuts_out(self, live: int) -> bool:
        """Lock the writers out; False when the live file is another or has been cut by now."""
        if not lock_within(live, fcntl.LOCK_EX, _SHUT_OUT_SECONDS):
            raise TimeoutError(errno.ETIMEDOUT, "a writer does not let go of the file")
        _drop_torn_end(live)
        status = os.fstat(live)
        named = self._live.exists() and self._live.stat().st_ino == status.st_ino
        return named and status.st_size >= self._max_bytes

    def _remove_uncut(self, live: int) -> None:
        for archive in all_archives(self._live):
            if is_uncut(archive, live):
                archive.path.unlink()


@contextmanager
def _only_one(path: Path) -> Iterator[bool]:
    with _opened(path, os.O_CREAT) as descriptor:
        yield lock_within(descriptor, fcntl.LOCK_EX, 0.0)


@contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    descriptor = open_private(path, os.O_RDWR | flags)
    try:
        yield descriptor
    finally:
        # Because a child that was forked meanwhile has the descriptor too, closing would not unlock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _copied_but_the_end(source: int, target: int) -> int:
    """Copy while others write; the offset up to which it is copied and durable."""
    offset = 0
    for _ in range(4):
        end = os.fstat(source).st_size - _END_BYTES
        if end <= offset:
            break
        offset = _copied(source, target, offset, end)
        os.fdatasync(target)
    return offset


def _copied(source: int, target: int, offset: int, end: int) -> int:
    while block := os.pread(source, min(_BLOCK, end - offset), offset):
        written = os.pwrite(target, block, offset)
        if written < len(block):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        offset += written
    return offset


def _drop_torn_end(live: int) -> None:
    """Take away a line without its end, which a kill or a full disk has cut off; nobody else may write."""
    size = os.fstat(live).st_size
    begin = max(0, size - _END_BYTES)
    whole = begin + os.pread(live, size - begin, begin).rfind(b"\n") + 1
    if begin < whole < size:
        os.ftruncate(live, whole)


def _compress(path: Path) -> None:
    part = path.with_name(".gz.part")
    try:
        with path.open("rb") as source, _opened(part, os.O_CREAT | os.O_TRUNC) as descriptor:
            with (
                open(descriptor, "wb", closefd=False) as raw,
                gzip.GzipFile("", "wb", compresslevel=4, fileobj=raw, mtime=0) as target,
            ):
                shutil.copyfileobj(source, target, _BLOCK)
            os.fdatasync(descriptor)
        part.replace(path.with_name(path.name + ".gz"))
        path.unlink()
    finally:
        part.unlink(missing_ok=True)
