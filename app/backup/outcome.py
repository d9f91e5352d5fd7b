"""How a drill ends, and what is put down of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How a drill ended.

    PROVEN: restored, and equal to its source in everything that is compared.
    RESTORED: restored without an error, and there was nothing to compare it with.
    NOT_DRILLABLE: it could not be tried here; that says nothing about the backup, neither good nor bad.
    FAILED: it could not be restored, or is not what its source was.
    """

    PROVEN = "proven"
    RESTORED = "restored"
    NOT_DRILLABLE = "not drillable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Drill:
    """What came of restoring a backup into a scratch server; `reason` is empty for a PROVEN one.

    `restore_seconds` is the restore alone; `differences` from the source; `notes`: what was left out.
    `compared`: rows were compared with the `snapshot` of the dump, with the `dump` itself, or not (empty).
    """

    outcome: Outcome
    at: datetime
    seconds: float
    reason: str = ""
    restore_seconds: float | None = None
    server_version: str = ""
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: str = ""
