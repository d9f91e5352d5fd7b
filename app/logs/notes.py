"""What those who write to a log file note for the next: where it ends, what was begun, what came last."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from typing import NamedTuple

_KIND = int.from_bytes(b"ataturn1", "little")
_KIND_AT, _INODE_AT, _END_AT, _FROM_AT, _MOVING_AT, _START_AT, _STOP_AT, _TO_AT, _NAME_AT = range(9)
_NAME_BYTES = slice(256, 512)
_HEADER_BYTES = mmap.PAGESIZE
_LAST_BYTES = 1 << 18


class Move(NamedTuple):
    """The bytes of a ring from `start` to `stop` go to the offset `to` of the file, which is its end."""

    ring: str
    start: int
    stop: int
    to: int


class Notes:
    """A page of numbers, and the last bytes that were written, in a file that all processes map."""

    def __init__(self, descriptor: int) -> None:
        """OSError where there is no room for them, or no such thing as mmap."""
        os.posix_fallocate(descriptor, 0, _HEADER_BYTES + _LAST_BYTES)
        self._map = mmap.mmap(descriptor, _HEADER_BYTES + _LAST_BYTES)
        self._words = memoryview(self._map)[: _NAME_BYTES.start].cast("Q")
        self._last = memoryview(self._map)[_HEADER_BYTES:]
        if self._words[_KIND_AT] != _KIND:
            self._words[_MOVING_AT] = self._words[_INODE_AT] = 0
            self._words[_KIND_AT] = _KIND

    @property
    def inode(self) -> int:
        return self._words[_INODE_AT]

    @property
    def end(self) -> int:
        """Where the file ended when it was written last."""
        return self._words[_END_AT]

    @property
    def since(self) -> int:
        """The first offset of which last_bytes() knows."""
        return max(self._words[_FROM_AT], self.end - _LAST_BYTES)

    @property
    def moving(self) -> Move | None:
        """What was begun and not brought to its end."""
        if not self._words[_MOVING_AT]:
            return None
        name = self._map[_NAME_BYTES][: self._words[_NAME_AT]].decode()
        return Move(name, self._words[_START_AT], self._words[_STOP_AT], self._words[_TO_AT])

    def begin(self, move: Move) -> None:
        name = move.ring.encode()
        self._map[_NAME_BYTES.start : _NAME_BYTES.start + len(name)] = name
        self._words[_START_AT], self._words[_STOP_AT] = move.start, move.stop
        self._words[_TO_AT], self._words[_NAME_AT] = move.to, len(name)
        self._words[_MOVING_AT] = 1

    def finish(self) -> None:
        self._words[_MOVING_AT] = 0

    def start_at(self, inode: int, end: int) -> None:
        """The file is this one now and this long; what was written before is none of ours."""
        self._words[_INODE_AT] = inode
        self._words[_FROM_AT] = self._words[_END_AT] = end

    def wrote(self, block: bytes) -> None:
        """These bytes are at the end of the file now."""
        end = self.end + len(block)
        kept = block[-_LAST_BYTES:]
        place = (end - len(kept)) % _LAST_BYTES
        front = min(len(kept), _LAST_BYTES - place)
        self._last[place : place + front] = kept[:front]
        self._last[: len(kept) - front] = kept[front:]
        self._words[_END_AT] = end

    def last_bytes(self, start: int, end: int) -> bytes:
        """What was written between two offsets that are not before `since`."""
        place = start % _LAST_BYTES
        return bytes(self._last[place : place + end - start]) + bytes(
            self._last[: max(0, place + end - start - _LAST_BYTES)]
        )

    def close(self) -> None:
        with suppress(BufferError):  # Because another thread may have been at it when the process forked.
            self._words.release()
            self._last.release()
            self._map.close()
