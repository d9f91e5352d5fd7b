"""The live file of a log: what is written goes to its end, by its name, and half a line spoils no other."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from ..core.files import open_private, private_folder

_LOOK_BACK_BYTES = 1 << 20


class LiveFile:
    """Follows the name: when the file was moved or deleted (folder and all), it is made again.

    Not safe with threads, and for one process at a time, which Turn sees to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._descriptor = -1
        self.inode = 0

    def follow(self) -> int:
        """Have the file open that has the name now; its size. OSError."""
        for _ in range(3):
            try:
                status = os.stat(self._name)  # noqa: PTH116 because Path.stat costs twice
            except FileNotFoundError:
                self._open()
                continue
            if status.st_ino == self.inode:
                return status.st_size
            self._open()
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    def append(self, block: bytes) -> int:
        """Write whole lines with one write(); the bytes that are in the file then. OSError."""
        return os.write(self._descriptor, block)

    def size(self) -> int:
        """The size of the file that is open."""
        return os.fstat(self._descriptor).st_size

    def mend(self, size: int) -> None:
        """Blank a torn line at the end of the file, which a kill or a full disk has cut off."""
        if not size or os.pread(self._descriptor, 1, size - 1) == b"\n":
            return
        begin = max(0, size - _LOOK_BACK_BYTES)
        begin += os.pread(self._descriptor, size - begin, begin).rfind(b"\n") + 1
        # Because Linux appends even what pwrite() puts elsewhere, when a file was opened for appending.
        descriptor = os.open(self._name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, b" " * (size - begin - 1) + b"\n", begin)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        descriptor, self._descriptor, self.inode = self._descriptor, -1, 0
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)

    def _open(self) -> None:
        """Open the file, and make it and its folder where they are not there."""
        self.close()
        private_folder(self.path.parent)
        self._descriptor = open_private(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self.inode = os.fstat(self._descriptor).st_ino
