"""Compressed archives that can be read from any place: gzip files of many members, each of whole lines.

Every gzip program reads them. Each member tells its own packed size in its header (the extra field `At`)
and ends with its plain size, so that a reader finds the last one without unpacking those before it.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from isal import isal_zlib

_MEMBER_BYTES = 1 << 19
_LEVEL = 2
_RAW = -15
_GZIP = 31
_STEP = 1 << 14
# Magic, deflate, "has an extra field", no time, no hint, unknown system; the extra field's length is 8.
_MAGIC = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x08\x00At\x04\x00"
_HEADER_BYTES = len(_MAGIC) + 4


@dataclass(frozen=True, slots=True)
class Member:
    """One part of an archive: where it is, packed, and the offset of what it holds; `size` in plain bytes."""

    at: int
    packed_size: int
    start: int
    size: int


def pack(source: BinaryIO, target: BinaryIO) -> None:
    """Compress a log file of lines into an archive."""
    while block := source.read(_MEMBER_BYTES):
        if not block.endswith(b"\n"):
            block += source.readline()
        target.write(_member(block))


def _member(block: bytes) -> bytes:
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
    packed = packer.compress(block) + packer.flush()
    whole = _HEADER_BYTES + len(packed) + 8
    return b"".join(
        (_MAGIC, struct.pack("<I", whole), packed, struct.pack("<II", isal_zlib.crc32(block), len(block)))
    )


class Block(NamedTuple):
    """A piece of a log file: its offset, and where in it the first whole line begins."""

    start: int
    data: bytes
    first: int = 0


class Packed:
    """An archive that is open for reading; `damaged` counts the parts that could not be read whole."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.damaged = 0
        self._members = list(_members(descriptor))
        self._foreign: bytes | None = None
        if self._members and self._members[0].size < 0:
            # Because another program has compressed it, into one member that can only be read from its start.
            self._foreign = self._unpacked(self._members[0])
            self._members = [Member(0, self._members[0].packed_size, 0, len(self._foreign))]

    @property
    def size(self) -> int:
        """How many plain bytes there are."""
        return self._members[-1].start + self._members[-1].size if self._members else 0

    def backwards(self, end: int) -> Iterator[Block]:
        """Blocks of whole lines, the last one first; only what stands before `end`."""
        for member in reversed(self._members):
            if member.start < end:
                yield Block(member.start, self._unpacked(member)[: end - member.start])

    def lines_at(self, start: int) -> Block | None:
        """Some whole lines at or behind `start`; None at the end."""
        for block in self.forwards(start):
            if end := block.data.rfind(b"\n") + 1:
                return Block(block.start, block.data[:end])
        return None

    def forwards(self, start: int) -> Iterator[Block]:
        """Blocks, the first of which begins at `start`."""
        first = bisect_left(self._members, start + 1, key=lambda member: member.start + member.size)
        for member in self._members[first:]:
            skip = max(0, start - member.start)
            yield Block(member.start + skip, self._unpacked(member)[skip:])

    def _unpacked(self, member: Member) -> bytes:
        """What a member holds; of a damaged one, the whole lines at its beginning."""
        if self._foreign is not None:
            return self._foreign
        packed = os.pread(self._descriptor, member.packed_size, member.at)
        with suppress(isal_zlib.error):  # type: ignore[arg-type] # because the stub takes the class for an instance
            return isal_zlib.decompress(packed, _GZIP, min(max(member.size, _STEP), _MEMBER_BYTES << 1))
        self.damaged += 1
        block = b"".join(_readable(packed))
        return block[: block.rfind(b"\n") + 1]


def _readable(packed: bytes) -> Iterator[bytes]:
    unpacker = isal_zlib.decompressobj(_GZIP)
    with suppress(isal_zlib.error):  # type: ignore[arg-type]
        for at in range(0, len(packed), _STEP):
            yield unpacker.decompress(packed[at : at + _STEP])


def _members(descriptor: int) -> Iterator[Member]:
    end, at, start = os.fstat(descriptor).st_size, 0, 0
    while at < end:
        header = os.pread(descriptor, _HEADER_BYTES, at)
        if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
            if at == 0:
                yield Member(0, end, 0, -1)
            return
        packed_size = max(_HEADER_BYTES, *struct.unpack("<I", header[-4:]))
        if at + packed_size > end:
            yield Member(at, end - at, start, _MEMBER_BYTES << 1)  # Because a copy of it may be cut off.
            return
        (size,) = struct.unpack("<I", os.pread(descriptor, 4, at + packed_size - 4))
        yield Member(at, packed_size, start, size)
        at, start = at + packed_size, start + size
