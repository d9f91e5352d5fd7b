"""The settings of the engine that drives pgBackRest."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ...core.section import Section, knob


class PgBackRestSettings(Section):
    """Which stanza is backed up, and which type of backup is made when."""

    prefix: ClassVar[str] = "BACKUP_PGBACKREST_"
    title: ClassVar[str] = "Backup by pgBackRest (BACKUP_ENGINE=pgbackrest)"

    stanza: str = knob("", "The stanza to back up, as in pgBackRest's configuration")
    config: Path | None = knob(None, "pgBackRest's configuration; empty: /etc/pgbackrest/pgbackrest.conf")
    program: str = knob("pgbackrest", "The program's path; a bare name is looked up in the usual folders")
    daily: str = knob(
        "diff",
        "Type of the daily backup while the last full one is young: diff, incr or full",
        pattern="^(diff|incr|full)$",
    )
    manual: str = knob("incr", "Type of a backup by hand: incr, diff or full", pattern="^(diff|incr|full)$")
    full_days: int = knob(7, "A full backup is made when the last one is so old", unit="days", ge=1)
    archive_lag_seconds: int = knob(
        300, "An alert is raised when write-ahead log waits longer to be archived", unit="seconds", ge=10
    )
