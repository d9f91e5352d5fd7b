"""What status, health, metrics and a restore's plan say of the contents of the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..core.clock import rfc3339
from ..core.health import Health, Level
from ..core.measure import Measure, Sample
from .contents import Contents
from .estimate import Expected, expected
from .model import Backup, State
from .outcome import Outcome
from .plan import Daily, next_due_at
from .records import document
from .restoring import Restored, Target
from .settings import BackupSettings


def status(
    contents: Contents, settings: BackupSettings, now: datetime, *, configured: bool
) -> dict[str, Any]:
    """The document of GET /production/backup/status."""
    daily = Daily(settings.time_of_day, settings.zone)
    last, running = contents.last_good, contents.running
    return {
        "configured": configured,
        "last_good": document(last) | {"age_seconds": _age_seconds(last, now)} if last else None,
        "running": document(running) if running else None,
        "next_due_at": rfc3339(next_due_at(now, daily, contents.history)) if configured else None,
        "schedule": {"time": settings.time, "timezone": settings.zone.key},
        "backups": [document(one) for one in contents.all],
        "failed": [document(failure) for failure in contents.failures],
        "restore": _restore(last, contents),
        "total_bytes": contents.total_bytes,
        "retention_days": settings.retention_days,
        "keep_at_least": settings.keep_at_least,
    }


def health(contents: Contents, now: datetime, *, overdue: bool) -> Health:
    """DOWN without any good backup when there should be one, DEGRADED with something to look after."""
    last = contents.last_good
    details = {"last_good_at": rfc3339(last.started_at) if last else None} | _of_drill(last)
    if overdue:
        hours = f"is {_age_seconds(last, now) / 3600:.0f} hours old" if last else "was never made"
        return Health(Level.DEGRADED if last else Level.DOWN, f"the last good backup {hours}", details)
    if trouble := _trouble(contents):
        return Health(Level.DEGRADED, trouble, details)
    return Health(Level.OK, "" if last else "the first backup has not been made yet", details)


def measures(contents: Contents) -> list[Measure]:
    """For OpenMetrics; what has never been has no sample."""
    states = dict.fromkeys(State, 0)
    for one in contents.all:
        states[one.state] += 1
    count = [Sample(count, {"state": state.value}) for state, count in states.items()]
    failures = [Sample(contents.failures_total)]
    return [
        *_of_last_good(contents.last_good),
        _gauge("stored_bytes", "Size of all backups", contents.total_bytes),
        _gauge("running", "1 while a backup is being made", int(contents.running is not None)),
        Measure("atalaia_backup_count", "gauge", "Backups by state", count),
        Measure("atalaia_backup_failures", "counter", "Runs that made no backup", failures),
    ]


def restore_plan(
    backup: Backup,
    tables: Sequence[str],
    target: Target,
    *,
    into: str,
    of_tables: int,
    making: Sequence[str],
    expected: Expected,
    back_up_first: bool,
) -> dict[str, Any]:
    """What a restore would do, in values for programs and in `steps` for people.

    `tables` of the `of_tables` that there are get their rows; the roles `making` are made.
    """
    missing = [role for role in target.missing_roles if role not in making]
    return {
        "backup": document(backup),
        "tables": list(tables),
        "into": into,
        "exists": target.exists,
        "connections": target.connections,
        "missing_roles": missing,
        "new_roles": list(making),
        "expected_seconds": expected.seconds,
        "expected_from": expected.basis,
        "steps": [
            *([f"back {into!r} up as it is now"] if target.exists and back_up_first else []),
            *([f"make the roles {', '.join(making)}, without passwords"] if making else []),
            *_steps(backup, len(tables), of_tables, replace(target, missing_roles=tuple(missing)), into),
        ],
    }


def restored(
    backup: Backup, done: Restored, *, into: str, seconds: float, before: str | None
) -> dict[str, Any]:
    """What a restore has done."""
    return {
        "backup_id": backup.id,
        "into": into,
        "tables": len(done.rows),
        "rows": sum(done.rows.values()),
        "rows_by_table": done.rows,
        "former": done.former,
        "backup_before": before,
        "new_roles": list(done.roles),
        "notes": list(done.notes),
        "seconds": round(seconds, 3),
    }


def _trouble(contents: Contents) -> str:
    if contents.failures_since_good:
        return f"the last backup failed: {contents.failures_since_good[0].fact}"
    if contents.unrecorded:
        return "the last backup failed, and no record of it could be written"
    if (last := contents.last_good) and last.drill and last.drill.outcome is Outcome.FAILED:
        return f"the last good backup does not restore: {last.drill.reason}"
    if contents.damaged:
        return f"damaged: {', '.join(one.id for one in contents.damaged)}"
    return ""


def _restore(last: Backup | None, contents: Contents) -> dict[str, Any] | None:
    """How long it takes to have the last good backup back, and how that is known."""
    if last is None:
        return None
    found = expected(last, contents.backups)
    return {"seconds": found.seconds, "from": found.basis}


def _of_drill(last: Backup | None) -> dict[str, Any]:
    if last is None or last.drill is None:
        return {}
    return {"last_drill": last.drill.outcome.value, "last_drill_reason": last.drill.reason}


def _steps(backup: Backup, tables: int, of_tables: int, target: Target, into: str) -> list[str]:
    size = f"{backup.size_bytes:,} bytes, {of_tables} tables"
    steps = [
        f"read {backup.file} to its last bit ({size}, as of {rfc3339(backup.started_at)})",
        f"restore it into a new database on PostgreSQL {target.server_version}",
        "count the rows of every table",
        f"give the new database the name {into!r}",
    ]
    if tables < of_tables:
        steps[1] += f", with the rows of {tables} tables and without foreign keys that need those of others"
    if target.missing_roles:
        steps[1] += f", without owners and grants, because there is no role {', '.join(target.missing_roles)}"
    if target.exists:
        steps.insert(
            3, f"disconnect the {target.connections} sessions of {into!r} and keep it by another name"
        )
    return steps


def _of_last_good(last: Backup | None) -> list[Measure]:
    if last is None:
        return []
    began = last.started_at.timestamp()
    return [
        _gauge("last_success_timestamp_seconds", "When the last good backup began", began),
        _gauge("size_bytes", "Size of the last good backup", last.size_bytes),
        *_of_restore(last),
        _gauge("duration_seconds", "Duration of the last good backup", last.duration_seconds),
    ]


def _of_restore(last: Backup) -> list[Measure]:
    if last.drill is None or last.drill.restore_seconds is None:
        return []
    return [
        _gauge("restore_seconds", "How long the last good backup took to restore", last.drill.restore_seconds)
    ]


def _gauge(name: str, what: str, value: float) -> Measure:
    return Measure(f"atalaia_backup_{name}", "gauge", what, [Sample(value)])


def _age_seconds(backup: Backup, now: datetime) -> float:
    return round((now - backup.started_at).total_seconds(), 3)
