"""One log file that several processes append to: whole lines, under the name, beside rotation."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from ..core.files import open_private, private_folder
from ..core.guard import guard
from .rotation import lock_within

_LOCK_SECONDS = 0.5
_LOOK_BACK_BYTES = 1 << 20
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class SharedFile:
    """Appends lines with one write() each, so that they are in order and survive SIGKILL.

    While it writes it holds a shared flock, which holds off rotation. It follows the name: when the
    file was moved or deleted (folder and all), it is made again. Not safe with threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._descriptor = -1
        self._inode = 0
        self._end = -1

    @property
    def is_open(self) -> bool:
        return self._descriptor >= 0

    def open(self) -> None:
        """Open the file, and make it and its folder where they are not there; OSError."""
        private_folder(self.path.parent)
        self._descriptor = open_private(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._inode = os.fstat(self._descriptor).st_ino
        self._end = -1

    def append(self, line: bytes) -> int:
        """Write a whole line; the size of the file then. OSError when it is not in the file."""
        self._share()
        try:
            return self._write(line)
        finally:
            self._unlock()

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)

    def _write(self, line: bytes) -> int:
        written = os.write(self._descriptor, line)
        end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        start = end - written
        if start != self._end and start > 0:
            with guard("logs.mend"):
                self._mend(start)
        if written < len(line):
            self._end = -1  # Because the next line, whoever writes it, has to mend this one.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end = end
        return end

    def _mend(self, start: int) -> None:
        """Blank a torn line before `start`, which a kill or a full disk has cut off."""
        if os.pread(self._descriptor, 1, start - 1) == b"\n":
            return
        begin = max(0, start - _LOOK_BACK_BYTES)
        begin += os.pread(self._descriptor, start - begin, begin).rfind(b"\n") + 1
        # Because Linux appends even what pwrite() puts elsewhere, when a file was opened for appending.
        descriptor = os.open(self._name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, b" " * (start - begin - 1) + b"\n", begin)
        finally:
            os.close(descriptor)

    def _share(self) -> None:
        """Hold off rotation, and have the file open that has the name now."""
        for _ in range(3):
            if self._descriptor < 0:
                self.open()
            self._lock()
            if self._has_the_name():
                return
            self.close()
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    def _lock(self) -> None:
        try:
            if not lock_within(self._descriptor, fcntl.LOCK_SH, _LOCK_SECONDS):
                raise TimeoutError(errno.ETIMEDOUT, "another process is rotating the file for too long")
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise

    def _unlock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except OSError:
            return  # Because the line is in the file, and a file without locks needs no unlocking.

    def _has_the_name(self) -> bool:
        try:
            return os.stat(self._name).st_ino == self._inode  # noqa: PTH116 because Path.stat costs twice
        except FileNotFoundError:
            return False
