"""The backup page: makes a backup when one is due or asked for, checks it, keeps it, restores it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..backup import report
from ..backup.catalog import Catalog
from ..backup.dumps import Dumps
from ..backup.duty import Duty
from ..backup.engine import Engine
from ..backup.inspection import Inspection
from ..backup.model import Damaged, State
from ..backup.offsite.courier import Courier
from ..backup.offsite.settings import OffsiteSettings
from ..backup.pgbackrest.engine import Repositories
from ..backup.pgbackrest.settings import PgBackRestSettings
from ..backup.records import document
from ..backup.restorer import Wish
from ..backup.settings import BackupSettings
from ..backup.sqlite import KIND
from ..backup.sqlite_restorer import SqliteRestorer
from ..backup.sqlites import Sqlites
from ..core.clock import Clock
from ..core.command import COMMAND
from ..core.errors import Conflict, InputRejected, NotFound
from ..core.health import Health, Level
from ..core.measure import Measure
from ..core.signal import Emit

_POLL_SECONDS = 0.05
_CANCEL_SECONDS = 10.0


class BackupSystem:
    """Backups of the database that `database_url` names, in `folder`; every worker answers alike.

    `inspection` reads them again: verify(), watch().

    Emits backup_failed, backup_overdue and backup_damaged (raised, cleared), backup_succeeded (noted).
    """

    def __init__(
        self,
        settings: BackupSettings,
        folder: Path,
        database_url: str,
        clock: Clock,
        emit: Emit,
        *,
        offsite: OffsiteSettings | None = None,
        sqlite: Mapping[str, Path] | None = None,
        pgbackrest: PgBackRestSettings | None = None,
    ) -> None:
        self._settings = settings
        self._catalog = Catalog(folder)
        self._clock = clock
        rest = (settings, clock, emit)
        dumps = Dumps(self._catalog, settings, database_url, clock, emit)
        self._engine: Engine = dumps
        if settings.engine == "pgbackrest":
            self._engine = Repositories(dumps, self._catalog, pgbackrest or PgBackRestSettings(), *rest)
        self._duty = Duty(self._engine, *rest)
        every, contents = timedelta(days=settings.recheck_days), self._engine.contents
        self.inspection = Inspection(
            self._catalog, clock, emit, every, contents, self._engine.go_on, self._engine.verify_others
        )
        self._sqlites = Sqlites(sqlite or {}, self._catalog, *rest)
        self._courier = Courier(offsite or OffsiteSettings(), self._catalog, clock, emit)

    def run_due(self) -> None:
        """Begin a backup if one is due, and say so when the last good one is too old."""
        self._duty.run_due()
        self._engine.watch()

    def sqlite_due(self) -> None:
        """Begin the backups of SQLite files that are due, and say which is late."""
        self._sqlites.run_due(self._engine.contents())

    def copy_due(self) -> None:
        """Begin the next second copy if one is due, and say so when one is late."""
        self._courier.run_due(self._engine.files())

    def cancel(self, backup_id: str | None = None) -> dict[str, Any]:
        """End the run under way, whichever process makes it, and tell what has become of it.

        Conflict when nothing runs, or not that one; NotFound for an id that never was.
        """
        running = self._catalog.running()
        if running is None or backup_id not in {None, running.id}:
            if backup_id is not None:
                self.get(backup_id)
            raise Conflict("it is not running", "See the backup status for what runs.")
        self._catalog.cancel(running.id)
        return self.wait(running.id, _CANCEL_SECONDS)

    def retention(self) -> dict[str, Any]:
        """Which backups would go after the next good run, which stay, and why each; changes nothing."""
        return self._engine.retention()

    def rotate(self) -> dict[str, Any]:
        """Delete those now; Conflict while a backup runs, or when the last run failed."""
        return self._engine.rotate()

    def check(self) -> dict[str, Any]:
        """What would keep a backup from being made or being whole; Unavailable without a database."""
        return self._engine.check()

    def request(self, *, reason: str, type_: str = "") -> dict[str, Any]:
        """Begin a backup now; Conflict while one runs in any process, Unavailable when none can begin.

        `type_`: full, diff or incr, where pgBackRest makes it; InputRejected elsewhere.
        """
        return document(self._engine.begin(reason, type_))

    def drill(self, backup_id: str | None = None) -> dict[str, Any]:
        """Begin to restore a backup into a throw-away server or file; the last good one where none is named.

        NotFound, Conflict while anything runs, InputRejected for a damaged one.
        """
        backup = self._engine.backup(backup_id) if backup_id else self._engine.contents().last_good
        if backup is None:
            raise NotFound("there is no good backup", f"Make one: {COMMAND} backup run")
        if not backup.state.is_good:
            raise InputRejected(
                f"{backup.id} cannot be drilled: it is {backup.state.value}", f"See: {COMMAND} backup list"
            )
        if backup.kind == KIND:
            return document(self._sqlites.begin_drill(backup))
        return document(self._engine.begin_drill(backup))

    def wait(self, backup_id: str, deadline_seconds: float) -> dict[str, Any]:
        """The document of a run once it has ended, or as it is at the deadline."""
        until = time.monotonic() + deadline_seconds
        while (running := self._catalog.running()) and running.id == backup_id and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        return self.get(backup_id)

    def stop(self) -> None:
        """End what runs, leaving nothing half done; nothing begins any more."""
        self._engine.stop()
        self._courier.stop()
        self._sqlites.stop()
        self.inspection.close()

    def status(self) -> dict[str, Any]:
        """The catalogue, the last good backup, what is running, what failed, when the next one is due."""
        contents, configured = self._engine.contents(), self._engine.absence is None
        told = report.status(contents, self._settings, self._clock.now(), configured=configured)
        return told | {"engine": self._engine.told(), "offsite": self._courier.status(self._engine.files())}

    def get(self, backup_id: str) -> dict[str, Any]:
        """The document of one run, whatever became of it: a backup, failed, or running; NotFound."""
        return document(self._engine.contents().find(backup_id))

    def current(self, backup_id: str = "") -> dict[str, Any] | None:
        """As get(), or how far its second copy is; without an id what is under way, None when nothing is."""
        running = self._catalog.running()
        if running is not None and backup_id in {"", running.id}:
            return document(running)
        copying = self._courier.copying()
        if copying is not None and backup_id in {"", copying["id"]}:
            return self.get(copying["id"]) | copying
        return self.get(backup_id) if backup_id else None

    def back_up_sqlite(
        self, name: str, *, reason: str, progress: Callable[[float], None] = lambda _: None
    ) -> dict[str, Any]:
        """Back up one SQLite file of BACKUP_SQLITE now; NotFound, Conflict, Unavailable."""
        return document(self._sqlites.back_up(self._sqlites.path(name), reason, progress))

    @property
    def sqlite_files(self) -> list[str]:
        """The names of the SQLite files that are backed up."""
        return list(self._sqlites.files)

    def copy(self, backup_id: str, progress: Callable[[float], None] = lambda _: None) -> dict[str, Any]:
        """Copy one backup to the other place now, and tell what it is there; Unavailable, Conflict."""
        self._courier.copy(backup_id, progress)
        return self.get(backup_id)

    def second_copies(self) -> list[dict[str, Any]]:
        """The backups of the other place, newest first; Unavailable when it cannot be reached."""
        with self._courier.copier() as copier:
            return [document(backup) for backup in copier.manifests()]

    def fetch(
        self, backup_id: str, identity: Path | None, progress: Callable[[float], None] = lambda _: None
    ) -> dict[str, Any]:
        """Bring a backup back from the other place; `identity` is the private key of an encrypted one."""
        return document(self._courier.fetch(backup_id, identity, progress))

    def is_at_hand(self, backup_id: str) -> bool:
        """False when a backup has to be fetched before it can be restored."""
        if not self._courier.is_on:
            return True
        try:
            return self._catalog.backup(backup_id).state is not State.DAMAGED
        except (NotFound, Damaged):
            return False

    def at(self, text: str) -> datetime:
        """A point in time that somebody wrote, in the zone of BACKUP_TIME where none is named."""
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputRejected(f"{text!r} is no time", "Write it like 2026-11-23T14:05:00-03:00.") from error
        return (found if found.tzinfo else found.replace(tzinfo=self._settings.zone)).astimezone(UTC)

    def backup_before(self, at: datetime) -> dict[str, Any]:
        """The backup from which that point in time can be reached; InputRejected where there is none."""
        return document(self._engine.backup_before(at))

    def plan_restore(self, backup_id: str, wish: Wish) -> dict[str, Any]:
        """What restore() would find and do, and how long it will take; changes nothing."""
        backup = self._engine.backup(backup_id)
        if backup.kind == KIND:
            return self._sqlite_restorer.plan(backup, wish)
        return self._engine.plan_restore(backup, wish)

    def restore(
        self,
        backup_id: str,
        wish: Wish,
        progress: Callable[[float], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Restore into a database of that name on the same server, and tell the rows of each table.

        One of an SQLite file is restored into a file of that path. Conflict when there is one, unless it
        may be replaced: it is backed up before, and kept under the name `former` of the answer.
        `progress` is told the share that is done. Whatever fails, the databases are as they were.
        """
        backup = self._engine.backup(backup_id)
        if backup.kind == KIND:
            return self._sqlite_restorer.restore(backup, wish, progress)
        return self._engine.restore(backup, wish, progress)

    def health(self) -> Health:
        """How it stands with the backups; OK, and that there are none, without a DATABASE_URL."""
        if absence := self._engine.absence:
            return Health(Level.OK if absence.is_wanted else Level.DEGRADED, absence.fact)
        if not self._catalog.can_be_written:
            return Health(Level.DOWN, f"the folder {self._catalog.folder} cannot be written")
        contents = self._engine.contents()
        found = report.health(contents, self._clock.now(), overdue=self._duty.is_overdue(contents))
        if found.level is Level.OK and (trouble := self._engine.trouble()):
            return Health(Level.DEGRADED, trouble, found.details)
        if found.level is Level.OK and self._courier.is_late(self._engine.files()):
            return Health(Level.DEGRADED, "the last good backup has no second copy", found.details)
        return found

    def measures(self) -> Iterable[Measure]:
        """The last good backup's time, size and duration, all backups by state, failures, second copies."""
        contents = self._engine.contents()
        own = report.measures(contents) if self._engine.absence is None else []
        return [*own, *self._courier.measures(self._engine.files())]

    @property
    def _sqlite_restorer(self) -> SqliteRestorer:
        return SqliteRestorer(self._catalog, self._sqlites)
