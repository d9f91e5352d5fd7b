"""Restoring a backup of an SQLite file: what will be done, and a backup of what is replaced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InputRejected, Unavailable
from .catalog import Catalog
from .estimate import expected
from .model import Backup, OnShare
from .plan import Reason
from .records import document
from .restorer import Wish
from .sqlite import restore_sqlite
from .sqlites import Sqlites


@dataclass(frozen=True, slots=True)
class SqliteRestorer:
    """As Restorer, where the wish names a file by its path."""

    catalog: Catalog
    sqlites: Sqlites

    def plan(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        """What restore() would find and do; changes nothing."""
        into = _file(wish)
        found = expected(backup, self.catalog.read().backups)
        steps = [
            f"read {backup.file} to its last bit ({backup.size_bytes:,} bytes, {backup.tables} tables)",
            "unpack it beside the target and examine every page and index",
            f"give it the name {into}",
        ]
        if into.exists():
            steps.insert(2, f"keep the former {into} by another name; stop who writes to it before")
            steps[:0] = [f"back {into} up as it is now"] if wish.back_up_first else []
        return {
            "backup": document(backup),
            "into": str(into),
            "exists": into.exists(),
            "expected_seconds": found.seconds,
            "expected_from": found.basis,
            "steps": steps,
        }

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        """Restore into the file; whatever fails, one that was there is as it was."""
        began, into, before = time.monotonic(), _file(wish), None
        if into.exists() and wish.replace and wish.back_up_first:
            before = self._back_up(into).id
        path = self.catalog.path(backup.id)
        try:
            rows, former = restore_sqlite(backup, path, into, may_replace=wish.replace, on_share=on_share)
        except OSError as error:
            raise Unavailable(
                f"{error.filename or into} cannot be written: {error.strerror}", "Look at its folder."
            ) from error
        return {
            "backup_id": backup.id,
            "into": str(into),
            "tables": len(rows),
            "rows": sum(rows.values()),
            "rows_by_table": rows,
            "former": str(former) if former else None,
            "backup_before": before,
            "seconds": round(time.monotonic() - began, 3),
        }

    def _back_up(self, into: Path) -> Backup:
        try:
            return self.sqlites.back_up(into, Reason.BEFORE_RESTORE)
        except Unavailable as error:
            raise Unavailable(
                f"{into} could not be backed up before it is replaced: {error.fact}",
                f"{error.hint} Or replace it without (--no-backup): it is kept by another name all the same.",
            ) from error


def _file(wish: Wish) -> Path:
    if wish.tables or wish.roles:
        raise InputRejected(
            "a backup of an SQLite file has no roles and is restored whole", "Leave them away."
        )
    return Path(wish.into)
