"""The engine that dumps one database with pg_dump, into files of our own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from ..core.clock import Clock, rfc3339
from ..core.errors import InputRejected, SettingsError, Unavailable
from ..core.signal import Emit
from . import preflight
from .catalog import Catalog
from .client import Clients
from .connection import parse_connection
from .contents import Contents
from .engine import Absence
from .ground import look_over
from .model import Backup, OnShare, Running, Stopped, Verdict
from .restorer import Restorer, Wish
from .rotation import Rotation
from .runner import Runner
from .settings import BackupSettings

KIND = "postgres"
Part = TypeVar("Part")
_NOT_SET = Absence(
    "not configured: DATABASE_URL is not set", "Set DATABASE_URL and start again.", is_wanted=True
)


class Dumps:
    """Backups of the database that `database_url` names, in the folder of `catalog`."""

    def __init__(
        self, catalog: Catalog, settings: BackupSettings, database_url: str, clock: Clock, emit: Emit
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._rotation = Rotation(catalog, settings, clock)
        self.clients, self.absence = _clients(database_url, settings)
        rest = (catalog, settings, clock, emit)
        self._runner = Runner(self.clients, *rest) if self.clients else None
        self._restorer = Restorer(self.clients, *rest) if self.clients else None

    def contents(self) -> Contents:
        if self._runner is None or self.clients is None:
            return self._catalog.read()
        self._runner.recover()
        contents = self._catalog.read().about(self.clients.connection.database)
        return replace(contents, unrecorded=self._runner.unrecorded)

    def backup(self, backup_id: str) -> Backup:
        return self._catalog.backup(backup_id)

    def begin(self, reason: str, type_: str = "") -> Running:
        if type_:
            raise InputRejected(f"a dump has no type {type_!r}", "Only BACKUP_ENGINE=pgbackrest has types.")
        return self._able(self._runner).begin(reason)

    def begin_drill(self, backup: Backup) -> Running:
        return self._able(self._runner).begin_drill(backup)

    def check(self) -> dict[str, Any]:
        with self._able(self.clients).open() as client:
            folder = self._catalog.folder
            found = look_over(client, folder, self._settings.drill_folder(folder), self.contents().last_good)
        return preflight.told(found)

    def retention(self) -> dict[str, Any]:
        return self._rotation.plan()

    def rotate(self) -> dict[str, Any]:
        return self._rotation.apply()

    def backup_before(self, at: datetime) -> Backup:
        raise InputRejected(
            f"a dump cannot be brought to a point in time ({rfc3339(at)})",
            "Name a backup; BACKUP_ENGINE=pgbackrest has points in time.",
        )

    def plan_restore(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        if wish.at or wish.latest:
            raise InputRejected(f"{backup.id} is a dump: it has no points in time", "Restore it as it is.")
        return self._able(self._restorer).plan(backup, wish)

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        return self._able(self._restorer).restore(backup, wish, on_share)

    def files(self) -> Contents:
        return self.contents()

    def verify_others(self) -> list[Verdict]:
        return []

    def watch(self) -> None:
        """Nothing: the files have a watch of their own."""

    def trouble(self) -> str:
        return ""

    def told(self) -> dict[str, Any]:
        return {"name": "dump"}

    def go_on(self) -> None:
        if self.clients is not None and self.clients.ended:
            raise Stopped("it was ended because the server stops")

    def stop(self) -> None:
        if self.clients is not None and self._runner is not None:
            self.clients.end()
            self._runner.join()

    def _able(self, part: Part | None) -> Part:
        if part is None:
            assert self.absence is not None
            raise Unavailable(self.absence.fact, self.absence.hint)
        return part


def _clients(database_url: str, settings: BackupSettings) -> tuple[Clients | None, Absence | None]:
    """The way to the database; without one, why there is none."""
    if not database_url:
        return None, _NOT_SET
    try:
        connection = parse_connection(database_url)
    except SettingsError as error:
        # Because the application may live on another kind of database, this does not keep it from starting.
        return None, Absence(error.fact, error.hint)
    return Clients(connection, seconds=settings.timeout_seconds, pg_dump=settings.pg_dump), None
