"""SQLite files in the same catalogue: copied while others write, examined, compressed, read back."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.clock import Clock
from ..core.database_copy import VERSION, Counts, copy_database, examine, things
from ..core.errors import Conflict, Unavailable
from ..core.files import open_private, private_folder, sync_folder
from .archive import CHUNK_BYTES, reading, writing
from .catalog import PART, Catalog
from .codec import Codec
from .model import Backup, Fingerprint, OnShare, Running, Source, State
from .truth import Rows, Truth
from .verify import verify

KIND = "sqlite"
_COPIED, _PACKED = 0.4, 0.8


@dataclass(frozen=True, slots=True)
class SqliteRun:
    """One run for one file, under a turn; `running` tells which."""

    running: Running
    catalog: Catalog
    file: Path
    codec: Codec
    clock: Clock

    def make(self, on_share: OnShare) -> Backup:
        """A proven backup in the catalogue; raises AtalaiaError or OSError, and has published nothing then.

        1. Copy one moment of the file, and count its rows.
        2. Examine the copy: every page, every index, the same rows.
        3. Compress it into a part file, read that back and compare.
        4. Publish.
        """
        began = time.monotonic()
        with workshop(self.catalog.folder) as copy:
            rows = copy_database(self.file, copy, _part_of(on_share, 0.0, _COPIED))
            if examine(copy) != rows:
                raise Unavailable("the copy has other rows than the file had", "Try again; look at the disk.")
            truth = truth_of(rows, things(copy))
            size_bytes = copy.stat().st_size
            fingerprint = self._pack(copy, _part_of(on_share, _COPIED, _PACKED))
        part = self.catalog.path(self.running.id, PART)
        verify(part, fingerprint, _part_of(on_share, _PACKED, 1.0))
        backup = self._backup(fingerprint, truth, size_bytes, time.monotonic() - began)
        self.catalog.publish(backup)
        return backup

    def _pack(self, copy: Path, on_share: OnShare) -> Fingerprint:
        size_bytes = max(copy.stat().st_size, 1)
        with (
            copy.open("rb") as file,
            writing(self.catalog.path(self.running.id, PART), self.codec) as archive,
        ):
            while raw := file.read(CHUNK_BYTES):
                archive.write(raw)
                on_share(min(archive.raw_bytes / size_bytes, 1.0))
            return archive.finish()

    def _backup(self, fingerprint: Fingerprint, truth: Truth, size_bytes: int, seconds: float) -> Backup:
        return Backup(
            id=self.running.id,
            sequence=self.running.sequence,
            state=State.PROVEN,
            reason=self.running.reason,
            started_at=self.running.started_at,
            finished_at=self.clock.now(),
            duration_seconds=round(seconds, 3),
            file=f"{self.running.id}{self.codec.suffix_of(KIND)}",
            tables=len(truth.tables),
            client_version=VERSION,
            source=Source(self.running.database, VERSION, "UTF-8", "", "", size_bytes, ()),
            kind=KIND,
            truth=truth,
            **asdict(fingerprint),
        )


def restore_sqlite(
    backup: Backup, path: Path, into: Path, *, may_replace: bool, on_share: OnShare
) -> tuple[Counts, Path | None]:
    """Restore into a file of that name; returns its rows, and where a former one is kept.

    The backup is read to its last bit, unpacked beside the target, examined, and takes the name at the
    end: whatever fails, a file that was there is as it was. Conflict when there is one that may not be
    replaced. Who has the former file open goes on writing into that.
    """
    if into.exists() and not may_replace:
        raise Conflict(f"there is a file {into} already", "Name another, or allow to replace this one.")
    verify(path, backup.fingerprint, _part_of(on_share, 0.0, _COPIED))
    mark = secrets.token_hex(4)
    part = into.with_name(f".{into.name}.{mark}.part")
    try:
        unpack(path, part, backup.raw_bytes, _part_of(on_share, _COPIED, 1.0))
        rows = examine(part)
        former = _put_aside(into, mark) if into.exists() else None
        part.rename(into)
    finally:
        for left in (part, *_beside(part)):
            left.unlink(missing_ok=True)
    sync_folder(into.parent)
    return rows, former


def unpack(path: Path, part: Path, raw_bytes: int, on_share: OnShare) -> Fingerprint:
    """Write what is in a backup's file to the new file `part`; returns what was read. Damaged, OSError."""
    descriptor = open_private(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with reading(path) as archive, os.fdopen(descriptor, "wb") as file:
        for raw in archive.chunks():
            file.write(raw)
            on_share(min(file.tell() / max(raw_bytes, 1), 1.0))
        file.flush()
        os.fsync(descriptor)
        return archive.fingerprint()


def _put_aside(path: Path, mark: str) -> Path:
    """Give a file another name, together with what SQLite keeps beside it."""
    former = path.with_name(f"{path.name}.before_{mark}")
    for old, new in zip((path, *_beside(path)), (former, *_beside(former)), strict=True):
        with suppress(FileNotFoundError):
            old.rename(new)
    return former


def _beside(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", "-journal")]


def truth_of(rows: Counts, others: Counts) -> Truth:
    """Rows without a hash each, because the hash of the whole copy stands for all of them."""
    return Truth(KIND, {name: Rows(count, "") for name, count in rows.items()}, {}, Rows(0, ""), others)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """Where a file lies that is not compressed, or no longer; what a killed process left there goes first."""
    shop = folder / ".sqlite"
    shutil.rmtree(shop, ignore_errors=True)
    try:
        yield private_folder(shop) / "copy"
    finally:
        shutil.rmtree(shop, ignore_errors=True)


def _part_of(on_share: OnShare, start: float, end: float) -> OnShare:
    return lambda share: on_share(start + share * (end - start))
