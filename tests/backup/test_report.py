"""What status, health, metrics and plans say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from app.backup.contents import Contents
from app.backup.estimate import Expected, expected
from app.backup.model import State
from app.backup.outcome import Drill, Outcome
from app.backup.report import health, measures, restore_plan, status
from app.backup.restoring import Target
from app.backup.settings import BackupSettings
from app.core.health import Level

from .samples import NOON, a_backup, a_failure, a_run

LATER = NOON + timedelta(hours=1)
SETTINGS = BackupSettings(timezone="America/Sao_Paulo")


def test_status_has_everything():
    """Status tells the last good backup and its age, what runs, what failed, and when the next is due."""
    contents = Contents([a_backup(1)], failures=[a_failure(2)], running=a_run(3))
    told = status(contents, SETTINGS, LATER, configured=True)
    assert told["last_good"]["age_seconds"] == 3600
    assert told["running"]["phase"] == "starting"
    assert told["failed"][0]["fact"] == "it broke"
    assert told["next_due_at"] == "2026-11-24T05:00:00.000000Z"
    assert told["schedule"] == {"time": "02:00", "timezone": "America/Sao_Paulo"}
    assert (told["total_bytes"], told["retention_days"]) == (10, 30)
    assert told["restore"] == {"seconds": 1.0, "from": expected(a_backup(1), ()).basis}
    json.dumps(told)


def test_status_of_nothing():
    """Without a database nothing is due and nothing is there."""
    told = status(Contents(), SETTINGS, LATER, configured=False)
    assert (told["configured"], told["last_good"], told["next_due_at"], told["backups"]) == (
        False,
        None,
        None,
        [],
    )


def test_health_is_ok_with_a_young_backup():
    """With a good backup there is nothing to say."""
    told = health(Contents([a_backup()]), LATER, overdue=False)
    assert (told.level, told.reason) == (Level.OK, "")


def test_health_before_the_first_backup():
    """Before the first backup was due all is well, and it is said that there is none."""
    told = health(Contents(), LATER, overdue=False)
    assert (told.level, told.reason) == (Level.OK, "the first backup has not been made yet")


def test_health_is_degraded_by_failure_damage_and_age():
    """A failure since the last good one, damage and an old last one each degrade it, with the reason."""
    failed = health(Contents([a_backup(1)], failures=[a_failure(2)]), LATER, overdue=False)
    damaged = health(Contents([a_backup(2), a_backup(1, state=State.DAMAGED)]), LATER, overdue=False)
    old = health(Contents([a_backup(1, days_old=2)]), NOON, overdue=True)
    assert {one.level for one in (failed, damaged, old)} == {Level.DEGRADED}
    assert failed.reason == "the last backup failed: it broke"
    assert damaged.reason == f"damaged: {a_backup(1).id}"
    assert old.reason == "the last good backup is 48 hours old"


def test_health_is_down_when_there_never_was_one():
    """Where there should be a backup and never was, it is down."""
    assert health(Contents(), LATER, overdue=True).level is Level.DOWN


def test_measures_have_no_samples_of_what_never_was():
    """Before the first good backup its time, size and duration are not told."""
    names = {measure.name for measure in measures(Contents(failures=[a_failure(3)]))}
    assert "atalaia_backup_last_success_timestamp_seconds" not in names
    assert "atalaia_backup_failures" in names


def test_measures_of_the_last_good_backup():
    """Time, size and duration are those of the last good backup, and backups are counted by state."""
    contents = Contents([a_backup(2, state=State.DAMAGED), a_backup(1)])
    told = {measure.name: measure.samples for measure in measures(contents)}
    assert told["atalaia_backup_last_success_timestamp_seconds"][0].value == NOON.timestamp()
    counts = {sample.labels["state"]: sample.value for sample in told["atalaia_backup_count"]}
    assert (counts["checked"], counts["damaged"], counts["proven"]) == (1, 1, 0)


def test_plan_says_what_happens_to_what_is_there():
    """A plan over an existing database tells how many are disconnected, and what is left out."""
    target = Target("18.4", exists=True, owner="o", connections=3, missing_roles=("clerk",))
    plan = restore_plan(
        a_backup(),
        ["public.a"],
        target,
        into="shop",
        of_tables=2,
        making=(),
        expected=Expected(7.5, "its drill"),
        back_up_first=True,
    )
    steps = plan["steps"]
    assert (plan["expected_seconds"], steps[0]) == (7.5, "back 'shop' up as it is now")
    assert "with the rows of 1 tables" in steps[2]
    assert "without owners and grants, because there is no role clerk" in steps[2]
    assert steps[4] == "disconnect the 3 sessions of 'shop' and keep it by another name"
    assert steps[5] == "give the new database the name 'shop'"


def test_backup_that_does_not_restore_degrades_the_health():
    """With a last good backup whose drill failed the health says why; a drill not tried is told beside it."""
    failed = replace(a_backup(), drill=Drill(Outcome.FAILED, NOON, 1.0, "table a is missing"))
    told = health(Contents([failed]), LATER, overdue=False)
    assert (told.level, told.reason) == (
        Level.DEGRADED,
        "the last good backup does not restore: table a is missing",
    )
    untried = replace(a_backup(), drill=Drill(Outcome.NOT_DRILLABLE, NOON, 1.0, "no extension x"))
    told = health(Contents([untried]), LATER, overdue=False)
    assert (told.level, told.details["last_drill_reason"]) == (Level.OK, "no extension x")


def test_restore_time_is_measured_by_the_drill():
    """How long the last good backup took to restore is a metric, once it was drilled."""
    drill = Drill(Outcome.PROVEN, NOON, 9.0, restore_seconds=7.5)
    told = {one.name: one.samples for one in measures(Contents([replace(a_backup(), drill=drill)]))}
    assert told["atalaia_backup_restore_seconds"][0].value == 7.5
