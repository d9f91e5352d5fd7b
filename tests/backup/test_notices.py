"""What the alerts page is told."""

from __future__ import annotations

from datetime import timedelta

from app.backup import notices
from app.backup.contents import Contents
from app.backup.model import Verdict
from app.core.signal import Category, Condition, Severity

from .samples import NOON, a_backup, a_failure


def test_failure_says_what_when_and_what_to_do():
    """A failed backup is HIGH, and its message holds the fact, the phase and the hint."""
    told = notices.backup_failed(a_failure())
    assert (told.code, told.key, told.severity) == ("backup_failed", "backup", Severity.HIGH)
    assert told.message == "it broke (while dumping). Mend it."


def test_success_ends_failure_and_lateness():
    """A good backup clears what was raised before, and is noted."""
    told = [(signal.code, signal.key, signal.condition) for signal in notices.backup_succeeded(a_backup())]
    assert told == [
        ("backup_failed", "backup", Condition.CLEARED),
        ("backup_overdue", "overdue", Condition.CLEARED),
        ("backup_succeeded", "done", Condition.NOTED),
    ]


def test_overdue_tells_the_age():
    """An overdue backup is told by the age of the last good one, or that there never was one."""
    now = NOON + timedelta(hours=30)
    told = notices.backup_overdue(now, Contents([a_backup()]), 93_600)
    assert (told.message, told.value, told.threshold) == (
        "The last good backup is 30 hours old.",
        108_000,
        93_600,
    )
    assert notices.backup_overdue(now, Contents(), 93_600).message == "There has never been a good backup."


def test_damage_is_critical_and_names_the_next_best():
    """Damage is CRITICAL, about one backup, and tells which to use instead."""
    verdict = Verdict("shop-1", ok=False, fact="its file is gone", damaged=True)
    told = notices.backup_damaged(verdict, a_backup(7))
    assert (told.severity, told.category, told.key) == (Severity.CRITICAL, Category.SYSTEM, "damaged:shop-1")
    assert told.message == f"shop-1: its file is gone. Restore from {a_backup(7).id} instead."
    assert "make one now" in notices.backup_damaged(verdict, None).message


def test_sound_backup_ends_its_damage():
    """A backup that is sound again clears what was raised about it."""
    told = notices.backup_sound(Verdict("shop-1", ok=True))
    assert (told.key, told.condition) == ("damaged:shop-1", Condition.CLEARED)
