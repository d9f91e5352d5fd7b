"""What is kept: shown before it is done, and done on an operator's word as after each good run."""

from __future__ import annotations

from typing import Any

from ..core.clock import Clock
from ..core.errors import Conflict
from .catalog import Catalog
from .model import Backup
from .retention import expired, judged, told
from .settings import BackupSettings


class Rotation:
    """Judges the catalogue by the settings."""

    def __init__(self, catalog: Catalog, settings: BackupSettings, clock: Clock) -> None:
        self._catalog = catalog
        self._settings = settings
        self._clock = clock

    def plan(self) -> dict[str, Any]:
        """Which would go now, which stay, and why each; changes nothing."""
        policy = self._settings.retention
        judgements = judged(self._catalog.read().backups, self._clock.now(), policy)
        return told(judgements, policy, self._catalog.strays())

    def rotate(self) -> list[Backup]:
        """Delete what is too much, oldest first; returns what was deleted. The caller has the turn."""
        going = expired(self._catalog.read().backups, self._clock.now(), self._settings.retention)
        for backup in going:
            self._catalog.delete(backup)
        return going

    def apply(self) -> dict[str, Any]:
        """Delete what goes, and tell that; Conflict while a backup runs or when the last one failed."""
        turn = self._catalog.turn()
        try:
            if failures := self._catalog.read().failures_since_good:
                raise Conflict(
                    f"nothing is deleted after a run that failed: {failures[0].fact}",
                    "Make a good one first.",
                )
            plan = self.plan()
            self.rotate()
            return plan
        finally:
            turn.release()
