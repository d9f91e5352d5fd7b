"""Settings of the backup room."""

from __future__ import annotations

from datetime import time

import pytest
from pydantic import ValidationError

from app.backup.settings import BackupSettings


def test_defaults_are_those_promised():
    """Backups are made at 02:00 and kept for 30 days unless somebody says otherwise."""
    settings = BackupSettings()
    assert (settings.time_of_day, settings.retention_days) == (time(2), 30)


@pytest.mark.parametrize("text", ["2:00", "24:00", "02:60", "02:00:00", "noon", ""])
def test_bad_time_of_day_is_refused(text: str):
    """A time that is no HH:MM is refused in words that repeat it."""
    with pytest.raises(ValidationError, match="no time of day"):
        BackupSettings(time=text)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/passwd"])
def test_unknown_zone_is_refused(name: str):
    """A zone that nobody knows is refused, and a path is none."""
    with pytest.raises(ValidationError, match="no IANA time zone"):
        BackupSettings(timezone=name)


def test_no_zone_means_utc():
    """Where neither BACKUP_TIMEZONE nor the composition root names a zone, it is UTC."""
    assert BackupSettings().zone.key == "UTC"


def test_pg_dump_is_called_so():
    """BACKUP_PG_DUMP names a pg_dump, because its neighbours are used too, and not a folder."""
    with pytest.raises(ValidationError, match="is no path of a pg_dump"):
        BackupSettings(pg_dump="/usr/lib/postgresql/18/bin")
