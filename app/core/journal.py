"""Journals: one JSON line per fact, written before the call returns, read again by file and offset.

A journal is a folder with one file per process and UTC day, so that each file has one writer.
A line whose append() returned True survives SIGKILL of the process, because its bytes are the
kernel's; `sync` makes them survive the machine too.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from .clock import Clock, SystemClock
from .files import open_private, private_folder
from .guard import failures

_WAITING_BYTES = 4 << 20
_RETRY_SECONDS = 1.0
_CHUNK_BYTES = 1 << 20
Fact: TypeAlias = Mapping[str, Any] | msgspec.Struct

_encode = msgspec.json.Encoder(decimal_format="string", enc_hook=str).encode


class Journal:
    """The writing end of one process.

    Until `open` is called, and while the disk refuses, lines wait in memory (bounded to 4 MiB);
    what does not fit is dropped and counted in `dropped`. append() never raises and never waits
    for a network or a lock of another process.
    """

    def __init__(self, name: str, *, flush: Callable[[int], None] = os.fdatasync) -> None:
        """`flush` makes what was written to a descriptor survive the machine."""
        self.name = name
        self._flush = flush
        self.dropped = 0
        self._folder: Path | None = None
        self._clock: Clock = SystemClock()
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._retry_at = 0.0
        self._descriptor = -1
        self._day = 0
        self._pid = 0
        self._dirty = False

    def open(self, folder: Path, clock: Clock | None = None) -> None:
        """Say where the journal is; what waited is written now."""
        with self._lock:
            self._forget_file()
            self._folder, self._clock = folder, clock or SystemClock()
            self._write_waiting()

    def close(self) -> None:
        """Write what waits and let go of the file; later lines wait until the next open()."""
        with self._lock:
            self._write_waiting()
            self._forget_file()
            self._folder = None

    def append(self, fact: Fact) -> bool:
        """Write one fact; True when it is in the file, False when it waits or was dropped."""
        return self.append_all((fact,))

    def append_all(self, facts: Iterable[Fact]) -> bool:
        """Write several facts by one write; True when all of them are in the file."""
        if os.getpid() != self._pid:
            self._begin_process()
        lines = b"".join([_encode(fact) + b"\n" for fact in facts])
        with self._lock:
            if not self._waiting or self._due():
                self._write_waiting()
            left = lines if self._waiting else self._write(lines)
            if left:
                self._keep(left)
            return not left

    def sync(self) -> None:
        """Write what waits, and make every line so far survive the machine (fdatasync)."""
        with self._lock:
            self._write_waiting()
            if not self._dirty or self._descriptor < 0:
                return
            self._dirty = False
            # Because the disk may take its time, append() must not wait behind it for the lock; the
            # copy stays valid when the day's file is closed meanwhile.
            descriptor = os.dup(self._descriptor)
        try:
            self._flush(descriptor)
        finally:
            os.close(descriptor)

    @property
    def waiting(self) -> int:
        """How many writes wait in memory for the disk."""
        return len(self._waiting)

    def _begin_process(self) -> None:
        # Because a forked child must neither share its parent's file nor inherit a held lock.
        self._lock = threading.Lock()
        self._descriptor, self._pid = -1, os.getpid()

    def _due(self) -> bool:
        return time.monotonic() >= self._retry_at

    def _write_waiting(self) -> None:
        while self._waiting and self._due():
            lines = self._waiting.popleft()
            self._waiting_bytes -= len(lines)
            if left := self._write(lines):
                self._waiting.appendleft(left)
                self._waiting_bytes += len(left)
                return

    def _write(self, lines: bytes) -> bytes:
        """Write as many lines as the disk takes; returns those that it did not take."""
        if self._folder is None:
            return lines
        try:
            descriptor = self._file()
            written = os.write(descriptor, lines)
            self._dirty = True
            if written == len(lines):
                return b""
            # Because whole lines may have been folded already, only the torn one is taken back; the
            # file has no other writer.
            whole = lines.rfind(b"\n", 0, written) + 1
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - (written - whole))
            lines = lines[whole:]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 one way to fail
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            failures.add(f"journal.{self.name}", error)
            return lines

    def _keep(self, lines: bytes) -> None:
        if self._waiting_bytes + len(lines) > _WAITING_BYTES:
            self.dropped += lines.count(b"\n")
            return
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)

    def _file(self) -> int:
        today = self._clock.now()
        if (
            self._descriptor >= 0
            and today.toordinal() == self._day
            and os.fstat(self._descriptor).st_nlink  # because a person may have deleted it
        ):
            return self._descriptor
        self._forget_file()
        assert self._folder is not None
        name = f"{today:%Y-%m-%d}.{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._descriptor = open_private(
            private_folder(self._folder) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT
        )
        self._day, self._pid = today.toordinal(), os.getpid()
        return self._descriptor

    def _forget_file(self) -> None:
        if self._descriptor >= 0 and self._pid == os.getpid():
            os.close(self._descriptor)
        self._descriptor = -1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one journal file; `end` is the offset behind the last of them."""

    file: str
    end: int
    lines: list[bytes]


def files_of(folder: Path) -> list[Path]:
    """The journal files of a folder, oldest day first; an empty list when there is no folder."""
    with suppress(FileNotFoundError, NotADirectoryError):
        names = os.listdir(folder)  # noqa: PTH208 because this is asked at each poll, and glob() takes long
        return [folder / name for name in sorted(names) if name.endswith(".jsonl")]
    return []


def read_new(folder: Path, offsets: Mapping[str, int]) -> Iterator[Chunk]:
    """What stands in the files behind `offsets` (file name → offset), in chunks of about 1 MiB.

    A line without its end (a kill cut it off, or it is being written) is left for the next time.
    """
    for name, size in _sizes(folder):
        offset = offsets.get(name, 0)
        # Because another process may trim a file at any moment, one that is gone is passed over.
        with suppress(FileNotFoundError):
            if size > offset:
                yield from _chunks(folder / name, offset)


def _sizes(folder: Path) -> list[tuple[str, int]]:
    """Journals by name, and how large they are; by scandir(), because this is asked at each poll."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".jsonl"):
                with suppress(FileNotFoundError):
                    found.append((entry.name, entry.stat().st_size))
    return sorted(found)


def _chunks(path: Path, offset: int) -> Iterator[Chunk]:
    with path.open("rb") as file:
        file.seek(offset)
        while block := file.read(_CHUNK_BYTES):
            if not block.endswith(b"\n"):
                block += file.readline()
            whole = block[: block.rfind(b"\n") + 1]
            if not whole:
                return
            offset += len(whole)
            yield Chunk(path.name, offset, whole.split(b"\n")[:-1])
            # Because a half line was read as well, which its writer may have finished meanwhile.
            file.seek(offset)
