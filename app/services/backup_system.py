"""The backup page: makes a backup when one is due or asked for, checks it, keeps it, restores it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..backup import notices, report
from ..backup.catalog import Catalog
from ..backup.client import Clients
from ..backup.connection import parse_connection
from ..backup.contents import Contents
from ..backup.model import Stopped, Verdict, document
from ..backup.plan import Daily, due, is_overdue
from ..backup.recheck import recheck
from ..backup.restore import look_at_target, restore
from ..backup.runner import Runner
from ..backup.settings import BackupSettings
from ..backup.verify import tables_in
from ..core.clock import Clock
from ..core.errors import Conflict, NotFound, SettingsError, Unavailable
from ..core.health import Health, Level
from ..core.measure import Measure
from ..core.signal import Emit

_POLL_SECONDS = 0.05
_NOT_SET = ("not configured: DATABASE_URL is not set", "Set DATABASE_URL and start again.")


class BackupSystem:
    """Backups of the database that `database_url` names, in `folder`; every worker answers alike.

    Emits backup_failed, backup_overdue and backup_damaged (raised, cleared), backup_succeeded (noted).
    """

    def __init__(
        self, settings: BackupSettings, folder: Path, database_url: str, clock: Clock, emit: Emit
    ) -> None:
        self._settings = settings
        self._catalog = Catalog(folder)
        self._clock = clock
        self._emit = emit
        self._daily = Daily(settings.time_of_day, settings.zone)
        self._began_at = clock.monotonic()
        self._overdue_said = False
        self._clients, self._why_not = _clients(database_url, settings)
        self._runner = Runner(self._clients, self._catalog, settings, clock, emit) if self._clients else None

    def run_due(self) -> None:
        """Begin a backup if one is due, and say so when the last good one is too old."""
        if self._runner is None:
            return
        contents = self._contents()
        self._say_overdue(contents)
        found = due(self._clock.now(), self._daily, contents.history, up=self._up)
        if found is not None and contents.running is None:
            # Because the one does no harm, and the other has been said already.
            with suppress(Conflict, Unavailable):
                self._runner.begin(found.reason)

    def request(self, *, reason: str) -> dict[str, Any]:
        """Begin a backup now; Conflict while one runs in any process, Unavailable when none can begin."""
        if self._runner is None:
            raise Unavailable(*self._why_not)
        return document(self._runner.begin(reason))

    def wait(self, backup_id: str, deadline_seconds: float) -> dict[str, Any]:
        """The document of a run once it has ended, or as it is at the deadline."""
        until = time.monotonic() + deadline_seconds
        while (running := self._catalog.running()) and running.id == backup_id and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        return self.get(backup_id)

    def stop(self) -> None:
        """End what runs, leaving nothing half done; nothing begins any more."""
        if self._clients is not None and self._runner is not None:
            self._clients.end()
            self._runner.join()

    def status(self) -> dict[str, Any]:
        """The catalogue, the last good backup, what is running, what failed, when the next one is due."""
        contents, configured = self._contents(), self._clients is not None
        return report.status(contents, self._settings, self._clock.now(), configured=configured)

    def get(self, backup_id: str) -> dict[str, Any]:
        """The document of one run, whatever became of it: a backup, failed, or running; NotFound."""
        return document(self._contents().find(backup_id))

    def verify(self, backup_id: str | None = None) -> dict[str, Any]:
        """Read one backup, or all of them, to the last bit; NotFound.

        {"ok": bool, "results": [{"id", "ok", "fact", "hint", "damaged"}, ...]}
        """
        if backup_id is not None:
            verdicts = [self._verified(backup_id)]
        else:
            verdicts = []
            for one in self._catalog.read().all:
                with suppress(NotFound):  # Because retention may have deleted it meanwhile.
                    verdicts.append(self._verified(one.id))
        return {"ok": all(verdict.ok for verdict in verdicts), "results": [asdict(one) for one in verdicts]}

    def plan_restore(self, backup_id: str, *, into: str) -> dict[str, Any]:
        """What restore() would find and do; changes nothing."""
        backup = self._catalog.backup(backup_id)
        with self._configured().open() as client:
            target = look_at_target(client, backup, into)
            tables = tables_in(self._catalog.path(backup_id), client.tools(at_least=backup.client_major))
        return report.restore_plan(backup, tables, target, into=into)

    def restore(
        self,
        backup_id: str,
        *,
        into: str,
        replace: bool = False,
        progress: Callable[[float], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Restore into a database of that name on the same server, and tell the rows of each table.

        Conflict when there is one, unless `replace`: it is then kept under the name `former` of the
        answer. `progress` is told the share that is done. Whatever fails, nothing has changed.
        """
        backup = self._catalog.backup(backup_id)
        began, path = time.monotonic(), self._catalog.path(backup_id)
        with self._configured().open() as client:
            done = restore(client, backup, path, into=into, replace=replace, on_share=progress)
        return report.restored(backup, done, into=into, seconds=time.monotonic() - began)

    def health(self) -> Health:
        """How it stands with the backups; OK, and that there are none, without a DATABASE_URL."""
        if self._clients is None:
            level = Level.OK if self._why_not is _NOT_SET else Level.DEGRADED
            return Health(level, self._why_not[0])
        if not self._catalog.can_be_written:
            return Health(Level.DOWN, f"the folder {self._catalog.folder} cannot be written")
        contents = self._contents()
        return report.health(contents, self._clock.now(), overdue=self._is_overdue(contents))

    def measures(self) -> Iterable[Measure]:
        """The last good backup's time, size and duration, all backups by state, failures."""
        return report.measures(self._contents()) if self._clients is not None else []

    def _configured(self) -> Clients:
        if self._clients is None:
            raise Unavailable(*self._why_not)
        return self._clients

    def _contents(self) -> Contents:
        if self._runner is None:
            return self._catalog.read()
        self._runner.recover()
        return replace(self._catalog.read(), unrecorded=self._runner.unrecorded)

    @property
    def _up(self) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - self._began_at)

    def _is_overdue(self, contents: Contents) -> bool:
        after = timedelta(seconds=self._settings.overdue_seconds)
        return is_overdue(self._clock.now(), contents.history, after=after, up=self._up)

    def _say_overdue(self, contents: Contents) -> None:
        """Once; it is over with the next good backup, which says so."""
        overdue = self._is_overdue(contents)
        if overdue and not self._overdue_said:
            self._emit(notices.backup_overdue(self._clock.now(), contents, self._settings.overdue_seconds))
        self._overdue_said = overdue

    def _verified(self, backup_id: str) -> Verdict:
        verdict = recheck(self._catalog, backup_id, self._go_on)
        if verdict.damaged:
            self._emit(notices.backup_damaged(verdict, self._catalog.read().last_good))
        elif verdict.ok:
            self._emit(notices.backup_sound(verdict))
        return verdict

    def _go_on(self, _share: float) -> None:
        if self._clients is not None and self._clients.ended:
            raise Stopped("it was ended because the server stops")


def _clients(database_url: str, settings: BackupSettings) -> tuple[Clients | None, tuple[str, str]]:
    """The way to the database; without one, why there is none (fact, hint)."""
    if not database_url:
        return None, _NOT_SET
    try:
        connection = parse_connection(database_url)
    except SettingsError as error:
        # Because the application may live on another kind of database, this does not keep it from starting.
        return None, (error.fact, error.hint)
    return Clients(connection, seconds=settings.timeout_seconds, pg_dump=settings.pg_dump), ("", "")
