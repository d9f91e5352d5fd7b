"""The SQLite files that are backed up once a day: which is due, and what came of each run."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ..core.clock import Clock
from ..core.errors import AtalaiaError, NotFound, Unavailable
from ..core.guard import guard
from ..core.signal import Emit
from . import notices
from .catalog import Catalog
from .contents import Contents
from .model import Backup, CalledOff, NotDrillable, OnShare, Running, Stopped, backup_id, drilled
from .plan import Daily, Reason, due, is_overdue
from .records import failed
from .rotation import Rotation
from .settings import BackupSettings
from .sqlite import SqliteRun
from .sqlite_drill import drill_sqlite
from .turn import Turn

_STOP_SECONDS = 10.0
_TELL_SECONDS = 1.0


class Sqlites:
    """Backs up `files`, which are known by name, one after the other; one that is not there is not due."""

    def __init__(
        self,
        files: Mapping[str, Path],
        catalog: Catalog,
        settings: BackupSettings,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self.files = dict(files)
        self._catalog = catalog
        self._settings = settings
        self._daily = Daily(settings.time_of_day, settings.zone)
        self._clock = clock
        self._emit = emit
        self._began_at = clock.monotonic()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._overdue: set[str] = set()

    def run_due(self, contents: Contents) -> None:
        """Back up, in a thread, every file that is due; say which has no young backup."""
        for name in self.files:
            self._say_overdue(name, contents.about(name))
        is_busy = contents.running is not None or (self._thread is not None and self._thread.is_alive())
        waiting = [] if is_busy else list(self._due(contents))
        if waiting:
            self._thread = threading.Thread(
                target=self._work, args=(waiting,), name="atalaia-sqlite", daemon=True
            )
            self._thread.start()

    def path(self, name: str) -> Path:
        """The file of that name; NotFound."""
        if name not in self.files:
            raise NotFound(f"{name!r} is no file that is backed up", "See BACKUP_SQLITE.")
        return self.files[name]

    def name(self, path: Path) -> str:
        """What a file is called in the catalogue."""
        known = (name for name, file in self.files.items() if file.resolve() == path.resolve())
        return next(known, str(path))

    def back_up(self, path: Path, reason: str, on_share: OnShare = lambda _: None) -> Backup:
        """Back a file up now; Conflict while a run is under way, or what it failed by."""
        name, now = self.name(path), self._clock.now()
        turn = self._catalog.turn()
        try:
            self._catalog.clean_up(now)
            stem, sequence = backup_id(name, now, secrets.token_hex(2)), self._catalog.read().next_sequence
            running = Running(stem, sequence, reason, now, os.getpid(), phase="copying", database=name)
            return self._made(running, path, self._following(running, on_share))
        finally:
            self._catalog.over()
            turn.release()

    def begin_drill(self, backup: Backup) -> Running:
        """Begin to drill a backup, in a thread; Conflict while a run is under way."""
        turn = self._catalog.turn()
        try:
            now, name = self._clock.now(), backup.source.database
            self._catalog.clean_up(now)
            running = Running(
                backup.id, backup.sequence, "drill", now, os.getpid(), phase="drilling", database=name
            )
            follow = self._following(running, lambda _: None)
            self._thread = threading.Thread(
                target=self._drill, args=(backup, turn, follow), name="atalaia-sqlite", daemon=True
            )
            self._thread.start()
        except BaseException:
            turn.release()
            raise
        return running

    def stop(self) -> None:
        """Break off what is under way."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _due(self, contents: Contents) -> Iterable[tuple[str, str]]:
        now, up = self._clock.now(), timedelta(seconds=self._clock.monotonic() - self._began_at)
        for name, path in self.files.items():
            found = due(now, self._daily, contents.about(name).history, up=up)
            if found is not None and path.exists():
                yield name, found.reason

    def _work(self, waiting: Iterable[tuple[str, str]]) -> None:
        for name, reason in waiting:
            # Because each failure is recorded and alerted, and another run may have begun meanwhile.
            with guard("backup.sqlite"), suppress(AtalaiaError):
                self.back_up(self.files[name], reason)

    def _drill(self, backup: Backup, turn: Turn, follow: OnShare) -> None:
        until = time.monotonic() + self._settings.drill_timeout_seconds

        def go_on(share: float) -> None:
            if time.monotonic() > until:
                raise NotDrillable("it was not done when its time was over")
            follow(share)

        path, folder = self._catalog.path(backup.id), self._catalog.folder
        try:
            # Because whatever becomes of the drill, the backup is there already.
            with guard("backup.drill"), suppress(Stopped, CalledOff):
                made = drill_sqlite(backup, path, folder, self._clock.now(), go_on)
                self._catalog.rewrite(drilled(self._catalog.backup(backup.id), made))
                self._emit(notices.backup_drilled(backup, made))
        finally:
            with guard("backup.drill"):
                self._catalog.over()
            turn.release()

    def _made(self, running: Running, path: Path, follow: OnShare) -> Backup:
        run = SqliteRun(running, self._catalog, path, self._settings.codec, self._clock)
        try:
            backup = run.make(follow)
        except (AtalaiaError, OSError) as error:
            why = error if isinstance(error, AtalaiaError) else _disk(error)
            failure = failed(running, why, self._clock.now(), total=self._catalog.read().failures_total + 1)
            self._catalog.record(failure)
            if not failure.stopped:
                self._emit(notices.sqlite_failed(failure))
            raise why from error
        self._overdue.discard(running.database)
        for signal in notices.sqlite_succeeded(running.database):
            self._emit(signal)
        if running.reason != Reason.BEFORE_RESTORE:  # Because it might delete what is to be restored.
            with guard("backup.rotate"):
                Rotation(self._catalog, self._settings, self._clock).rotate()
        return backup

    def _following(self, running: Running, on_share: OnShare) -> Callable[[float], None]:
        """Ends a run that has to end, and says once a second how far it is."""
        self._catalog.tell(running)
        told_at = time.monotonic()

        def follow(share: float) -> None:
            nonlocal told_at
            if self._ended.is_set():
                raise Stopped("it was ended because the server stops")
            if time.monotonic() - told_at >= _TELL_SECONDS:
                told_at = time.monotonic()
                self._catalog.tell(replace(running, percent=int(share * 100)))
                if self._catalog.is_cancelled(running.id):
                    raise CalledOff("it was cancelled", "The next one that is due waits for an hour.")
            on_share(share)

        return follow

    def _say_overdue(self, name: str, contents: Contents) -> None:
        now, up = self._clock.now(), timedelta(seconds=self._clock.monotonic() - self._began_at)
        after = timedelta(seconds=self._settings.overdue_seconds)
        if not is_overdue(now, contents.history, after=after, up=up):
            self._overdue.discard(name)
        elif name not in self._overdue:
            self._overdue.add(name)
            self._emit(notices.sqlite_overdue(name, self._settings.overdue_seconds))


def _disk(error: OSError) -> Unavailable:
    return Unavailable(
        f"{error.filename or 'the disk'} cannot be used: {error.strerror}",
        "Make room in BACKUP_DIR and see to it that the server's user may write there.",
    )
