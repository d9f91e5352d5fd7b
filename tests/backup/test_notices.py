"""What the alerts page is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.backup import notices
from app.backup.contents import Contents
from app.backup.model import Verdict
from app.backup.outcome import Drill, Outcome
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
        ("backup_shrunken", "shrunken", Condition.CLEARED),
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


def test_drill_that_failed_is_high_and_names_the_difference():
    """What differs is in the message; the next drill that passes ends it."""
    failed = Drill(Outcome.FAILED, NOON, 1.0, "it is not what its source was", differences=("table a",))
    told = notices.backup_drilled(a_backup(), failed)
    assert (told.code, told.severity, told.condition) == (
        "backup_drill_failed",
        Severity.HIGH,
        Condition.RAISED,
    )
    assert told.message == f"{a_backup().id}: table a"
    over = notices.backup_drilled(a_backup(2), Drill(Outcome.PROVEN, NOON, 1.0))
    assert (over.key, over.condition) == (told.key, Condition.CLEARED)


def test_drill_that_could_not_be_tried_raises_nothing_and_ends_nothing():
    """It is noted, with the reason, and apart from what a drill has found before."""
    told = notices.backup_drilled(a_backup(), Drill(Outcome.NOT_DRILLABLE, NOON, 1.0, "no extension x"))
    assert (told.code, told.severity, told.condition) == (
        "backup_not_drillable",
        Severity.LOW,
        Condition.NOTED,
    )
    assert told.message.endswith("no extension x")


def test_missing_second_copy_says_why():
    """Without a second copy for hours the alert holds how long, and the last attempt's fact and hint."""
    told = notices.offsite_failed(6, "the disk is gone", "Mount it.")
    assert (told.code, told.severity) == ("backup_offsite_failed", Severity.HIGH)
    assert told.message == (
        "A good backup has waited 6 hours for its second copy."
        " The last attempt failed: the disk is gone. Mount it."
    )
    done = notices.offsite_done()
    assert (done.key, done.condition) == (told.key, Condition.CLEARED)


def test_each_sqlite_file_has_its_own_alerts():
    """What is said of one file is not over with the backup of another, or of the database."""
    failed = notices.sqlite_failed(replace(a_failure(), database="data/shop.db"))
    assert failed.key == "backup:data/shop.db"
    assert failed.message.startswith("data/shop.db: it broke")
    over = {(one.code, one.key) for one in notices.sqlite_succeeded("data/shop.db")}
    assert over == {("backup_failed", failed.key), ("backup_overdue", "overdue:data/shop.db")}
    assert notices.sqlite_overdue("data/shop.db", 93_600).key == "overdue:data/shop.db"
