"""How long a restore will take: as long as its drill took, else by the bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Backup

# Because nothing has been measured yet: a dump with indexes, restored by one process on a small machine.
_USUAL_BYTES_PER_SECOND = 20_000_000
_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Expected:
    """`seconds`, and what they are taken from."""

    seconds: float
    basis: str


def expected(backup: Backup, others: Iterable[Backup]) -> Expected:
    """From the drill of this backup, else by its size from the newest drill of `others`, else by its size."""
    if seconds := _measured(backup):
        return Expected(seconds, "its drill")
    drilled = (one for one in others if _measured(one) and one.source.database == backup.source.database)
    newest = max(drilled, key=lambda one: one.sequence, default=None)
    if newest is not None:
        seconds = _measured(newest) * backup.raw_bytes / max(newest.raw_bytes, 1)
        return Expected(round(max(seconds, _LEAST_SECONDS), 1), f"the drill of {newest.id}")
    seconds = max(backup.raw_bytes / _USUAL_BYTES_PER_SECOND, _LEAST_SECONDS)
    return Expected(round(seconds, 1), "its size, roughly: no drill has measured it")


def _measured(backup: Backup) -> float:
    """Seconds that the restore of its drill took; 0 without one."""
    return (backup.drill.restore_seconds or 0.0) if backup.drill else 0.0
