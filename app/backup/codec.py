"""The compressions of a backup's file: gzip, and zstd with a checksum; a file's first bytes tell which."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from isal import isal_zlib

from .model import Damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES = 1 << 20
_LEVEL = 1  # because the next one takes a third more CPU for a file that is 3 % smaller
_WINDOW_LOG = 17  # because what a core has in its own cache takes a sixth less CPU, for 1 % of size
_HASH_LOG = 12  # because a table that a core has nearest takes a sixth less CPU, for 4 % of size
_GZIP_BITS = 31  # wbits of zlib: the largest window, with gzip's header and checksum


class Packing(Protocol):
    """Takes raw bytes, gives packed ones."""

    def compress(self, raw: bytes | memoryview) -> bytes: ...
    def flush(self) -> bytes: ...


class Unpacking(Protocol):
    """Takes packed bytes, gives raw ones, at most 1 MiB at once, because a few may stand for very many."""

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """Raises Damaged when they cannot be decoded."""

    @property
    def is_at_end(self) -> bool:
        """True when the stream has ended, its checksum was right, and nothing came behind it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One compression; `magic` is how its files begin, `tool` what unpacks them without us."""

    name: str
    suffix: str
    magic: bytes
    tool: str
    packing: Callable[[], Packing]
    unpacking: Callable[[], Unpacking]

    def suffix_of(self, kind: str) -> str:
        """The ending of a file of that kind: a dump, or a copy of an SQLite file."""
        return self.suffix.replace(".dump", f".{kind}")


class _Gunzip:
    def __init__(self) -> None:
        self._stream = isal_zlib.decompressobj(wbits=_GZIP_BITS)

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        try:
            while raw := self._stream.decompress(packed, CHUNK_BYTES):
                yield raw
                packed = self._stream.unconsumed_tail
        except isal_zlib.error as error:  # type: ignore[misc] # because the stub takes the class for an instance
            raise Damaged("its gzip stream is broken") from error

    @property
    def is_at_end(self) -> bool:
        return bool(self._stream.eof and not self._stream.unused_data)


class _Unzstd:
    def __init__(self) -> None:
        self._stream = zstd.ZstdDecompressor()

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        if self._stream.eof:
            raise Damaged("something stands behind its zstd stream")
        try:
            while raw := self._stream.decompress(packed, CHUNK_BYTES):
                yield raw
                if self._stream.eof:
                    return
                packed = b""
        except zstd.ZstdError as error:
            raise Damaged("its zstd stream is broken") from error

    @property
    def is_at_end(self) -> bool:
        return self._stream.eof and not self._stream.unused_data


def _zstd_packing() -> Packing:
    # Because pg_dump's own zstd writes none, a flipped bit there restores wrong rows without a word.
    asked = zstd.CompressionParameter
    options = {
        int(asked.compression_level): _LEVEL,
        int(asked.window_log): _WINDOW_LOG,
        int(asked.hash_log): _HASH_LOG,
        int(asked.checksum_flag): 1,
    }
    return zstd.ZstdCompressor(options=options)


GZIP = Codec(
    "gzip",
    ".dump.gz",
    b"\x1f\x8b",
    "gunzip",
    lambda: isal_zlib.compressobj(_LEVEL, wbits=_GZIP_BITS),
    _Gunzip,
)
ZSTD = Codec("zstd", ".dump.zst", b"\x28\xb5\x2f\xfd", "zstd -d", _zstd_packing, _Unzstd)
CODECS = {codec.name: codec for codec in (GZIP, ZSTD)}


def codec_of(beginning: bytes) -> Codec:
    """The codec of a file that begins so; Damaged when it is none of ours."""
    found = next((codec for codec in CODECS.values() if beginning.startswith(codec.magic)), None)
    if found is None:
        raise Damaged("its file is neither gzip nor zstd")
    return found
