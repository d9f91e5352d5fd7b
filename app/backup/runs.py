"""Runs one at a time, each in a thread of its own; whoever is killed in the middle is cleaned up after."""

from __future__ import annotations

import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from ..core.clock import Clock
from ..core.errors import AtalaiaError, Conflict, Unavailable
from ..core.guard import guard
from ..core.postgres_scratch import sweep
from ..core.signal import Emit
from .catalog import Catalog
from .contents import Contents
from .model import Backup, Running, backup_id
from .notices import backup_failed
from .program import sweep_pass_files
from .records import failed
from .settings import BackupSettings
from .turn import Turn

_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.5


class Runs(ABC):
    """Conflict keeps a second run away, whichever process begins it."""

    def __init__(self, catalog: Catalog, settings: BackupSettings, clock: Clock, emit: Emit) -> None:
        self._catalog = catalog
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._thread: threading.Thread | None = None
        self._swept = False
        self.unrecorded: list[datetime] = []
        """When runs failed, since the last good one, of which no record could be written."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is backed up, by name."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether the server stops."""

    @abstractmethod
    def _work(self, running: Running, turn: Turn, type_: str) -> None:
        """Make a backup, in a thread; lets go of the turn. `type_` is what was asked for, if anything."""

    @abstractmethod
    def _drill(self, running: Running, turn: Turn, backup: Backup) -> None:
        """Drill one, in a thread; lets go of the turn."""

    def begin(self, reason: str, type_: str = "") -> Running:
        """Begin a run; Conflict while one runs, Unavailable when the folder cannot be written."""
        if self.ended:
            raise Conflict("the server is being stopped", "Ask again when it is up.")
        now = self._clock.now()
        database = self.subject
        name = backup_id(database, now, secrets.token_hex(2))
        sequence = self._contents().next_sequence
        running = Running(name, sequence, reason, now, os.getpid(), database=database)
        try:
            turn = self._catalog.turn()
            try:
                return self._begun(running, turn, type_)
            except BaseException:
                turn.release()
                raise
        except OSError as error:
            why = self._disk(error)
            self._fail(running, why)
            raise why from error

    def begin_drill(self, backup: Backup) -> Running:
        """Begin to drill one backup; Conflict while anything runs, Unavailable as begin()."""
        running = Running(
            backup.id,
            backup.sequence,
            "drill",
            self._clock.now(),
            os.getpid(),
            phase="drilling",
            database=backup.source.database,
        )
        return self._begin_aside(running, self._drill, backup)

    def recover(self) -> None:
        """Clean up after a process that was killed in the middle of a run, and say so."""
        with guard("backup.recover"):
            told = self._catalog.tells_of_a_run
            killed = self._catalog.recover(self._clock.now())
            if not self._swept or (told and not self._catalog.tells_of_a_run):
                self._sweep()
            if killed is not None:
                self._emit(backup_failed(killed))

    def wait(self) -> None:
        """Wait for the end of a run, however long it takes."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)  # Because a wait without end would not hear Ctrl-C.

    def join(self) -> None:
        """Wait for the end of a run whose client was ended."""
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _begin_aside(self, running: Running, work: Callable[..., None], *more: object) -> Running:
        """Begin what makes no backup."""
        if self.ended:
            raise Conflict("the server is being stopped", "Ask again when it is up.")
        try:
            turn = self._catalog.turn()
            try:
                self._clean_up()
                self._start(work, running, turn, *more)
            except BaseException:
                turn.release()
                raise
        except OSError as error:
            raise self._disk(error) from error
        return running

    def _begun(self, running: Running, turn: Turn, type_: str) -> Running:
        self._clean_up()
        # Because another process may have ended a run since, the number is taken again under the turn.
        running = replace(running, sequence=self._contents().next_sequence)
        self._start(self._work, running, turn, type_)
        return running

    def _contents(self) -> Contents:
        """Everything that runs have made and failed to make."""
        return self._catalog.read()

    def _sweep(self) -> None:
        """Remove what killed processes have left outside of the folder."""
        self._swept = True
        sweep_pass_files()
        with suppress(Unavailable):  # Because without an account to run it there is no scratch server.
            sweep(self._settings.drill_folder(self._catalog.folder))

    def _clean_up(self) -> None:
        if self._catalog.tells_of_a_run:
            self._sweep()
        killed = self._catalog.clean_up(self._clock.now())
        if killed is not None:
            self._emit(backup_failed(killed))

    def _start(self, work: Callable[..., None], running: Running, *more: object) -> None:
        # Because a folder that was removed took its lock along, and who had it may not be done yet.
        self.join()
        self._catalog.tell(running)
        self._thread = threading.Thread(
            target=work, args=(running, *more), name="atalaia-backup", daemon=True
        )
        self._thread.start()

    def _fail(self, running: Running, why: AtalaiaError) -> None:
        failure = failed(running, why, self._clock.now(), total=self._catalog.read().failures_total + 1)
        try:
            self._catalog.record(failure)
        except OSError:
            self.unrecorded.append(failure.failed_at)
        if failure.is_trouble:
            self._emit(backup_failed(failure))

    def _disk(self, error: OSError) -> Unavailable:
        folder = self._catalog.folder
        return Unavailable(
            f"{error.filename or folder} cannot be used: {error.strerror}",
            f"Make room for {folder} and see to it that the server's user may write there.",
        )
