"""Sees to it that every good backup has its second copy: when one is due, what came of it, what is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...core.clock import Clock, rfc3339
from ...core.errors import AtalaiaError, Conflict, NotFound, Unavailable
from ...core.guard import guard
from ...core.measure import Measure, Sample
from ...core.signal import Emit
from .. import notices
from ..catalog import Catalog
from ..companions import SecondCopy
from ..contents import Contents
from ..model import Backup, Damaged, OnShare, Stopped
from .copying import Copier
from .place import open_place
from .progress import Board, Progress
from .settings import OffsiteSettings

_STOP_SECONDS = 10.0
_TELL_SECONDS = 1.0
_LOOK_SECONDS = 1.0


class Courier:
    """The second copies of one catalogue; `is_on` where there is a place for them."""

    def __init__(self, settings: OffsiteSettings, catalog: Catalog, clock: Clock, emit: Emit) -> None:
        self.is_on = bool(settings.url)
        self._settings = settings
        self._catalog = catalog
        self._clock = clock
        self._emit = emit
        self._board = Board(catalog.folder)
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._late_said = False

    def run_due(self, contents: Contents) -> None:
        """Begin the next copy if one is due, in a thread; say so when one is late. Asked by the leader."""
        if not self.is_on:
            return
        self._say_late(contents)
        # Because the drill of a backup that is still being made may tell more of it.
        now_made = contents.running.id if contents.running else ""
        waiting = [backup for backup in self.missing(contents) if backup.id != now_made]
        is_busy = self._thread is not None and self._thread.is_alive()
        if waiting and not is_busy and self._board.read().may_try(self._clock.now()):
            self._thread = threading.Thread(
                target=self._work, args=(waiting[0].id,), name="atalaia-offsite", daemon=True
            )
            self._thread.start()

    def missing(self, contents: Contents) -> list[Backup]:
        """Good backups without a copy in this place that would be kept there, newest first."""
        limit = self._clock.now() - timedelta(days=self._settings.retention_days)
        return [
            backup
            for backup in contents.backups
            if backup.state.is_good and backup.started_at >= limit and not self._is_copied(backup)
        ]

    def copy(self, backup_id: str, on_share: OnShare) -> SecondCopy:
        """Copy one now; Conflict while another is copied. What fails is put up for everybody to see."""
        backup = self._catalog.backup(backup_id)
        turn = self._board.turn()
        before = self._board.read()
        try:
            copy = self._copied(backup, self._following(before, backup_id, on_share))
            with self.copier() as copier:
                copier.rotate(self._clock.now(), self._settings.retention)
        except (Stopped, NotFound):
            self._board.tell(replace(before, copying="", percent=0))
            raise
        except AtalaiaError as error:
            self._board.tell(before.failed(error, self._clock.now()))
            raise
        finally:
            turn.release()
        self._board.tell(Progress())
        return copy

    def fetch(self, backup_id: str, identity: Path | None, on_share: OnShare) -> Backup:
        """Bring a backup back into the catalogue; NotFound, Damaged, Conflict while a run is under way."""
        with self.copier() as copier:
            backup = copier.backup(backup_id)
            self._see_that_it_is_ours(backup)
            turn = self._catalog.turn()
            try:
                copier.fetch(backup, identity, on_share)
            finally:
                turn.release()
        return backup

    def _see_that_it_is_ours(self, copy: Backup) -> None:
        """Where its manifest is still here, what comes from elsewhere must be what was made here."""
        with suppress(NotFound, Damaged):
            if self._catalog.backup(copy.id).sha256 != copy.sha256:
                raise Conflict(
                    f"the copy of {copy.id} is another one than was made here",
                    "Look at who writes to BACKUP_OFFSITE_URL.",
                )

    @contextmanager
    def copier(self) -> Iterator[Copier]:
        """The way to the place; Unavailable."""
        if not self.is_on:
            raise Unavailable("there is no place for second copies", "Set BACKUP_OFFSITE_URL.")
        with open_place(self._settings) as place:
            yield Copier(self._catalog, place, self._settings.url, self._settings.recipients)

    def copying(self) -> dict[str, Any] | None:
        """How a backup's document differs while it is copied, by whichever process; None when none is."""
        progress = self._board.read() if self.is_on else Progress()
        if not progress.copying:
            return None
        return {
            "id": progress.copying,
            "state": "running",
            "phase": "copying",
            "reason": "second copy",
            "percent": progress.percent,
        }

    def stop(self) -> None:
        """Break off what is being copied."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def status(self, contents: Contents) -> dict[str, Any] | None:
        """The document of the second copies; None without a place for them."""
        if not self.is_on:
            return None
        progress = self._board.read()
        copied = next((one for one in contents.backups if self._is_copied(one)), None)
        failed_at, next_try_at = progress.failed_at, progress.next_try_at
        return {
            "place": self._settings.url,
            "encrypted": bool(self._settings.recipients),
            "last_copied": copied.id if copied else None,
            "missing": [backup.id for backup in self.missing(contents)],
            "late": self.is_late(contents),
            "copying": progress.copying or None,
            "percent": progress.percent,
            "failed": {"at": rfc3339(failed_at), "fact": progress.fact, "hint": progress.hint}
            if failed_at
            else None,
            "next_try_at": rfc3339(next_try_at) if next_try_at else None,
            "retention_days": self._settings.retention_days,
        }

    def measures(self, contents: Contents) -> list[Measure]:
        """For OpenMetrics; nothing without a place."""
        if not self.is_on:
            return []
        waiting = [Sample(len(self.missing(contents)))]
        what = "Good backups that wait for their second copy"
        return [Measure("atalaia_backup_without_second_copy", "gauge", what, waiting)]

    def is_late(self, contents: Contents) -> bool:
        """True when a good backup has waited too long, and no newer one has a copy."""
        limit = self._clock.now() - timedelta(seconds=self._settings.overdue_seconds)
        for backup in contents.own if self.is_on else ():
            if self._is_copied(backup):
                return False
            if backup.state.is_good and backup.finished_at <= limit:
                return True
        return False

    def _work(self, backup_id: str) -> None:
        # Because each failure is put up, and whoever copies already, here or elsewhere, does the same.
        with guard("backup.offsite"), suppress(AtalaiaError):
            self.copy(backup_id, lambda _: None)

    def _copied(self, backup: Backup, follow: OnShare) -> SecondCopy:
        with self.copier() as copier:
            copy = copier.copy(backup, self._clock.now(), follow)
        self._put_down(backup.id, copy, follow)
        self._emit(notices.offsite_done())
        return copy

    def _following(self, before: Progress, backup_id: str, on_share: OnShare) -> Callable[[float], None]:
        """Ends a copy that has to end, and says once a second how far it is."""
        until = time.monotonic() + self._settings.timeout_seconds
        told_at = 0.0

        def follow(share: float) -> None:
            nonlocal told_at
            if self._ended.is_set():
                raise Stopped("it was ended because the server stops")
            if time.monotonic() > until:
                raise Unavailable(
                    "it was not done when its time was over", "Raise BACKUP_OFFSITE_TIMEOUT_SECONDS."
                )
            if time.monotonic() - told_at >= _TELL_SECONDS:
                told_at = time.monotonic()
                self._board.tell(replace(before, copying=backup_id, percent=int(share * 100)))
            on_share(share)

        return follow

    def _put_down(self, backup_id: str, copy: SecondCopy, follow: OnShare) -> None:
        """Write the copy into the manifest, as soon as no run holds the turn."""
        while True:
            follow(1.0)
            try:
                turn = self._catalog.turn()
            except Conflict:
                self._ended.wait(_LOOK_SECONDS)
                continue
            try:
                self._catalog.rewrite(replace(self._catalog.backup(backup_id), second_copy=copy))
            finally:
                turn.release()
            return

    def _is_copied(self, backup: Backup) -> bool:
        return backup.second_copy is not None and backup.second_copy.place == self._settings.url

    def _say_late(self, contents: Contents) -> None:
        late = self.is_late(contents)
        if late and not self._late_said:
            progress, hours = self._board.read(), self._settings.overdue_seconds / 3600
            self._emit(notices.offsite_failed(hours, progress.fact, progress.hint))
        self._late_said = late
