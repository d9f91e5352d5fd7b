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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .clock import Clock, SystemClock
from .files import open_private, private_folder
from .guard import failures

_WAITING_BYTES = 4 << 20
_RETRY_SECONDS = 1.0
_CHUNK_BYTES = 1 << 20
_encode = msgspec.json.Encoder(decimal_format="string", enc_hook=str).encode


class Journal:
    """The writing end of one process.

    Until `open` is called, and while the disk refuses, lines wait in memory (bounded to 4 MiB);
    what does not fit is dropped and counted in `dropped`. append() never raises and never waits
    for a network or a lock of another process.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dropped = 0
        self._folder: Path | None = None
        self._clock: Clock = SystemClock()
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._retry_at = 0.0
        self._descriptor = -1
        self._day = ""
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

    def append(self, fact: Mapping[str, Any]) -> bool:
        """Write one fact; True when it is in the file, False when it waits or was dropped."""
        return self.append_all((fact,))

    def append_all(self, facts: tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]) -> bool:
        """Write several facts by one write; True when all of them are in the file."""
        if os.getpid() != self._pid:
            self._begin_process()
        line = b"".join([_encode(fact) + b"\n" for fact in facts])
        with self._lock:
            if not self._waiting or self._due():
                self._write_waiting()
            if not self._waiting and self._write(line):
                return True
            self._keep(line)
            return False

    def sync(self) -> None:
        """Write what waits, and make every line so far survive the machine (fdatasync)."""
        with self._lock:
            self._write_waiting()
            if self._dirty and self._descriptor >= 0:
                self._dirty = False
                os.fdatasync(self._descriptor)

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
        if not self._due():
            return
        while self._waiting and self._write(self._waiting[0]):
            self._waiting_bytes -= len(self._waiting.popleft())

    def _write(self, line: bytes) -> bool:
        if self._folder is None:
            return False
        try:
            descriptor = self._file()
            written = os.write(descriptor, line)
            if written != len(line):
                # Because half a line must not stay: this file has no other writer.
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 one way to fail
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            failures.add(f"journal.{self.name}", error)
            return False
        self._dirty = True
        return True

    def _keep(self, line: bytes) -> None:
        if self._waiting_bytes + len(line) > _WAITING_BYTES:
            self.dropped += line.count(b"\n")
            return
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def _file(self) -> int:
        day = self._clock.now().strftime("%Y-%m-%d")
        if self._descriptor >= 0 and day == self._day and os.fstat(self._descriptor).st_nlink:
            return self._descriptor
        self._forget_file()
        assert self._folder is not None
        name = f"{day}.{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._descriptor = open_private(
            private_folder(self._folder) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT
        )
        self._day, self._pid = day, os.getpid()
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
    return sorted(folder.glob("*.jsonl"))


def read_new(folder: Path, offsets: Mapping[str, int]) -> Iterator[Chunk]:
    """What stands in the files behind `offsets` (file name → offset), in chunks of about 1 MiB.

    A line without its end (a kill cut it off, or it is being written) is left for the next time.
    """
    for path in files_of(folder):
        offset = offsets.get(path.name, 0)
        if path.stat().st_size <= offset:
            continue
        with path.open("rb") as file:
            file.seek(offset)
            while block := file.read(_CHUNK_BYTES):
                if not block.endswith(b"\n"):
                    block += file.readline()
                whole = block[: block.rfind(b"\n") + 1]
                if not whole:
                    break
                offset += len(whole)
                yield Chunk(path.name, offset, whole.split(b"\n")[:-1])
