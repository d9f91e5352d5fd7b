"""What the engine says to the alerts page beyond what is said of every backup."""

from __future__ import annotations

from ...core.signal import Category, Condition, Severity, Signal
from ..model import Backup


def made(backup: Backup) -> list[Signal]:
    """A run made a good backup: what was raised before is over."""
    assert backup.physical is not None
    size = f"{backup.size_bytes:,} bytes added to the repository, {backup.duration_seconds:.0f} s"
    return [
        _signal("backup", "backup_failed", "Backup failed", condition=Condition.CLEARED),
        _signal("overdue", "backup_overdue", "Backup overdue", condition=Condition.CLEARED),
        _signal(
            "done",
            "backup_succeeded",
            "Backup succeeded",
            f"{backup.id} ({backup.physical.type}): {size}, verified",
            condition=Condition.NOTED,
            severity=Severity.LOW,
            backup_id=backup.id,
        ),
    ]


def archiving_fails(fact: str, hint: str, seconds: float, after_seconds: float) -> Signal:
    """Write-ahead log does not reach the archive; over when it does."""
    return _signal(
        "archiving",
        "backup_archiving_fails",
        "WAL archiving fails",
        f"{fact}. {hint} Until it works there is no restore to a point in time after it stopped.",
        value=seconds,
        threshold=after_seconds,
    )


def archiving_works() -> Signal:
    """It reaches the archive again."""
    return _signal("archiving", "backup_archiving_fails", "WAL archiving fails", condition=Condition.CLEARED)


def _signal(
    key: str,
    code: str,
    title: str,
    message: str = "",
    *,
    condition: Condition = Condition.RAISED,
    severity: Severity = Severity.HIGH,
    backup_id: str = "",
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
        labels={"backup_id": backup_id} if backup_id else {},
        code=code,
        value=value,
        threshold=threshold,
    )
