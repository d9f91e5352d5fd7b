"""Whether a backup's file is, to the last bit, what pg_dump wrote when it was made.

It proves that file, disk and codec are sound; it does not prove that PostgreSQL can restore it.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from .archive import CHUNK_BYTES, ArchiveReader, forget, opened, reading
from .model import Damaged, Fingerprint, OnShare
from .selection import tables_of
from .tools import ENVIRONMENT, Tools

_LIST_SECONDS = 60.0


def verify(path: Path, expected: Fingerprint, on_share: OnShare) -> None:
    """Read and decode the whole file; Damaged says what is not as it was written.

    Every flipped bit and every missing or added byte is found, by the SHA-256 of the file; the hash
    of the decoded bytes shows that gzip gives back what pg_dump wrote.
    """
    with reading(path) as archive:
        size_bytes = path.stat().st_size
        if size_bytes != expected.size_bytes:
            raise Damaged(f"its file has {size_bytes} bytes, {expected.size_bytes} were written")
        for _ in archive.chunks():
            on_share(archive.read_bytes / size_bytes)
        compare(archive.fingerprint(), expected)


def reread(path: Path, expected: Fingerprint) -> None:
    """Read the file back without decoding it; Damaged when the disk does not hold what was written."""
    found = hashlib.sha256()
    with opened(path) as file:
        forget(file)  # Because who followed the file may have brought it back into the cache.
        try:
            while packed := file.read(CHUNK_BYTES):
                found.update(packed)
        except OSError as error:
            raise Damaged(f"its file cannot be read: {error.strerror}") from error
    if found.hexdigest() != expected.sha256:
        raise Damaged("its file is not what was written: sha256 differs")


def compare(found: Fingerprint, expected: Fingerprint) -> None:
    """Damaged names what differs."""
    was = asdict(expected)
    differing = [name for name, value in asdict(found).items() if value != was[name]]
    if differing:
        raise Damaged(f"its file is not what was written: {', '.join(differing)} differ")


def tables_in(path: Path, tools: Tools) -> list[str]:
    """The tables whose data are in the archive, as schema.name; as listing()."""
    return tables_of(listing(path, tools))


def listing(path: Path, tools: Tools) -> str:
    """The archive's table of contents, as pg_restore --list tells it.

    Damaged when pg_restore cannot read that. It reads no further, so nothing is said of the data.
    """
    with reading(path) as archive:
        return listing_of(archive, tools)


def listing_of(archive: ArchiveReader, tools: Tools) -> str:
    """As listing(), of what is being read."""
    command = (tools.program("pg_restore"), "--list")
    with (
        tempfile.TemporaryFile() as told,
        subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=told, stderr=subprocess.DEVNULL
        ) as pg_restore,
    ):
        _feed(archive, pg_restore)
        if pg_restore.wait(_LIST_SECONDS):
            raise Damaged("its table of contents cannot be read by pg_restore")
        told.seek(0)
        return told.read().decode(errors="replace")


def _feed(archive: ArchiveReader, pg_restore: subprocess.Popen[bytes]) -> None:
    assert pg_restore.stdin is not None
    # Because pg_restore leaves as soon as it has read the list, at the beginning.
    with suppress(BrokenPipeError), pg_restore.stdin as pipe:
        for raw in archive.chunks():
            pipe.write(raw)
