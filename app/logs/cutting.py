"""How a live log file becomes an archive while others write to it: copied away, then emptied.

The live file keeps its inode, so that `tail -f` goes on.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.files import open_private
from ..core.guard import failures
from .archives import all_archives, begins_with, is_uncut
from .turn import Turn

_BLOCK = 1 << 24
_END_BYTES = 1 << 20
_SHUT_OUT_SECONDS = 1.0
_READERS_SECONDS = 0.02  # Because `tail -f` has to see the last lines before they are gone.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RANGES = (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)


def cut(turn: Turn, is_due: Callable[[], bool], archive: Callable[[], Path]) -> None:
    """Move what is in the live file into an archive, if it still is due then.

    1. Copy it, but for the end, where lines come. 2. Make the copy durable, because the original will be
    gone. 3. Take the turn. 4. See that nobody else has cut the file meanwhile. 5. Copy the end. 6. Give the
    copy its name. 7. Empty the live file. A kill before 6 leaves a part that the next cut overwrites; a kill
    between 6 and 7 leaves an archive that still is the beginning of the live file, which `archives` knows and
    the next cut removes. Where there is no room for a copy the file is renamed: `tail -F` follows then.
    """
    live = turn.file.path
    part = live.with_name(f".{live.name}.part")
    if not _has_room_for_copy(live):
        _move_aside(turn, is_due, archive)
        return
    with opened(live) as source, opened(part, os.O_CREAT | os.O_TRUNC) as copy:
        try:
            copied = _copied_but_the_end(source, copy)
            with turn.taken(_SHUT_OUT_SECONDS):
                if _is_same(turn, source) and is_due() and (not copied or begins_with(source, copy)):
                    _remove_uncut(live, source)
                    _copied(source, copy, copied, os.fstat(source).st_size)
                    part.rename(archive())
                    time.sleep(_READERS_SECONDS)
                    os.ftruncate(source, 0)
                    turn.emptied()
        except OSError as error:
            if error.errno not in _FULL:
                raise
            failures.add("logs.rotation", error)
            _move_aside(turn, is_due, archive)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    """A descriptor of a private file, for as long as it is needed."""
    descriptor = open_private(path, os.O_RDWR | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _move_aside(turn: Turn, is_due: Callable[[], bool], archive: Callable[[], Path]) -> None:
    with turn.taken(_SHUT_OUT_SECONDS):
        if is_due():
            turn.file.path.rename(archive())


def _has_room_for_copy(live: Path) -> bool:
    """Whether after the copy as much is free again, because others write to this disk too."""
    disk = os.statvfs(live)
    return disk.f_bavail * disk.f_frsize >= 2 * live.stat().st_size


def _is_same(turn: Turn, source: int) -> bool:
    return os.fstat(source).st_ino == turn.file.inode


def _remove_uncut(live: Path, source: int) -> None:
    for archive in all_archives(live):
        if is_uncut(archive, source):
            archive.path.unlink()


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
    while offset < end and (size := _copied_once(source, target, offset, min(_BLOCK, end - offset))):
        offset += size
    return offset


def _copied_once(source: int, target: int, offset: int, size: int) -> int:
    try:
        return os.copy_file_range(source, target, size, offset, offset)
    except (OSError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_RANGES:
            raise
    block = os.pread(source, min(size, 1 << 20), offset)
    return os.pwrite(target, block, offset)
