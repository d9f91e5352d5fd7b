"""How long a restore is expected to take."""

from __future__ import annotations

from dataclasses import replace

from app.backup.estimate import expected
from app.backup.model import Backup
from app.backup.outcome import Drill, Outcome

from .samples import NOON, PRINT, SOURCE, a_backup


def drilled(sequence: int, seconds: float, *, raw_bytes: int = 100) -> Backup:
    """A backup whose drill restored it in so many seconds."""
    fingerprint = replace(PRINT, raw_bytes=raw_bytes)
    drill = Drill(Outcome.PROVEN, NOON, seconds + 1, restore_seconds=seconds)
    return replace(a_backup(sequence, fingerprint=fingerprint), drill=drill)


def test_own_drill_is_the_best_measure():
    """A backup that was drilled takes as long as that."""
    found = expected(drilled(1, 42.5), [drilled(2, 7.0)])
    assert (found.seconds, found.basis) == (42.5, "its drill")


def test_another_drill_is_scaled_by_the_bytes():
    """Without a drill of its own the newest one of the same database tells, by the size."""
    backup = a_backup(9, fingerprint=replace(PRINT, raw_bytes=300))
    found = expected(backup, [drilled(1, 99.0), drilled(2, 7.0)])
    assert (found.seconds, found.basis) == (21.0, f"the drill of {drilled(2, 0).id}")


def test_other_databases_tell_nothing():
    """The drill of another database is no measure."""
    other = replace(drilled(1, 99.0), source=replace(SOURCE, database="other"))
    backup = a_backup(9, fingerprint=replace(PRINT, raw_bytes=2_000_000_000))
    found = expected(backup, [other])
    assert found.seconds == 100.0
    assert "roughly" in found.basis
