"""What the backup page says to the alerts page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..core.signal import Category, Condition, Severity, Signal
from .contents import Contents
from .model import Backup, Failure, Verdict
from .outcome import Drill, Outcome

_RUN, _OVERDUE, _DRILL, _OFFSITE = "backup", "overdue", "drill", "offsite"


def backup_failed(failure: Failure) -> Signal:
    """A run made no backup; over with the next that does."""
    return signal(
        _RUN,
        "Backup failed",
        f"{failure.fact} (while {failure.phase}). {failure.hint}".strip(),
        Severity.HIGH,
        "backup_failed",
        labels={"backup_id": failure.id, "phase": failure.phase},
    )


def backup_succeeded(backup: Backup) -> list[Signal]:
    """A run made a good backup: what was raised before is over."""
    size = f"{backup.size_bytes:,} bytes, {backup.tables} tables, {backup.duration_seconds:.1f} s"
    return [
        signal(_RUN, "Backup failed", "", Severity.HIGH, "backup_failed", Condition.CLEARED),
        signal(_OVERDUE, "Backup overdue", "", Severity.HIGH, "backup_overdue", Condition.CLEARED),
        backup_shrunken(backup),
        signal(
            "done",
            "Backup succeeded",
            f"{backup.id}: {size}, read back and checked",
            Severity.LOW,
            "backup_succeeded",
            Condition.NOTED,
            labels={"backup_id": backup.id},
            value=float(backup.size_bytes),
        ),
    ]


def backup_shrunken(backup: Backup) -> Signal:
    """There is much less in a backup than in those before; over with the next that is as usual."""
    return signal(
        "shrunken",
        "Backup has shrunk",
        f"{backup.id}: {'; '.join(backup.shrunken)}. See what was deleted, and keep an older one safe."
        if backup.shrunken
        else "",
        Severity.HIGH,
        "backup_shrunken",
        Condition.RAISED if backup.shrunken else Condition.CLEARED,
        labels={"backup_id": backup.id},
    )


def backup_drilled(backup: Backup, drill: Drill) -> Signal:
    """A backup does not restore to what its source was; over with the next that does."""
    labels = {"backup_id": backup.id}
    if drill.outcome is Outcome.NOT_DRILLABLE:
        title, what = "Backup could not be drilled", f"{backup.id}: {drill.reason}"
        code = "backup_not_drillable"
        return signal(code, title, what, Severity.LOW, code, Condition.NOTED, labels=labels)
    is_failed = drill.outcome is Outcome.FAILED
    return signal(
        _DRILL if backup.kind == "postgres" else f"{_DRILL}:{backup.source.database}",
        "Backup does not restore",
        f"{backup.id}: {'; '.join(drill.differences) or drill.reason}" if is_failed else "",
        Severity.HIGH,
        "backup_drill_failed",
        Condition.RAISED if is_failed else Condition.CLEARED,
        labels=labels,
    )


def backup_overdue(now: datetime, contents: Contents, after_seconds: float) -> Signal:
    """There is no good backup that is young enough; over with the next good one."""
    last = contents.last_good
    age = (now - last.started_at).total_seconds() if last else None
    return signal(
        _OVERDUE,
        "Backup overdue",
        f"The last good backup is {age / 3600:.0f} hours old."
        if age
        else "There has never been a good backup.",
        Severity.HIGH,
        "backup_overdue",
        value=age,
        threshold=after_seconds,
    )


def backup_damaged(verdict: Verdict, next_best: Backup | None) -> Signal:
    """A file is not what its manifest says."""
    use = (
        f"Restore from {next_best.id} instead." if next_best else "There is no other good one: make one now."
    )
    return signal(
        f"damaged:{verdict.id}",
        "Backup damaged",
        f"{verdict.id}: {verdict.fact}. {use}",
        Severity.CRITICAL,
        "backup_damaged",
        labels={"backup_id": verdict.id},
    )


def backup_sound(verdict: Verdict) -> Signal:
    """A file is what its manifest says, whatever was said of it before."""
    key = f"damaged:{verdict.id}"
    return signal(key, "Backup damaged", "", Severity.CRITICAL, "backup_damaged", Condition.CLEARED)


def sqlite_failed(failure: Failure) -> Signal:
    """A run for an SQLite file made no backup; over with the next that does."""
    return signal(
        f"{_RUN}:{failure.database}",
        "Backup failed",
        f"{failure.database}: {failure.fact} (while {failure.phase}). {failure.hint}".strip(),
        Severity.HIGH,
        "backup_failed",
        labels={"backup_id": failure.id, "phase": failure.phase},
    )


def sqlite_overdue(name: str, after_seconds: float) -> Signal:
    """An SQLite file has no good backup that is young enough; over with the next good one."""
    message = f"{name} has no good backup of the last {after_seconds / 3600:.0f} hours."
    return signal(f"{_OVERDUE}:{name}", "Backup overdue", message, Severity.HIGH, "backup_overdue")


def sqlite_succeeded(name: str) -> list[Signal]:
    """What was raised of an SQLite file is over."""
    return [
        signal(f"{_RUN}:{name}", "Backup failed", "", Severity.HIGH, "backup_failed", Condition.CLEARED),
        signal(
            f"{_OVERDUE}:{name}", "Backup overdue", "", Severity.HIGH, "backup_overdue", Condition.CLEARED
        ),
    ]


def offsite_failed(after_hours: float, fact: str, hint: str) -> Signal:
    """The last good backup has been without a second copy for too long; over with the next copy."""
    why = f" The last attempt failed: {fact}. {hint}" if fact else ""
    return signal(
        _OFFSITE,
        "Backup without second copy",
        f"A good backup has waited {after_hours:.0f} hours for its second copy.{why}".strip(),
        Severity.HIGH,
        "backup_offsite_failed",
    )


def offsite_done() -> Signal:
    """A second copy was made and read back."""
    return signal(
        _OFFSITE,
        "Backup without second copy",
        "",
        Severity.HIGH,
        "backup_offsite_failed",
        Condition.CLEARED,
    )


def signal(
    key: str,
    title: str,
    message: str,
    severity: Severity,
    code: str,
    condition: Condition = Condition.RAISED,
    *,
    labels: Mapping[str, str] | None = None,
    value: float | None = None,
    threshold: float | None = None,
) -> Signal:
    """One of the backup page, with what all of them share."""
    return Signal(
        source="backup",
        key=key,
        title=title,
        severity=severity,
        category=Category.SYSTEM,
        condition=condition,
        message=message,
        labels=labels or {},
        code=code,
        value=value,
        threshold=threshold,
    )
