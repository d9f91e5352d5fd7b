"""Makes backups by pg_dump, drills them, and puts down how each run ended."""

from __future__ import annotations

from contextlib import closing, suppress

from ..core.clock import Clock
from ..core.errors import AtalaiaError, Unavailable
from ..core.guard import guard
from ..core.signal import Emit
from .cancelling import cancellable
from .catalog import Catalog
from .client import Client, Clients
from .model import Backup, CalledOff, Running, Stopped
from .notices import backup_drilled, backup_succeeded
from .peer import alone
from .plan import Reason
from .run import Run
from .runs import Runs
from .settings import BackupSettings
from .turn import Turn


class Runner(Runs):
    """Runs on the database that `clients` lead to."""

    def __init__(
        self, clients: Clients, catalog: Catalog, settings: BackupSettings, clock: Clock, emit: Emit
    ) -> None:
        super().__init__(catalog, settings, clock, emit)
        self._clients = clients

    @property
    def subject(self) -> str:
        return self._clients.connection.database

    @property
    def ended(self) -> bool:
        return self._clients.ended

    def _drill(self, running: Running, turn: Turn, backup: Backup) -> None:
        try:
            with self._clients.open() as client, cancellable(self._catalog, running.id, client):
                self._prove(Run(running, self._catalog, client, self._settings, self._clock), backup)
        finally:
            with guard("backup.drill"):
                self._catalog.over()
            turn.release()

    def _work(self, running: Running, turn: Turn, type_: str) -> None:  # noqa: ARG002
        try:
            with (
                self._clients.open() as client,
                cancellable(self._catalog, running.id, client),
                closing(Run(running, self._catalog, client, self._settings, self._clock)) as run,
            ):
                why: AtalaiaError | None = Unavailable(
                    "an error of Atalaia itself ended it",
                    "See the component `internal` in the system status.",
                )
                with guard("backup.run"):
                    why = self._outcome(run, client)
                if why is not None:
                    self._fail(run.running, why)
        finally:
            with guard("backup.run"):
                self._catalog.over()
            turn.release()

    def _outcome(self, run: Run, client: Client) -> AtalaiaError | None:
        """What the run failed by, None when there is a new good backup."""
        try:
            with alone(client):
                backup = run.make()
        except AtalaiaError as error:
            return error
        except OSError as error:
            return self._disk(error)
        with guard("backup.run"):  # Because from here on there is a backup, whatever happens.
            self._follow(run, backup)
        return None

    def _follow(self, run: Run, backup: Backup) -> None:
        self.unrecorded.clear()
        for signal in backup_succeeded(backup):
            self._emit(signal)
        if run.is_to_be_drilled():
            self._prove(run, backup)
        if run.running.reason != Reason.BEFORE_RESTORE:  # Because it might delete what is to be restored.
            with guard("backup.rotate"):
                run.rotate()

    def _prove(self, run: Run, backup: Backup) -> None:
        # Because whatever becomes of the drill, the backup is there already.
        with guard("backup.drill"), suppress(Stopped, CalledOff):
            self._emit(backup_drilled(backup, run.prove(backup)))
