"""Which process of this host schedules: the one that holds a flock, until it dies."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from .files import open_private, private_folder
from .guard import guard

_POLL_SECONDS = 0.25


class Leader:
    """A candidate for leadership; the kernel hands the lock over the moment its holder is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._pid = 0
        self._leads = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_leader(self) -> bool:
        """True in the one process that holds the lock; a forked child never does."""
        return self._leads and self._pid == os.getpid()

    def start(self) -> None:
        """Try at once, and then go on trying in a thread."""
        self._stopping.clear()
        private_folder(self._path.parent)
        self._pid = os.getpid()
        self._descriptor = open_private(self._path, os.O_RDWR | os.O_CREAT)
        os.register_at_fork(after_in_child=self._let_go)
        if not self._attempt():
            self._thread = threading.Thread(target=self._campaign, name="atalaia-leader", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let go of the lock, so that another process takes over."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._let_go()

    def holder(self) -> int | None:
        """The process id of the leader of this host, None when there is none."""
        if self.is_leader:
            return os.getpid()
        with guard("leader.holder"):
            text = self._path.read_text().strip()
            return int(text) if text else None
        return None

    def _campaign(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            if self._attempt():
                return

    def _attempt(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        self._leads = True
        return True

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._leads = -1, False
