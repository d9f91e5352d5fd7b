"""What `pgbackrest info --output=json` tells, of one stanza."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from ...core.errors import Unavailable
from .physical import Physical

MISSING_STANZA = frozenset({1, 3})


@dataclass(frozen=True, slots=True)
class Entry:
    """One backup of the repository; `size_bytes` is what it alone added to it."""

    label: str
    started_at: datetime
    stopped_at: datetime
    size_bytes: int
    physical: Physical


@dataclass(frozen=True, slots=True)
class Listing:
    """The backups oldest first; `code` is 0 where all is well, `archived_to` the newest archived segment."""

    code: int
    message: str
    server_version: str = ""
    system_id: int = 0
    archived_to: str = ""
    is_locked: bool = False
    backups: tuple[Entry, ...] = ()

    @property
    def has_stanza(self) -> bool:
        """False until `stanza-create` was run."""
        return self.code not in MISSING_STANZA

    @property
    def server_major(self) -> int:
        """15 for version 15."""
        return int(self.server_version.partition(".")[0] or 0)

    def entry(self, label: str) -> Entry | None:
        """The backup of that label."""
        return next((one for one in self.backups if one.label == label), None)


class _Ends(msgspec.Struct, frozen=True):
    start: str | None = None
    stop: str | None = None


class _Times(msgspec.Struct, frozen=True):
    start: int
    stop: int


class _Stored(msgspec.Struct, frozen=True):
    delta: int = 0
    size: int | None = None


class _Sizes(msgspec.Struct, frozen=True):
    repository: _Stored
    size: int = 0


class _Database(msgspec.Struct, frozen=True, rename="kebab"):
    repo_key: int = 1


class _Backup(msgspec.Struct, frozen=True):
    label: str
    type: str
    timestamp: _Times
    info: _Sizes
    database: _Database
    archive: _Ends = _Ends()
    lsn: _Ends = _Ends()
    error: bool | None = False
    prior: str | None = None


class _Archive(msgspec.Struct, frozen=True):
    max: str | None = None


class _Server(msgspec.Struct, frozen=True, rename="kebab"):
    id: int
    version: str
    system_id: int = 0


class _Held(msgspec.Struct, frozen=True):
    held: bool = False


class _Lock(msgspec.Struct, frozen=True):
    backup: _Held = _Held()


class _Status(msgspec.Struct, frozen=True):
    code: int
    message: str
    lock: _Lock = _Lock()


class _Stanza(msgspec.Struct, frozen=True):
    name: str
    status: _Status
    backup: list[_Backup] = []
    archive: list[_Archive] = []
    db: list[_Server] = []


def parse(text: str, stanza: str) -> Listing:
    """Unavailable when it is no answer of a pgBackRest that we know."""
    try:
        told = msgspec.json.decode(text, type=list[_Stanza])
    except msgspec.MsgspecError as error:
        raise Unavailable(f"the answer of pgbackrest info is not understood: {error}") from error
    found = next((one for one in told if one.name == stanza), None)
    if found is None:
        return Listing(1, "missing stanza path")
    newest = max(found.db, key=lambda one: one.id, default=None)
    return Listing(
        found.status.code,
        found.status.message,
        newest.version if newest else "",
        newest.system_id if newest else 0,
        max((one.max for one in found.archive if one.max), default=""),
        found.status.lock.backup.held,
        tuple(sorted(map(_entry, found.backup), key=lambda one: (one.stopped_at, one.label))),
    )


def _entry(one: _Backup) -> Entry:
    stored = one.info.repository
    return Entry(
        one.label,
        datetime.fromtimestamp(one.timestamp.start, UTC),
        datetime.fromtimestamp(one.timestamp.stop, UTC),
        stored.delta,
        Physical(
            type=one.type,
            prior=one.prior or "",
            repo=one.database.repo_key,
            wal_start=one.archive.start or "",
            wal_stop=one.archive.stop or "",
            lsn_start=one.lsn.start or "",
            lsn_stop=one.lsn.stop or "",
            database_bytes=one.info.size,
            repository_bytes=stored.size or stored.delta,
            has_page_errors=bool(one.error),
        ),
    )
