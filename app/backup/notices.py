"""What the backup page says to the alerts page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..core.signal import Category, Condition, Severity, Signal
from .contents import Contents
from .model import Backup, Failure, Verdict

_RUN, _OVERDUE = "backup", "overdue"


def backup_failed(failure: Failure) -> Signal:
    """A run made no backup; over with the next that does."""
    return _signal(
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
        _signal(_RUN, "Backup failed", "", Severity.HIGH, "backup_failed", Condition.CLEARED),
        _signal(_OVERDUE, "Backup overdue", "", Severity.HIGH, "backup_overdue", Condition.CLEARED),
        _signal(
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


def backup_overdue(now: datetime, contents: Contents, after_seconds: float) -> Signal:
    """There is no good backup that is young enough; over with the next good one."""
    last = contents.last_good
    age = (now - last.started_at).total_seconds() if last else None
    return _signal(
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
    return _signal(
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
    return _signal(key, "Backup damaged", "", Severity.CRITICAL, "backup_damaged", Condition.CLEARED)


def _signal(
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
