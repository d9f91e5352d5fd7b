"""The settings of the backup room."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import field_validator

from ..core.section import Section, knob


class BackupSettings(Section):
    """When a backup is made, where it is kept and for how long."""

    prefix: ClassVar[str] = "BACKUP_"
    title: ClassVar[str] = "Backup"

    dir: Path = knob(Path("backups"), "Folder of the backups")
    time: str = knob("02:00", "Local time of day from which the daily backup is due", unit="HH:MM")
    timezone: str = knob("", "IANA time zone of BACKUP_TIME, like America/Sao_Paulo; empty: TZ")
    retention_days: int = knob(30, "A backup older than this is deleted", unit="days", ge=1)
    keep_at_least: int = knob(7, "So many good backups are kept, however old they are", ge=1)
    timeout_seconds: int = knob(
        21_600, "A backup or restore that takes longer is ended", unit="seconds", ge=1
    )
    lock_wait_seconds: int = knob(60, "How long pg_dump waits for a table's lock", unit="seconds", ge=1)
    overdue_seconds: int = knob(
        93_600, "Without a good backup for so long an alert is raised", unit="seconds", ge=3_600
    )
    pg_dump: str = knob(
        "", "Path of the pg_dump to use, with pg_restore and psql beside it; empty: the best found"
    )

    @field_validator("time")
    @classmethod
    def _time_of_day(cls, text: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError(f"{text!r} is no time of day from 00:00 to 23:59")
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            return name and ZoneInfo(name).key
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone (like America/Sao_Paulo)") from error

    @field_validator("pg_dump")
    @classmethod
    def _names_pg_dump(cls, path: str) -> str:
        if path and Path(path).name != "pg_dump":
            raise ValueError(f"{path!r} is no path of a pg_dump")
        return path

    @property
    def time_of_day(self) -> dt.time:
        """BACKUP_TIME as a time."""
        return dt.time.fromisoformat(self.time)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of BACKUP_TIME; UTC where nobody said one."""
        return ZoneInfo(self.timezone or "UTC")
