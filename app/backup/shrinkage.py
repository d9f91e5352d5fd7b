"""Whether a backup has much less in it than those before, as after a deletion or a wrong DATABASE_URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from .model import Backup

_LOOKED_AT = 7
_FEW_ROWS = 1_000  # because a table with fewer may well be a queue that is empty at times
_NAMED = 3


def shrunken(backup: Backup, before: Sequence[Backup], percent: int) -> tuple[str, ...]:
    """What has become less by more than `percent` (0: never), as facts.

    `before` are good backups of the same database, newest first; the last seven are looked at: their
    median of bytes and rows, and of each table's rows the least, because some tables come and go.
    """
    earlier = before[:_LOOKED_AT]
    if not percent or not earlier:
        return ()
    left = 1 - percent / 100
    return (*_of_bytes(backup, earlier, left), *_of_rows(backup, earlier, left))


def _of_bytes(backup: Backup, earlier: Sequence[Backup], left: float) -> Iterator[str]:
    usual = median(one.raw_bytes for one in earlier)
    if backup.raw_bytes < usual * left:
        yield f"it has {backup.raw_bytes:,} bytes before compression, {usual:,.0f} were usual"


def _of_rows(backup: Backup, earlier: Sequence[Backup], left: float) -> Iterator[str]:
    truths = [one.truth for one in earlier if one.truth]
    if not backup.truth or not truths:
        return
    usual = median(truth.rows for truth in truths)
    if backup.truth.rows < usual * left:
        yield f"it has {backup.truth.rows:,} rows, {usual:,.0f} were usual"
    names = set.intersection(*(set(truth.tables) for truth in truths))
    least = {name: min(truth.tables[name].count for truth in truths) for name in sorted(names)}
    now = {name: rows.count for name, rows in backup.truth.tables.items()}
    fallen = [name for name, count in least.items() if count >= _FEW_ROWS and now.get(name, 0) < count * left]
    for name in fallen[:_NAMED]:
        found = f"has {now[name]:,} rows" if name in now else "is gone"
        yield f"the table {name} {found}, {least[name]:,} were there before"
    if len(fallen) > _NAMED:
        yield f"{len(fallen) - _NAMED} further tables have shrunk too"
