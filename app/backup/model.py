"""What a backup is: its states, its manifest, records of runs, and what checks and restores tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.clock import rfc3339
from ..core.errors import AtalaiaError

OnBytes = Callable[[int], None]
"""Told with every chunk how many bytes are done; may raise, to end what tells it."""
OnShare = Callable[[float], None]
"""Told with every chunk which share is done, 0.0 to 1.0; may raise, to end what tells it."""

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}-\d{8}T\d{6}Z-[0-9a-f]{4}")


class State(StrEnum):
    """How much is known of a backup: DUMPED < CHECKED < RESTORED < PROVEN.

    CHECKED: the whole file was read back and decoded to what pg_dump had written.
    RESTORED, PROVEN: a drill restored it, and compared it with its source.
    DAMAGED: the file is no longer what its manifest says.
    """

    DAMAGED = "damaged"
    DUMPED = "dumped"
    CHECKED = "checked"
    RESTORED = "restored"
    PROVEN = "proven"

    @property
    def is_good(self) -> bool:
        """Good enough to count: for the schedule, for retention, for status."""
        return self in {State.CHECKED, State.RESTORED, State.PROVEN}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`size_bytes` and `sha256` of the file (gzip), `raw_bytes` and `raw_xxh3_128` of what is in it."""

    size_bytes: int
    sha256: str
    raw_bytes: int
    raw_xxh3_128: str


@dataclass(frozen=True, slots=True)
class Source:
    """The database as it was found when the dump began; `roles` are those its objects need."""

    database: str
    server_version: str
    encoding: str
    collation: str
    ctype: str
    size_bytes: int
    roles: tuple[str, ...]

    @property
    def server_major(self) -> int:
        """18 for version 18.4."""
        return major(self.server_version)


@dataclass(frozen=True, slots=True)
class Backup:
    """A manifest: the one thing that makes a file a backup.

    `sequence` grows by one with every run of the folder, whatever the clock says.
    """

    id: str
    sequence: int
    state: State
    reason: str
    started_at: datetime
    finished_at: datetime
    duration_seconds: float
    file: str
    size_bytes: int
    sha256: str
    raw_bytes: int
    raw_xxh3_128: str
    tables: int
    client_version: str
    source: Source
    damage: str = ""

    @property
    def fingerprint(self) -> Fingerprint:
        """What the file was when it was written."""
        return Fingerprint(self.size_bytes, self.sha256, self.raw_bytes, self.raw_xxh3_128)

    @property
    def client_major(self) -> int:
        """A pg_restore has to be of this version or newer."""
        return major(self.client_version)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A backup whose manifest cannot be believed; `size_bytes` is what its file has."""

    id: str
    damage: str
    size_bytes: int
    state: State = State.DAMAGED


@dataclass(frozen=True, slots=True)
class Failure:
    """The record of a run that made no backup; `total` counts the folder's failures so far.

    `stopped` means that the server was stopped meanwhile, which is no reason to wait or to alert.
    """

    id: str
    sequence: int
    reason: str
    started_at: datetime
    failed_at: datetime
    phase: str
    fact: str
    hint: str
    total: int
    stopped: bool = False
    state: str = "failed"


@dataclass(frozen=True, slots=True)
class Running:
    """A run under way; `of_about_bytes` is what the last dump had, `percent` is of the whole run."""

    id: str
    sequence: int
    reason: str
    started_at: datetime
    pid: int
    phase: str = "starting"
    raw_bytes: int = 0
    of_about_bytes: int = 0
    percent: int = 0
    state: str = "running"


def failed(running: Running, why: AtalaiaError, now: datetime, *, total: int) -> Failure:
    """The record of a run that ended because of `why`; `total` as in Failure."""
    return Failure(
        id=running.id,
        sequence=running.sequence,
        reason=running.reason,
        started_at=running.started_at,
        failed_at=now,
        phase=running.phase,
        fact=why.fact,
        hint=why.hint,
        total=total,
        stopped=isinstance(why, Stopped),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ok` when the file is to the last bit what was written; else the fact that says what is wrong.

    Only what was read and found different is `damaged`; a file out of reach may be sound.
    """

    id: str
    ok: bool
    fact: str = ""
    hint: str = ""
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What there is on the server by the name that is asked for."""

    server_version: str
    exists: bool
    owner: str | None
    connections: int
    missing_roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the rows of each table, and the name under which a former database is kept."""

    rows: dict[str, int]
    former: str | None
    notes: tuple[str, ...]


class Damaged(AtalaiaError):
    """A file of a backup is not what it was when it was written."""


class Stopped(AtalaiaError):
    """What was under way was ended from outside, because the server stops."""


def backup_id(database: str, now: datetime, suffix: str) -> str:
    """The id of a backup begun `now` (UTC) and the stem of its files; `suffix` is four hex digits.

    Of a hostile name nothing is left that leads out of the folder or looks like an option.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", database).lstrip("-.")[:40] or "database"
    return f"{name}-{now:%Y%m%dT%H%M%SZ}-{suffix}"


def is_backup_id(text: str) -> bool:
    """True for the form of an id; only such a text may become part of a path."""
    return _ID.fullmatch(text) is not None


def document(record: Backup | Unreadable | Failure | Running) -> dict[str, Any]:
    """A record as JSON has it, times as RFC 3339."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }


def major(version: str) -> int:
    """18 for version 18.4; 0 when there is no number."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
