"""What the engine says to the alerts page beyond what is said of every backup."""

from __future__ import annotations

from ...core.signal import Condition, Severity, Signal
from ..model import Backup
from ..notices import signal

_ARCHIVING = "WAL archiving fails"


def made(backup: Backup) -> list[Signal]:
    """A run made a good backup: what was raised before is over."""
    assert backup.physical is not None
    size = f"{backup.size_bytes:,} bytes added to the repository, {backup.duration_seconds:.0f} s"
    return [
        signal("backup", "Backup failed", "", Severity.HIGH, "backup_failed", Condition.CLEARED),
        signal("overdue", "Backup overdue", "", Severity.HIGH, "backup_overdue", Condition.CLEARED),
        signal(
            "done",
            "Backup succeeded",
            f"{backup.id} ({backup.physical.type}): {size}, verified",
            Severity.LOW,
            "backup_succeeded",
            Condition.NOTED,
            labels={"backup_id": backup.id},
        ),
    ]


def archiving_fails(fact: str, hint: str, seconds: float, after_seconds: float) -> Signal:
    """Write-ahead log does not reach the archive; over when it does."""
    message = f"{fact}. {hint} Until it works there is no restore to a point in time after it stopped."
    return signal(
        "archiving",
        _ARCHIVING,
        message,
        Severity.HIGH,
        "backup_archiving_fails",
        value=seconds,
        threshold=after_seconds,
    )


def archiving_works() -> Signal:
    """It reaches the archive again."""
    return signal("archiving", _ARCHIVING, "", Severity.HIGH, "backup_archiving_fails", Condition.CLEARED)
