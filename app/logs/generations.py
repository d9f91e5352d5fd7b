"""The generations of a log: its archives by their numbers, then the live file, which will get the next one.

What is in the live file keeps its offset when it becomes an archive, so that a number and an offset name
a place for as long as the lines exist. Readers take no lock: an archive gets its name before the live file
is emptied, so that what was read is right when there is no newer archive after the reading.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputRejected
from .archives import Archive, archives
from .packed import Block, Packed

_FIRST_BLOCK = 1 << 16
_BLOCK = 1 << 19
_LONGEST_LINE = 1 << 26
_HEAD_BYTES = 512
_FLAGS = os.O_RDONLY | os.O_CLOEXEC
_PLACE = re.compile(r"(\d{1,9})-(\d{1,15})-([0-9a-f]{8}|)")


@dataclass(frozen=True, slots=True)
class Place:
    """Between two lines of a log: the generation, the offset in it, and a hash of its first line.

    The hash tells where generations were numbered anew, or moved away by others.
    """

    number: int
    offset: int
    head: str = ""

    def __str__(self) -> str:
        return f"{self.number}-{self.offset}-{self.head}"


def place_of(text: str) -> Place:
    """The place that str() has made a text of; InputRejected for any other text."""
    match = _PLACE.fullmatch(text)
    if match is None:
        hint = "Send what an answer gave you, unchanged."
        raise InputRejected(f"{text[:100]!r} is no place in a log", hint)
    return Place(int(match[1]), int(match[2]), match[3])


class Plain:
    """A file that is not compressed; `backwards` and `forwards` as of packed.Packed."""

    damaged = 0

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def backwards(self, end: int) -> Iterator[Block]:
        """Blocks, the last one first; only what stands before `end`. Small ones, then larger ones."""
        size = _FIRST_BLOCK
        while end > 0:
            start = max(0, end - size)
            data = os.pread(self._descriptor, end - start, start)
            first = data.find(b"\n") + 1 if start else 0
            if start and first in (0, len(data)) and size < _LONGEST_LINE:
                size *= 4  # Because the line is longer than the block.
                continue
            yield Block(start, data, first)
            # Because what is cut off at the beginning is read again, nothing has to be copied.
            end, size = start + first, max(_BLOCK, size)

    def lines_at(self, start: int) -> Block | None:
        """Some whole lines that begin at `start`; None while there are none."""
        size = _FIRST_BLOCK
        while True:
            data = os.pread(self._descriptor, size, start)
            if end := data.rfind(b"\n") + 1:
                return Block(start, data[:end])
            if len(data) < size or size > _LONGEST_LINE:
                return None
            size *= 4

    def forwards(self, start: int) -> Iterator[Block]:
        """Blocks, the first of which begins at `start`; lines go over their ends."""
        while data := os.pread(self._descriptor, _FIRST_BLOCK, start):
            yield Block(start, data)
            start += len(data)


Source = Plain | Packed


@dataclass(frozen=True, slots=True)
class Generation:
    """One file of a log; the newest is the live one."""

    number: int
    path: Path
    archive: Archive | None = None

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """The file for reading; FileNotFoundError when it has been removed or moved on meanwhile."""
        descriptor = self._descriptor()
        try:
            yield Packed(descriptor) if _is_gzip(descriptor) else Plain(descriptor)
        finally:
            os.close(descriptor)

    def _descriptor(self) -> int:
        try:
            return os.open(self.path, _FLAGS)
        except FileNotFoundError:
            if self.archive is None or self.archive.is_compressed:
                raise
            return os.open(f"{self.path}.gz", _FLAGS)  # Because it was compressed meanwhile.


def generations(live: Path) -> list[Generation]:
    """Every file of a log, oldest first; the live one is there even when its file is not."""
    old = [Generation(archive.number, archive.path, archive) for archive in archives(live)]
    return [*old, Generation(old[-1].number + 1 if old else 1, live)]


def newest_number(live: Path) -> int:
    """The number of the live file."""
    return generations(live)[-1].number


def found_again(live: Path, place: Place) -> Generation | None:
    """The generation that a place is in, whatever its number is now; None when it is gone."""
    known = generations(live)
    for generation in sorted(known, key=lambda one: one.number != place.number):
        if place.head in ("", head_of(generation)) and (place.head or generation.number == place.number):
            return generation
    return None


def head_of(generation: Generation) -> str:
    """The hash of the first line; empty where there is none."""
    with suppress(FileNotFoundError), generation.opened() as source:
        for block in source.forwards(0):
            return head_hash(block.data)
    return ""


def head_hash(block: bytes) -> str:
    """The hash of the first line of a file that begins with this block; empty until that is whole."""
    head = block[:_HEAD_BYTES]
    line, end, _ = head.partition(b"\n")
    return f"{zlib.crc32(line):08x}" if end or len(head) == _HEAD_BYTES else ""


def _is_gzip(descriptor: int) -> bool:
    return os.pread(descriptor, 2, 0) == b"\x1f\x8b"
