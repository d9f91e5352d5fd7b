"""From pg_dump's pipe into the archive, in pieces that fit the cache, and no faster than is allowed."""

from __future__ import annotations

import fcntl
import io
import time
from contextlib import suppress
from typing import IO, cast

from .archive import ArchiveWriter
from .codec import CHUNK_BYTES
from .model import OnBytes
from .throttle import Throttle

# Because that stays in a core's own cache from the pipe to the disk, which takes a twentieth less CPU than
# pieces of a megabyte; and with room for four of them in the pipe pg_dump seldom waits for us.
_PIECE_BYTES = CHUNK_BYTES // 4
# Because a short read means that the pipe ran empty: letting it fill first saves nineteen of twenty
# reads, and a quarter of the CPU, where pg_dump writes in small pieces.
_REFILL_SECONDS = 0.003
_SHORT_BYTES = _PIECE_BYTES // 4
_STEP_SECONDS = 0.25


def pour(pipe: IO[bytes], archive: ArchiveWriter, throttle: Throttle, on_bytes: OnBytes) -> None:
    """Take the pipe to its end; `on_bytes` is told with every piece and while it waits, and may raise."""
    widen(pipe)
    raw, source = memoryview(bytearray(_PIECE_BYTES)), cast(io.BufferedReader, pipe).raw
    began = time.monotonic()
    while size := source.readinto(raw):
        archive.write(raw[:size])
        on_bytes(archive.raw_bytes)
        if size < _SHORT_BYTES:
            time.sleep(_REFILL_SECONDS)
        while wait := throttle.wait_seconds(archive.raw_bytes, time.monotonic() - began):
            time.sleep(min(wait, _STEP_SECONDS))
            on_bytes(archive.raw_bytes)


def widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold as much as an unprivileged process may ask for."""
    with suppress(OSError, AttributeError):  # Because a smaller pipe is slower and nothing worse.
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
