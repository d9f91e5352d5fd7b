"""What a backup is: its states, its manifest, its runs, what a check tells of it, and what can be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from ..core.errors import AtalaiaError
from .companions import RolesFile, SecondCopy
from .outcome import Drill, Outcome
from .pgbackrest.physical import Physical
from .truth import Truth

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
    """The database as it was found when the dump began; `roles` are those its objects need.

    `provider` is PostgreSQL's letter for who sorts its texts, with `locale` where that is not libc.
    """

    database: str
    server_version: str
    encoding: str
    collation: str
    ctype: str
    size_bytes: int
    roles: tuple[str, ...]
    provider: str = "c"
    locale: str = ""

    @property
    def server_major(self) -> int:
        """18 for version 18.4."""
        return major(self.server_version)


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to think about that is no reason to make no backup: a fact, and a hint what to do."""

    fact: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """A manifest: the one thing that makes a file a backup.

    `sequence` grows by one with every run of the folder, whatever the clock says. `without_truth` says
    why there is no truth though there should be one.
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
    kind: str = "postgres"
    roles_file: RolesFile = field(default_factory=RolesFile)
    second_copy: SecondCopy | None = None
    truth: Truth | None = None
    without_truth: str = ""
    drill: Drill | None = None
    rechecked_at: datetime | None = None
    concerns: tuple[Concern, ...] = ()
    shrunken: tuple[str, ...] = ()
    physical: Physical | None = None

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

    `stopped` means that the server was stopped meanwhile, which is no reason to wait or to alert;
    `called_off` that somebody wanted that, or that another host was at it: a reason to wait, not to alert.
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
    database: str = ""
    called_off: bool = False

    @property
    def is_trouble(self) -> bool:
        """True when somebody has to look after it."""
        return not (self.stopped or self.called_off)


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
    database: str = ""


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


class NotDrillable(AtalaiaError):
    """A backup cannot be restored here for a reason that is not the backup's."""


class Lacking(NotDrillable):
    """A scratch server has not what a backup needs; another one may have it."""


class RestoreFailed(AtalaiaError):
    """A backup was restored and that failed for a reason of its own."""


class Damaged(AtalaiaError):
    """A file of a backup is not what it was when it was written."""


class Stopped(AtalaiaError):
    """What was under way was ended from outside, because the server stops."""


class CalledOff(AtalaiaError):
    """A run was ended on purpose: by an operator, or because another host backs up the same database."""


def drilled(backup: Backup, drill: Drill) -> Backup:
    """The backup after that drill; one that could not be tried changes nothing of what is known of it."""
    states = {Outcome.PROVEN: State.PROVEN, Outcome.RESTORED: State.RESTORED, Outcome.FAILED: State.CHECKED}
    return replace(backup, drill=drill, state=states.get(drill.outcome, backup.state))


def backup_id(database: str, now: datetime, suffix: str) -> str:
    """The id of a backup begun `now` (UTC) and the stem of its files; `suffix` is four hex digits.

    Of a hostile name nothing is left that leads out of the folder or looks like an option.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", database).lstrip("-.")[:40] or "database"
    return f"{name}-{now:%Y%m%dT%H%M%SZ}-{suffix}"


def is_backup_id(text: str) -> bool:
    """True for the form of an id; only such a text may become part of a path."""
    return _ID.fullmatch(text) is not None


def major(version: str) -> int:
    """18 for version 18.4; 0 when there is no number."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
