"""The settings of the backup room."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import field_validator

from ..core.section import CommaList, Section, knob
from .codec import CODECS, Codec
from .retention import Policy
from .throttle import Throttle


class BackupSettings(Section):
    """When a backup is made, where it is kept and for how long."""

    prefix: ClassVar[str] = "BACKUP_"
    title: ClassVar[str] = "Backup"

    engine: str = knob(
        "dump",
        "What makes the backups: dump (pg_dump, of one database) or pgbackrest (of the whole server)",
        pattern="^(dump|pgbackrest)$",
    )
    dir: Path = knob(Path("backups"), "Folder of the backups")
    time: str = knob("02:00", "Local time of day from which the daily backup is due", unit="HH:MM")
    timezone: str = knob("", "IANA time zone of BACKUP_TIME, like America/Sao_Paulo; empty: TZ")
    retention_days: int = knob(30, "A backup older than this is deleted", unit="days", ge=1)
    keep_at_least: int = knob(7, "So many good backups are kept, however old they are", ge=1)
    keep_at_most: int = knob(0, "More backups than so many are not kept, the oldest go; 0: no limit", ge=0)
    keep_weekly: int = knob(
        0, "Of so many weeks the last good backup is kept, however old", unit="weeks", ge=0
    )
    keep_monthly: int = knob(0, "Of so many months the last good one is kept", unit="months", ge=0)
    keep_yearly: int = knob(0, "Of so many years the last good one is kept", unit="years", ge=0)
    max_total_bytes: int = knob(
        0, "When all backups together take more, the oldest go; 0: no limit", unit="bytes", ge=0
    )
    compression: str = knob("gzip", "Compression of new backups: gzip or zstd", pattern="^(gzip|zstd)$")
    max_bytes_per_second: int = knob(
        0, "pg_dump is read no faster, before compression; 0: as fast as it goes", unit="bytes/s", ge=0
    )
    throttle_seconds: int = knob(
        3_600,
        "After so long a dump is no longer slowed down, because its snapshot ages",
        unit="seconds",
        ge=1,
    )
    truth: str = knob(
        "snapshot",
        "What a drill compares rows with: snapshot (hashed in the snapshot of the dump), dump (what the "
        "scratch server gives when it is dumped again: no load on the database) or off: nothing",
        pattern="^(snapshot|dump|off)$",
    )
    drill: str = knob(
        "always",
        "Which new backups are restored into a throw-away server: always, daily (one a day) or off",
        pattern="^(always|daily|off)$",
    )
    drill_while_dumping: bool = knob(
        False, "A drill begins with the dump and follows it, instead of after its check: sooner proven"
    )
    drill_dir: Path | None = knob(
        None, "Folder of the throw-away server, with room for the database; empty: in the backups' folder"
    )
    drill_timeout_seconds: int = knob(7_200, "A drill that takes longer is given up", unit="seconds", ge=1)
    recheck_days: int = knob(
        7, "Each backup's file is read again so long after it was read last; 0: never", unit="days", ge=0
    )
    shrink_percent: int = knob(
        50,
        "An alert is raised when a backup has so much less in it than those before; 0: never",
        unit="%",
        ge=0,
    )
    timeout_seconds: int = knob(
        21_600, "A backup or restore that takes longer is ended", unit="seconds", ge=1
    )
    lock_wait_seconds: int = knob(60, "How long pg_dump waits for a table's lock", unit="seconds", ge=1)
    overdue_seconds: int = knob(
        93_600, "Without a good backup for so long an alert is raised", unit="seconds", ge=3_600
    )
    sqlite: CommaList = knob((), "SQLite files of the application that are backed up each day, too")
    own_state: bool = knob(
        False, "Atalaia's own SQLite files (alerts, metrics, performance) are backed up each day, too"
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

    def drill_folder(self, backups: Path) -> Path:
        """That of BACKUP_DRILL_DIR, else one in the folder of the backups."""
        return self.drill_dir or backups / ".drill"

    @property
    def codec(self) -> Codec:
        """That of BACKUP_COMPRESSION."""
        return CODECS[self.compression]

    @property
    def retention(self) -> Policy:
        """What is kept, in the zone of BACKUP_TIME."""
        return Policy(
            days=self.retention_days,
            at_least=self.keep_at_least,
            at_most=self.keep_at_most,
            total_bytes=self.max_total_bytes,
            weekly=self.keep_weekly,
            monthly=self.keep_monthly,
            yearly=self.keep_yearly,
            zone=self.zone,
        )

    @property
    def throttle(self) -> Throttle:
        """That of BACKUP_MAX_BYTES_PER_SECOND."""
        return Throttle(self.max_bytes_per_second, self.throttle_seconds)

    @property
    def time_of_day(self) -> dt.time:
        """BACKUP_TIME as a time."""
        return dt.time.fromisoformat(self.time)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of BACKUP_TIME; UTC where nobody said one."""
        return ZoneInfo(self.timezone or "UTC")
