"""Runs one at a time, each in a thread of its own, and puts down how each of them ended."""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import replace
from datetime import datetime

from ..core.clock import Clock
from ..core.errors import AtalaiaError, Conflict, Unavailable
from ..core.guard import guard
from ..core.signal import Emit
from .catalog import Catalog
from .client import Clients
from .model import Running, backup_id, failed
from .notices import backup_failed, backup_succeeded
from .run import Run
from .settings import BackupSettings
from .turn import Turn

_STOP_SECONDS = 10.0


class Runner:
    """Makes backups; Conflict keeps a second one away, whichever process begins it."""

    def __init__(
        self, clients: Clients, catalog: Catalog, settings: BackupSettings, clock: Clock, emit: Emit
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._thread: threading.Thread | None = None
        self.unrecorded: list[datetime] = []
        """When runs failed, since the last good one, of which no record could be written."""

    def begin(self, reason: str) -> Running:
        """Begin a run; Conflict while one runs, Unavailable when the folder cannot be written."""
        if self._clients.ended:
            raise Conflict("the server is being stopped", "Ask again when it is up.")
        now = self._clock.now()
        name = backup_id(self._clients.connection.database, now, secrets.token_hex(2))
        running = Running(name, self._catalog.read().next_sequence, reason, now, os.getpid())
        try:
            turn = self._catalog.turn()
            try:
                return self._begun(running, turn)
            except BaseException:
                turn.release()
                raise
        except OSError as error:
            why = self._disk(error)
            self._fail(running, why)
            raise why from error

    def recover(self) -> None:
        """Clean up after a process that was killed in the middle of a run, and say so."""
        with guard("backup.recover"):
            killed = self._catalog.recover(self._clock.now())
            if killed is not None:
                self._emit(backup_failed(killed))

    def join(self) -> None:
        """Wait for the end of a run whose client was ended."""
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _begun(self, running: Running, turn: Turn) -> Running:
        killed = self._catalog.clean_up(self._clock.now())
        if killed is not None:
            self._emit(backup_failed(killed))
        # Because another process may have ended a run since, the number is taken again under the turn.
        running = replace(running, sequence=self._catalog.read().next_sequence)
        self._catalog.tell(running)
        self._thread = threading.Thread(
            target=self._work, args=(running, turn), name="atalaia-backup", daemon=True
        )
        self._thread.start()
        return running

    def _work(self, running: Running, turn: Turn) -> None:
        try:
            with self._clients.open() as client:
                run = Run(running, self._catalog, client, self._settings, self._clock)
                why: AtalaiaError | None = Unavailable(
                    "an error of Atalaia itself ended it",
                    "See the component `internal` in the system status.",
                )
                with guard("backup.run"):
                    why = self._outcome(run)
                if why is not None:
                    self._fail(run.running, why)
        finally:
            with guard("backup.run"):
                self._catalog.over()
            turn.release()

    def _outcome(self, run: Run) -> AtalaiaError | None:
        """What the run failed by, None when there is a new good backup."""
        try:
            backup = run.make()
        except AtalaiaError as error:
            return error
        except OSError as error:
            return self._disk(error)
        self.unrecorded.clear()
        for signal in backup_succeeded(backup):
            self._emit(signal)
        with guard("backup.rotate"):
            run.rotate()
        return None

    def _fail(self, running: Running, why: AtalaiaError) -> None:
        failure = failed(running, why, self._clock.now(), total=self._catalog.read().failures_total + 1)
        try:
            self._catalog.record(failure)
        except OSError:
            self.unrecorded.append(failure.failed_at)
        if not failure.stopped:
            self._emit(backup_failed(failure))

    def _disk(self, error: OSError) -> Unavailable:
        folder = self._catalog.folder
        return Unavailable(
            f"{error.filename or folder} cannot be used: {error.strerror}",
            f"Make room for {folder} and see to it that the server's user may write there.",
        )
