"""Which backups are deleted: old ones, while enough good ones are left.

Only asked after a run that succeeded. What is not in the list (foreign files, manifests that
cannot be read) is not ours to delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .model import Backup


def expired(backups: Sequence[Backup], now: datetime, *, keep_days: int, keep_at_least: int) -> list[Backup]:
    """Those begun more than `keep_days` before `now`, oldest first.

    The newest `keep_at_least` good ones (one at the least) always stay. Newest is told by the
    manifest's sequence and not by its time, because clocks jump and files are copied.
    """
    oldest_first = sorted(backups, key=lambda backup: backup.sequence)
    good = [backup.id for backup in oldest_first if backup.state.is_good]
    if not good:
        return []
    kept = set(good[-max(keep_at_least, 1) :])
    limit = now - timedelta(days=keep_days)
    return [backup for backup in oldest_first if backup.started_at < limit and backup.id not in kept]
