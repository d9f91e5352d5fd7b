"""One run, from the database to a checked backup in the catalogue."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, replace
from typing import Any

from ..core.clock import Clock
from ..core.errors import Unavailable
from .catalog import PART, Catalog
from .client import Client
from .dump import dump, look_at
from .model import Backup, Fingerprint, Running, Source, State
from .program import sweep_pass_files
from .retention import expired
from .settings import BackupSettings
from .tools import Tools
from .verify import tables_in, verify

_TELL_SECONDS = 1.0
_DUMPED_PERCENT, _CHECKED_PERCENT = 90, 99
_SPARE = 1.1


class Run:
    """What is to be done under a turn; `running` says how far it is."""

    def __init__(
        self, running: Running, catalog: Catalog, client: Client, settings: BackupSettings, clock: Clock
    ) -> None:
        self.running = running
        self._catalog = catalog
        self._client = client
        self._settings = settings
        self._clock = clock
        self._began = self._told_at = time.monotonic()

    def make(self) -> Backup:
        """Raises AtalaiaError or OSError, and has published nothing then.

        1. Look at the database, choose its pg_dump, see whether there is room.
        2. Dump into a part file.
        3. Read that back, decode it, compare it; have pg_restore read its table of contents.
        4. Publish: the data under their name, the manifest last.
        """
        sweep_pass_files()
        source = look_at(self._client)
        tools = self._client.tools(at_least=source.server_major)
        last = self._catalog.read().last_good
        self._see_room(last)
        self._tell(phase="dumping", of_about_bytes=last.raw_bytes if last else source.size_bytes)
        part = self._catalog.path(self.running.id, PART)
        fingerprint = dump(self._client, tools, part, self._settings.lock_wait_seconds, self._on_dumped)
        self._tell(phase="checking", raw_bytes=fingerprint.raw_bytes, percent=_DUMPED_PERCENT)
        verify(part, fingerprint, self._on_read)
        backup = self._checked(source, tools, fingerprint, tables=len(tables_in(part, tools)))
        self._catalog.publish(backup)
        return backup

    def rotate(self) -> list[Backup]:
        """Delete what is too old, after a run that succeeded; returns what was deleted."""
        going = expired(
            self._catalog.read().backups,
            self._clock.now(),
            keep_days=self._settings.retention_days,
            keep_at_least=self._settings.keep_at_least,
        )
        for backup in going:
            self._catalog.delete(backup)
        return going

    def _see_room(self, last: Backup | None) -> None:
        free_bytes = shutil.disk_usage(self._catalog.folder).free
        if last is not None and free_bytes < last.size_bytes * _SPARE:
            raise Unavailable(
                f"the disk has {free_bytes} bytes left, the last backup took {last.size_bytes}",
                f"Make room for {self._catalog.folder}, or lower BACKUP_RETENTION_DAYS.",
            )

    def _checked(self, source: Source, tools: Tools, fingerprint: Fingerprint, *, tables: int) -> Backup:
        return Backup(
            id=self.running.id,
            sequence=self.running.sequence,
            state=State.CHECKED,
            reason=self.running.reason,
            started_at=self.running.started_at,
            finished_at=self._clock.now(),
            duration_seconds=round(time.monotonic() - self._began, 3),
            file=self._catalog.path(self.running.id).name,
            tables=tables,
            client_version=tools.version,
            source=source,
            **asdict(fingerprint),
        )

    def _on_dumped(self, raw_bytes: int) -> None:
        share = min(raw_bytes / max(self.running.of_about_bytes, 1), 1.0)
        self._go_on(raw_bytes=raw_bytes, percent=int(share * _DUMPED_PERCENT))

    def _on_read(self, share: float) -> None:
        self._go_on(percent=int(_DUMPED_PERCENT + share * (_CHECKED_PERCENT - _DUMPED_PERCENT)))

    def _go_on(self, **change: int) -> None:
        """Called with every chunk: ends a run that has to end, and says once a second how far it is."""
        self._client.go_on()
        if time.monotonic() - self._told_at >= _TELL_SECONDS:
            self._tell(**change)

    def _tell(self, **change: Any) -> None:
        self._told_at = time.monotonic()
        self.running = replace(self.running, **change)
        self._catalog.tell(self.running)
