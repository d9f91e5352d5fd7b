"""One run, from the database to a backup in the catalogue that is proven."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..core.clock import Clock
from ..core.errors import AtalaiaError
from .catalog import PART, ROLES, Catalog
from .client import Client
from .companions import RolesFile
from .drill import Limits, drill
from .dump import dump, look_at
from .early import EarlyDrill
from .following import Decoding
from .ground import look
from .model import Backup, Concern, Fingerprint, Running, Source, State, drilled
from .outcome import Drill
from .plan import Reason
from .preflight import concerns, refuse
from .roles import save_roles
from .rotation import Rotation
from .session import snapshot
from .settings import BackupSettings
from .shrinkage import shrunken
from .tools import Tools
from .truth import Truth
from .verify import compare, reread, tables_in

_TELL_SECONDS = 1.0
_DUMPED_PERCENT, _DRILLED_PERCENT = 90, 99
_BEFORE_DRILL = 0.4  # of the time of a run that ends with a drill
_DAILY = timedelta(hours=20)  # because two backups of two days may begin a little less than 24 hours apart


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
        self._first_percent = 0
        self._following = ExitStack()
        self._early: EarlyDrill | None = None
        self._part = 1.0 if settings.drill == "off" else _BEFORE_DRILL

    def make(self) -> Backup:
        """Raises AtalaiaError or OSError, and has published nothing then.

        1. Look at the database, choose its pg_dump, see what would keep the backup from being whole.
        2. Dump into a part file, and find out meanwhile, in the same snapshot, what is in the database.
        3. Decode that while it is written, and begin to drill it; read it back from the disk; have pg_restore
           read its table of contents.
        4. Publish: the data under their name, the manifest last.
        """
        source = look_at(self._client)
        tools = self._client.tools(at_least=source.server_major)
        before = self._catalog.read().about(source.database)
        last, kept = before.last_good, self._looked(before.last_good)
        self._tell(phase="dumping", of_about_bytes=last.raw_bytes if last else source.size_bytes)
        part = self._catalog.path(self.running.id, PART)
        decoding = self._followed(source, tools, part, last)
        fingerprint, truth, without = self._dumped(source, tools, part)
        self._tell(
            phase="checking", raw_bytes=fingerprint.raw_bytes, percent=int(_DUMPED_PERCENT * self._part)
        )
        if self._early:
            self._early.growth.is_whole()
        compare(decoding.fingerprint(), fingerprint)
        reread(part, fingerprint)
        roles = save_roles(self._client, tools, source.database, self._catalog.path(self.running.id, ROLES))
        backup = self._checked(source, tools, fingerprint, tables=len(tables_in(part, tools)), roles=roles)
        backup = replace(backup, truth=truth, without_truth=without, concerns=kept)
        good = [one for one in before.own if one.state.is_good]
        backup = replace(backup, shrunken=shrunken(backup, good, self._settings.shrink_percent))
        self._catalog.publish(backup)
        return backup

    def is_to_be_drilled(self) -> bool:
        """Whether BACKUP_DRILL wants a new backup to be drilled now; never while a restore waits for it."""
        if self.running.reason == Reason.BEFORE_RESTORE:
            return False
        if self._settings.drill != "daily":
            return self._settings.drill == "always"
        own = self._catalog.read().about(self.running.database).own
        drills = [backup.drill.at for backup in own if backup.drill]
        return not drills or self._clock.now() - max(drills) >= _DAILY

    def prove(self, backup: Backup) -> Drill:
        """Drill a backup and put down what came of it; Stopped when it was ended, and nothing is put down."""
        limits = self._limits()
        self._first_percent = self.running.percent
        self._tell(phase="drilling")
        path = self._catalog.path(backup.id)
        now = self._clock.now()
        made = self._early.finish(backup, now, self._on_drilled) if self._early else None
        if made is None:
            made = drill(backup, path, limits, now, self._client.go_on, self._on_drilled)
        self._catalog.rewrite(drilled(self._catalog.backup(backup.id), made))
        return made

    def rotate(self) -> list[Backup]:
        """Delete what is too old, after a run that succeeded; returns what was deleted."""
        return Rotation(self._catalog, self._settings, self._clock).rotate()

    def close(self) -> None:
        """End what still follows the dump."""
        self._following.close()

    def _followed(self, source: Source, tools: Tools, part: Path, last: Backup | None) -> Decoding:
        """Begin to decode the part while it is written, and to drill it."""
        decoding = Decoding(part, self._client.go_on)
        self._following.callback(decoding.close)
        if self._settings.drill_while_dumping and self.is_to_be_drilled():
            begun = self._checked(source, tools, Fingerprint(0, "", 0, ""), tables=0, roles=RolesFile())
            limits = self._limits(others_bytes=last.size_bytes if last else source.size_bytes)
            self._early = EarlyDrill(begun, part, self._catalog.path(begun.id), limits, self._client.go_on)
            self._following.callback(self._early.close)
        return decoding

    def _limits(self, others_bytes: int = 0) -> Limits:
        return Limits(
            self._settings.drill_folder(self._catalog.folder),
            self._settings.drill_timeout_seconds,
            second_dump=self._settings.truth != "off",
            others_bytes=others_bytes,
        )

    def _dumped(self, source: Source, tools: Tools, part: Path) -> tuple[Fingerprint, Truth | None, str]:
        """The dump, the truth about it, and why there is none though it was asked for."""
        if self._settings.truth != "snapshot":
            return self._dump(tools, part, ""), None, ""
        with snapshot(
            self._client,
            server_major=source.server_major,
            lock_wait_seconds=self._settings.lock_wait_seconds,
        ) as held:
            fingerprint = self._dump(tools, part, held.name)
            try:
                return fingerprint, held.truth(), ""
            except (AtalaiaError, OSError) as error:
                self._client.go_on()
                # Because a dump whose content nobody could find out is still a dump.
                return fingerprint, None, f"its content could not be found out: {error}".splitlines()[0]

    def _dump(self, tools: Tools, part: Path, of_snapshot: str) -> Fingerprint:
        return dump(
            self._client,
            tools,
            part,
            self._settings.lock_wait_seconds,
            self._on_dumped,
            codec=self._settings.codec,
            throttle=self._settings.throttle,
            snapshot=of_snapshot,
        )

    def _looked(self, last: Backup | None) -> tuple[Concern, ...]:
        """What there is to think about; Unavailable when the backup would fail or be partial."""
        folder = self._catalog.folder
        found = look(self._client, folder, self._settings.drill_folder(folder), last)
        refuse(found)
        return concerns(found)

    def _checked(
        self, source: Source, tools: Tools, fingerprint: Fingerprint, *, tables: int, roles: RolesFile
    ) -> Backup:
        return Backup(
            id=self.running.id,
            sequence=self.running.sequence,
            state=State.CHECKED,
            reason=self.running.reason,
            started_at=self.running.started_at,
            finished_at=self._clock.now(),
            duration_seconds=round(time.monotonic() - self._began, 3),
            file=f"{self.running.id}{self._settings.codec.suffix}",
            tables=tables,
            client_version=tools.version,
            source=source,
            roles_file=roles,
            **asdict(fingerprint),
        )

    def _on_dumped(self, raw_bytes: int) -> None:
        share = min(raw_bytes / max(self.running.of_about_bytes, 1), 1.0)
        self._go_on(raw_bytes=raw_bytes, percent=int(share * _DUMPED_PERCENT * self._part))

    def _on_drilled(self, share: float) -> None:
        percent = self._first_percent + share * (_DRILLED_PERCENT - self._first_percent)
        self._go_on(percent=int(percent))

    def _go_on(self, **change: int) -> None:
        """Called with every chunk: ends a run that has to end, and says once a second how far it is."""
        self._client.go_on()
        if time.monotonic() - self._told_at >= _TELL_SECONDS:
            self._tell(**change)

    def _tell(self, **change: Any) -> None:
        self._told_at = time.monotonic()
        self.running = replace(self.running, **change)
        self._catalog.tell(self.running)
