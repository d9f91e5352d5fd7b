"""A backup's file: what pg_dump wrote, in gzip; hashed inside and outside while it passes by."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isal import isal_zlib
from xxhash import xxh3_128

from ..core.errors import Unavailable
from ..core.files import open_private
from .model import Damaged, Fingerprint

CHUNK_BYTES = 1 << 20
_PACKED_BYTES = 1 << 18
_LEVEL = 1
_GZIP = 31  # wbits of zlib: the largest window, with gzip's header and checksum


class ArchiveWriter:
    """Takes raw bytes into a file."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._gzip = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._inside, self._outside = xxh3_128(), hashlib.sha256()
        self._size_bytes = self.raw_bytes = 0

    def write(self, raw: bytes) -> None:
        """Add raw bytes; OSError when the disk does not take them."""
        self.raw_bytes += len(raw)
        self._inside.update(raw)
        self._put(self._gzip.compress(raw))

    def finish(self) -> Fingerprint:
        """End the gzip stream and make the file durable."""
        self._put(self._gzip.flush())
        descriptor = self._file.fileno()
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):  # Because reading it back should prove the disk, not its cache.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        inside, outside = self._inside.hexdigest(), self._outside.hexdigest()
        return Fingerprint(self._size_bytes, outside, self.raw_bytes, inside)

    def _put(self, packed: bytes) -> None:
        self._size_bytes += len(packed)
        self._outside.update(packed)
        rest = memoryview(packed)
        while rest:
            rest = rest[self._file.write(rest) :]


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """An ArchiveWriter of a new private file."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with io.FileIO(descriptor, "wb") as file:
        yield ArchiveWriter(file)


class ArchiveReader:
    """Gives the raw bytes of a file; at their end `fingerprint()` tells what the file is."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._inside, self._outside = xxh3_128(), hashlib.sha256()
        self._raw_bytes = self.read_bytes = 0

    def chunks(self) -> Iterator[bytes]:
        """The raw bytes to the end, at most 1 MiB at once; Damaged when they cannot be decoded."""
        gzip = isal_zlib.decompressobj(wbits=_GZIP)
        try:
            while packed := self._file.read(_PACKED_BYTES):
                self.read_bytes += len(packed)
                self._outside.update(packed)
                for raw in _unpacked(gzip, packed):
                    self._inside.update(raw)
                    self._raw_bytes += len(raw)
                    yield raw
        except isal_zlib.error as error:  # type: ignore[misc] # because the stub takes the class for an instance
            raise Damaged(f"its file cannot be decoded behind raw byte {self._raw_bytes}") from error
        except OSError as error:
            raise Damaged(f"its file cannot be read: {error.strerror}") from error
        if not gzip.eof or gzip.unused_data:
            raise Damaged("its file does not end where its gzip stream ends")

    def fingerprint(self) -> Fingerprint:
        """What was read; asked for after the last chunk."""
        inside, outside = self._inside.hexdigest(), self._outside.hexdigest()
        return Fingerprint(self.read_bytes, outside, self._raw_bytes, inside)


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """An ArchiveReader of the file; Damaged when there is none, Unavailable when it is out of reach."""
    try:
        file = io.FileIO(path, "rb")
    except FileNotFoundError as error:
        raise Damaged("its file is gone") from error
    except OSError as error:
        raise Unavailable(
            f"a backup cannot be opened: {error.strerror}", f"Look at {path} and at who may read it."
        ) from error
    with file:
        yield ArchiveReader(file)


def _unpacked(gzip: isal_zlib.Decompress, packed: bytes) -> Iterator[bytes]:
    """What one piece of a file gives, in chunks, because a few bytes may stand for very many."""
    raw = gzip.decompress(packed, CHUNK_BYTES)
    while len(raw) == CHUNK_BYTES:
        yield raw
        raw = gzip.decompress(gzip.unconsumed_tail, CHUNK_BYTES)
    if raw:
        yield raw
