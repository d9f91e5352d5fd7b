"""The daily duty of an engine: a backup is begun when it is due, and it is said when one is late."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from ..core.clock import Clock
from ..core.errors import Conflict, Unavailable
from ..core.signal import Emit
from . import notices
from .contents import Contents
from .engine import Engine
from .plan import Daily, due, is_overdue
from .settings import BackupSettings


class Duty:
    """What the leader of the workers looks after."""

    def __init__(self, engine: Engine, settings: BackupSettings, clock: Clock, emit: Emit) -> None:
        self._engine = engine
        self._daily = Daily(settings.time_of_day, settings.zone)
        self._overdue_after = timedelta(seconds=settings.overdue_seconds)
        self._clock = clock
        self._emit = emit
        self._began_at = clock.monotonic()
        self._overdue_said = False

    def run_due(self) -> None:
        """Begin a backup if one is due, and say so when the last good one is too old."""
        if self._engine.absence is not None:
            return
        contents = self._engine.contents()
        self._say_overdue(contents)
        found = due(self._clock.now(), self._daily, contents.history, up=self._up)
        if found is not None and contents.running is None:
            # Because the one does no harm, and the other has been said already.
            with suppress(Conflict, Unavailable):
                self._engine.begin(found.reason)

    def is_overdue(self, contents: Contents) -> bool:
        """Whether the last good backup is too old."""
        return is_overdue(self._clock.now(), contents.history, after=self._overdue_after, up=self._up)

    @property
    def _up(self) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - self._began_at)

    def _say_overdue(self, contents: Contents) -> None:
        """Once; it is over with the next good backup, which says so."""
        overdue = self.is_overdue(contents)
        if overdue and not self._overdue_said:
            after = self._overdue_after.total_seconds()
            self._emit(notices.backup_overdue(self._clock.now(), contents, after))
        self._overdue_said = overdue
