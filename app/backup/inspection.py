"""Reads backups again, when asked or a little at a time, and says which is no longer what it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from ..core.clock import Clock
from ..core.errors import NotFound
from ..core.signal import Emit
from . import notices
from .catalog import Catalog
from .contents import Contents
from .model import Verdict, is_backup_id
from .recheck import recheck
from .watch import Watch


class Inspection:
    """`contents` tells what there is instead of a damaged one; `go_on` raises when reading has to end.

    `others` reads what is not in the folder, and says itself what it finds.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        emit: Emit,
        every: timedelta,
        contents: Callable[[], Contents],
        go_on: Callable[[], None],
        others: Callable[[], list[Verdict]] = list,
    ) -> None:
        self._catalog, self._clock, self._emit = catalog, clock, emit
        self._contents, self._go_on, self._others = contents, go_on, others
        self._watch = Watch(catalog, every=every)
        self._watched_at = clock.monotonic()

    def watch(self) -> None:
        """Read a little of the old files."""
        now = self._clock.monotonic()
        seconds, self._watched_at = now - self._watched_at, now
        for verdict in self._watch.tick(self._clock.now(), seconds):
            self._say(verdict)

    def verify(self, backup_id: str | None = None) -> dict[str, Any]:
        """Read one backup, or all of them, to the last bit; NotFound.

        {"ok": bool, "results": [{"id", "ok", "fact", "hint", "damaged"}, ...]}
        """
        if backup_id is not None:
            others = [] if is_backup_id(backup_id) else self._others()
            verdicts = [one for one in others if one.id == backup_id] or [self._verified(backup_id)]
        else:
            verdicts = self._others()
            for one in self._catalog.read().all:
                with suppress(NotFound):  # Because retention may have deleted it meanwhile.
                    verdicts.append(self._verified(one.id))
        return {"ok": all(verdict.ok for verdict in verdicts), "results": [asdict(one) for one in verdicts]}

    def close(self) -> None:
        """Let go of the file that is being read."""
        self._watch.close()

    def _verified(self, backup_id: str) -> Verdict:
        verdict = recheck(self._catalog, backup_id, self._clock.now(), lambda _share: self._go_on())
        self._say(verdict)
        return verdict

    def _say(self, verdict: Verdict) -> None:
        if verdict.damaged:
            self._emit(notices.backup_damaged(verdict, self._contents().best_but(verdict.id)))
        elif verdict.ok:
            self._emit(notices.backup_sound(verdict))
