"""One run at a time on this host: a lock that the kernel frees with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from ..core.errors import Conflict
from ..core.files import open_private

# Because who only looks whether the lock is held holds it for an instant.
_PATIENCE_SECONDS = 0.5
_STEP_SECONDS = 0.02
_held: set[int] = set()


class Turn:
    """The right to write in the folder of the backups, until release()."""

    def __init__(self, path: Path, sign: Path) -> None:
        """Take the lock at `path`; Conflict while another has it, in this process or any other.

        Whoever has it for longer puts up the file `sign`.
        """
        self._descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        _held.add(self._descriptor)
        until = time.monotonic() + _PATIENCE_SECONDS
        while not self._taken():
            if sign.exists() or time.monotonic() >= until:
                self.release()
                raise Conflict("a backup is already running", "Wait for its end: see the backup status.")
            time.sleep(_STEP_SECONDS)

    def release(self) -> None:
        """Let the next one begin; nothing happens the second time."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor in _held:
            _held.discard(descriptor)
            os.close(descriptor)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _let_go_in_child() -> None:
    # Because a forked child would keep the lock beyond its parent's death.
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go_in_child)
