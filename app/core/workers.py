"""Which worker processes of this host are alive: each holds a flock on a file of its own.

The kernel frees the lock with the process, so that a list is never stale, and a file that nobody
holds is a worker which died without saying goodbye.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from .clock import rfc3339
from .files import open_private, private_folder


@dataclass(frozen=True, slots=True)
class Worker:
    """A process: its id, and when it joined (RFC 3339)."""

    pid: int
    started_at: str


class Workers:
    """The workers that share one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self._path: Path | None = None

    def join(self, now: datetime) -> None:
        """Count this process among the living until leave() or its death."""
        private_folder(self._folder)
        worker = Worker(os.getpid(), rfc3339(now))
        # Because a file under its final name must already be locked, or a sibling would bury it.
        part = self._folder / f".{worker.pid}.part"
        self._path = self._folder / f"{worker.pid}.json"
        self._descriptor = open_private(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, msgspec.json.encode(worker))
        part.replace(self._path)

    def leave(self) -> None:
        """Say goodbye."""
        if self._path is not None and self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
        self._descriptor, self._path = -1, None

    def alive(self) -> list[Worker]:
        """The living, by process id."""
        return [worker for worker, lives in self._all() if lives]

    def bury(self) -> list[Worker]:
        """Those that died without leave() since the last call; each is told to one caller only."""
        dead = []
        for worker, lives in self._all():
            if not lives and self._claim(worker):
                dead.append(worker)
        return dead

    def _claim(self, worker: Worker) -> bool:
        try:
            (self._folder / f"{worker.pid}.json").unlink()
        except FileNotFoundError:
            return False
        return True

    def _all(self) -> list[tuple[Worker, bool]]:
        found = []
        for path in sorted(self._folder.glob("*.json"), key=lambda path: path.stem.zfill(10)):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                worker = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Worker)
                found.append((worker, not _is_free(descriptor)))
            finally:
                os.close(descriptor)
        return found


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
