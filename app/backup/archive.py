"""A backup's file: what pg_dump wrote, compressed; hashed inside and outside while it passes by."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from xxhash import xxh3_128

from ..core.errors import Unavailable
from ..core.files import open_private
from .codec import CHUNK_BYTES, GZIP, Codec, codec_of
from .model import Damaged, Fingerprint

__all__ = [
    "CHUNK_BYTES",
    "ArchiveReader",
    "ArchiveWriter",
    "forget",
    "opened",
    "reading",
    "writing",
    "xxh3_128",
]

_PACKED_BYTES = 1 << 18
_AHEAD_BYTES = 8 << 20


class ArchiveWriter:
    """Takes raw bytes into a file."""

    def __init__(self, file: io.FileIO, codec: Codec = GZIP) -> None:
        self._file = file
        self._packing = codec.packing()
        self._inside, self._outside = xxh3_128(), hashlib.sha256()
        self._size_bytes = self._sent_bytes = self.raw_bytes = 0

    def write(self, raw: bytes | memoryview) -> None:
        """Add raw bytes; OSError when the disk does not take them."""
        self.raw_bytes += len(raw)
        self._inside.update(raw)
        self._put(self._packing.compress(raw))

    def finish(self) -> Fingerprint:
        """End the stream and make the file durable."""
        self._put(self._packing.flush())
        os.fsync(self._file.fileno())
        forget(self._file)  # Because reading it back should prove the disk, not its cache.
        inside, outside = self._inside.hexdigest(), self._outside.hexdigest()
        return Fingerprint(self._size_bytes, outside, self.raw_bytes, inside)

    def _put(self, packed: bytes) -> None:
        self._size_bytes += len(packed)
        self._outside.update(packed)
        rest = memoryview(packed)
        while rest:
            rest = rest[self._file.write(rest) :]
        if self._size_bytes - self._sent_bytes >= _AHEAD_BYTES:
            # Because what the disk takes meanwhile is not waited for at the end.
            forget(self._file, self._sent_bytes, self._size_bytes - self._sent_bytes)
            self._sent_bytes = self._size_bytes


@contextmanager
def writing(path: Path, codec: Codec = GZIP) -> Iterator[ArchiveWriter]:
    """An ArchiveWriter of a new private file."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with io.FileIO(descriptor, "wb") as file:
        yield ArchiveWriter(file, codec)


class Packed(Protocol):
    """Where an ArchiveReader has its bytes from; none are the end."""

    def read(self, size: int, /) -> bytes: ...


class ArchiveReader:
    """Gives the raw bytes of a file; at their end `fingerprint()` tells what the file is."""

    def __init__(self, file: Packed) -> None:
        self._file = file
        self._inside, self._outside = xxh3_128(), hashlib.sha256()
        self._raw_bytes = self.read_bytes = 0

    def chunks(self) -> Iterator[bytes]:
        """The raw bytes to the end, at most 1 MiB at once; Damaged when they cannot be decoded.

        By which codec is told by the file itself and not by a setting, which may have changed since.
        """
        packed = self._packed()
        unpacking = codec_of(packed).unpacking()
        while packed:
            for raw in unpacking.unpack(packed):
                self._inside.update(raw)
                self._raw_bytes += len(raw)
                yield raw
            packed = self._packed()
        if not unpacking.is_at_end:
            raise Damaged("its file does not end where its stream ends")

    def fingerprint(self) -> Fingerprint:
        """What was read; asked for after the last chunk."""
        inside, outside = self._inside.hexdigest(), self._outside.hexdigest()
        return Fingerprint(self.read_bytes, outside, self._raw_bytes, inside)

    def _packed(self) -> bytes:
        try:
            packed = self._file.read(_PACKED_BYTES)
        except OSError as error:
            raise Damaged(f"its file cannot be read: {error.strerror}") from error
        self.read_bytes += len(packed)
        self._outside.update(packed)
        return packed


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """An ArchiveReader of the file; Damaged when there is none, Unavailable when it is out of reach."""
    with opened(path) as file:
        yield ArchiveReader(file)


@contextmanager
def opened(path: Path) -> Iterator[io.FileIO]:
    """The file for reading; Damaged when there is none, Unavailable when it is out of reach."""
    try:
        file = io.FileIO(path, "rb")
    except FileNotFoundError as error:
        raise Damaged("its file is gone") from error
    except OSError as error:
        raise Unavailable(
            f"a backup cannot be opened: {error.strerror}", f"Look at {path} and at who may read it."
        ) from error
    with file:
        yield file


def forget(file: io.FileIO, offset: int = 0, size: int = 0) -> None:
    """Drop the file, or a part of it, from the page cache, so that the next reading is one of the disk.

    What the disk does not have yet stays in the cache, and is begun to be written.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), offset, size, os.POSIX_FADV_DONTNEED)
