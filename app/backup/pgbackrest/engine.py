"""The engine that drives pgBackRest: a whole server, in a repository of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.clock import Clock
from ...core.errors import InputRejected, Unavailable
from ...core.signal import Emit
from .. import preflight as findings
from ..catalog import Catalog
from ..contents import Contents
from ..dumps import Dumps
from ..engine import Absence
from ..model import Backup, OnShare, Running, Verdict, is_backup_id
from ..restorer import Wish
from ..settings import BackupSettings
from .archiving import Archiving
from .config import read_stanza
from .parts import Parts
from .preflight import look_closely
from .program import PgBackRest
from .records import Records
from .repository import KIND, Repository
from .runner import StanzaRuns
from .settings import PgBackRestSettings

_FOLDER = "pgbackrest"


class Repositories:
    """Backups of one stanza; what `dumps` has made before is listed and restored as ever."""

    def __init__(
        self,
        dumps: Dumps,
        catalog: Catalog,
        asked: PgBackRestSettings,
        settings: BackupSettings,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._dumps = dumps
        self._catalog = catalog
        self.absence: Absence | None = None
        self._runs: StanzaRuns | None = None
        try:
            stanza = read_stanza(asked.stanza, asked.config)
        except Unavailable as error:
            self.absence = Absence(error.fact, error.hint)
            return
        program = PgBackRest(asked.program, stanza)
        records = Records(catalog.folder / _FOLDER / stanza.name)
        archiving = Archiving(dumps.clients, asked.archive_lag_seconds, clock, emit)
        parts = Parts(asked, program, records, Repository(program, records), archiving, dumps.clients)
        self._parts = parts
        self._runs = StanzaRuns(parts, catalog, settings, clock, emit)

    def contents(self) -> Contents:
        if self._runs is None:
            return self._catalog.read()
        self._runs.recover()
        contents = self._parts.repository.add_to(self._catalog.read())
        return replace(contents, unrecorded=self._runs.unrecorded)

    def files(self) -> Contents:
        return self._dumps.contents()

    def backup(self, backup_id: str) -> Backup:
        if is_backup_id(backup_id) and self._catalog.path(backup_id, ".json").exists():
            return self._catalog.backup(backup_id)
        found = self.contents().find(backup_id)
        if not isinstance(found, Backup):
            raise InputRejected(f"{backup_id} is no backup: it is {found.state}", "See: backup list")
        return found

    def begin(self, reason: str) -> Running:
        return self._able().begin(reason)

    def begin_drill(self, backup: Backup) -> Running:
        if backup.kind == KIND:
            return self._able().begin_drill(backup)
        return self._dumps.begin_drill(backup)

    def check(self) -> dict[str, Any]:
        self._able()
        parts = self._parts
        listing = parts.repository.listing(fresh=True)
        found = look_closely(parts.program, listing, parts.clients, parts.archiving)
        return findings.told(found)

    def retention(self) -> dict[str, Any]:
        """As for the files; what of the repository goes is decided by pgBackRest's own settings."""
        told = self._dumps.retention()
        return told | {"pgbackrest": self._parts.program.stanza.retention if self._runs else {}}

    def rotate(self) -> dict[str, Any]:
        return self._dumps.rotate()

    def plan_restore(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        self._see_restorable(backup)
        return self._dumps.plan_restore(backup, wish)

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        self._see_restorable(backup)
        return self._dumps.restore(backup, wish, on_share)

    def verify_others(self) -> list[Verdict]:
        return self._runs.verify() if self._runs else []

    def watch(self) -> None:
        if self._runs:
            self._parts.archiving.watch()
            self._runs.recheck_due()

    def trouble(self) -> str:
        if self._runs is None:
            return ""
        if trouble := self._parts.repository.trouble:
            return f"pgBackRest's catalogue cannot be read: {trouble.fact}"
        archiving = self._parts.archiving
        standing = archiving.standing()
        return standing.fact if archiving.is_late(standing) else ""

    def told(self) -> dict[str, Any]:
        if self._runs is None:
            return {"name": KIND}
        trouble, stanza = self._parts.repository.trouble, self._parts.program.stanza
        return {
            "name": KIND,
            "stanza": stanza.name,
            "trouble": trouble.fact if trouble else "",
            "retention": stanza.retention,
            "archiving": self._parts.archiving.told(),
        }

    def go_on(self) -> None:
        self._dumps.go_on()

    def stop(self) -> None:
        if self._runs:
            self._runs.end()
        self._dumps.stop()

    def _able(self) -> StanzaRuns:
        if self._runs is None:
            assert self.absence is not None
            raise Unavailable(self.absence.fact, self.absence.hint)
        return self._runs

    def _see_restorable(self, backup: Backup) -> None:
        if backup.kind == KIND:
            raise InputRejected(
                f"{backup.id} is a copy of a whole server, which is restored by pgBackRest itself",
                f"pgbackrest --stanza={self._parts.program.stanza.name} --set={backup.id} "
                "--pg1-path=EMPTY_FOLDER --archive-mode=off restore (docs/backup.md).",
            )
