"""The engine that drives pgBackRest: a whole server, in a repository of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ...core.clock import Clock, rfc3339
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
from . import expiry
from .archiving import Archiving
from .config import read_stanza
from .parts import Parts
from .points import choose
from .preflight import look_closely
from .program import PgBackRest
from .records import Records
from .repository import KIND, Repository
from .restorer import FolderRestorer
from .runner import StanzaRuns
from .settings import PgBackRestSettings

_FOLDER = "pgbackrest"
_TYPES = ("full", "diff", "incr")


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
        self._restorer = FolderRestorer(parts, settings.timeout_seconds, clock, self._runs.go_on)

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

    def begin(self, reason: str, type_: str = "") -> Running:
        if type_ not in {"", *_TYPES}:
            raise InputRejected(f"there is no type {type_!r}", f"Say one of: {', '.join(_TYPES)}.")
        return self._able().begin(reason, type_)

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
        return self._with_own(
            self._dumps.retention(), self._runs.expire(dry_run=True) if self._runs else None
        )

    def rotate(self) -> dict[str, Any]:
        told = self._dumps.rotate()
        return self._with_own(told, self._runs.expire(dry_run=False) if self._runs else None)

    def backup_before(self, at: datetime) -> Backup:
        self._able()
        return choose(self.contents().own, at)

    def plan_restore(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        if backup.kind != KIND:
            return self._dumps.plan_restore(backup, wish)
        return self._restorer.plan(backup, wish, self.contents())

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        if backup.kind != KIND:
            return self._dumps.restore(backup, wish, on_share)
        return self._restorer.restore(backup, wish, on_share)

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
            "data_folder": str(stanza.data_folder or ""),
            "points_in_time": self._points(),
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

    def _points(self) -> dict[str, str | None]:
        """Between which times the server can be brought back to any."""
        good = [one.finished_at for one in self.contents().own if one.state.is_good]
        reach = self._restorer.reach(fresh=False) if good else None
        return {"from": rfc3339(min(good)) if good else None, "to": rfc3339(reach) if reach else None}

    def _with_own(self, told: dict[str, Any], going: list[Backup] | None) -> dict[str, Any]:
        if going is None:
            return told | {"pgbackrest": {}}
        rules, labels = self._parts.program.stanza.retention, frozenset(one.id for one in going)
        kept = [one for one in self.contents().own if one.kind == KIND and one.id not in labels]
        return told | {
            "going": told["going"] + len(going),
            "going_bytes": told["going_bytes"] + sum(one.size_bytes for one in going),
            "backups": [*expiry.told([*kept, *going], labels, rules), *told["backups"]],
            "pgbackrest": rules,
        }

    def _able(self) -> StanzaRuns:
        if self._runs is None:
            assert self.absence is not None
            raise Unavailable(self.absence.fact, self.absence.hint)
        return self._runs
