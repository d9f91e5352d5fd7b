"""Old files are read again, a little at a time, so that each is read to its end once in a while.

The SHA-256 of a file finds every flipped bit and every missing byte, at a fiftieth of what a dump
costs. How far a file is read is kept in memory: after a restart that one is begun anew.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

from ..core.errors import AtalaiaError
from .archive import forget, opened
from .catalog import ROLES, Catalog
from .contents import Contents
from .model import Backup, Damaged, Verdict
from .recheck import put_down_damage, put_down_sound
from .roles import saved_roles

_SLICE_BYTES = 1 << 20
_AT_LEAST_BYTES_PER_SECOND = 4 << 20
_LONGEST_TICK_SECONDS = 60.0
_HASTE = 2  # because the machine may be off for half of the time


class Reading:
    """One file on its way to the end."""

    def __init__(self, backup: Backup, file: io.FileIO) -> None:
        self.backup = backup
        self._file = file
        self._outside = hashlib.sha256()
        forget(file)  # Because the disk is to be proven, not its cache.

    def read(self, most_bytes: int) -> int:
        """Read on; returns how many bytes there were, 0 at the end. Damaged where the disk fails."""
        try:
            packed = self._file.read(min(most_bytes, _SLICE_BYTES))
        except OSError as error:
            raise Damaged(f"its file cannot be read: {error.strerror}") from error
        self._outside.update(packed)
        forget(self._file)
        return len(packed)

    def compare(self) -> None:
        """Damaged when the file is not what was written; asked for at its end."""
        if self._outside.hexdigest() != self.backup.sha256:
            raise Damaged("its file is not what was written: sha256 differs")


class Watch:
    """Goes round the catalogue; each tick() tells what was found out."""

    def __init__(self, catalog: Catalog, *, every: timedelta) -> None:
        """`every`: how long after it was made or read a file is read again; 0 switches that off."""
        self._catalog = catalog
        self._every = every
        self._reading: Reading | None = None
        self._file = ExitStack()
        self._known_bad: set[str] = set()

    def tick(self, now: datetime, seconds: float) -> list[Verdict]:
        """What can be seen at once, and what was read to its end; `seconds` since the last tick.

        Nothing is read while a backup is made: that has the disk for itself.
        """
        contents = self._catalog.read()
        found = list(self._seen(contents))
        if self._every and contents.running is None:
            found += self._read(contents, now, self._budget(contents, seconds))
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._reading = None

    def _seen(self, contents: Contents) -> Iterator[Verdict]:
        """What is gone, cut off or has no sound manifest, and what is there again; each once."""
        bad = {one.id: one.damage for one in contents.damaged}
        for backup_id in bad.keys() - self._known_bad:
            yield Verdict(backup_id, ok=False, fact=bad[backup_id], damaged=True)
        good = {one.id for one in contents.backups}
        yield from (Verdict(one, ok=True) for one in (self._known_bad - bad.keys()) & good)
        self._known_bad = set(bad)

    def _budget(self, contents: Contents, seconds: float) -> int:
        needed = _HASTE * contents.total_bytes / self._every.total_seconds()
        return int(max(needed, _AT_LEAST_BYTES_PER_SECOND) * min(seconds, _LONGEST_TICK_SECONDS))

    def _read(self, contents: Contents, now: datetime, budget: int) -> Iterator[Verdict]:
        waiting = [one for one in contents.backups if self._is_due(one, now)]
        waiting.sort(key=_read_at)
        while budget > 0 and (self._reading or waiting):
            reading = self._reading
            backup = reading.backup if reading else waiting.pop(0)
            try:
                self._reading = reading or Reading(
                    backup, self._file.enter_context(opened(self._catalog.folder / backup.file))
                )
                size = self._reading.read(budget)
                budget -= size
                if size:
                    continue
                yield self._ended(self._reading, now)
            except AtalaiaError as error:
                yield self._failed(backup, error, now)
            self.close()
            waiting = [one for one in waiting if one.id != backup.id]

    def _ended(self, reading: Reading, now: datetime) -> Verdict:
        backup = reading.backup
        reading.compare()
        if backup.roles_file.file:
            saved_roles(backup, self._catalog.path(backup.id, ROLES))
        put_down_sound(self._catalog, backup.id, now)
        self._known_bad.discard(backup.id)
        return Verdict(backup.id, ok=True)

    def _failed(self, backup: Backup, error: AtalaiaError, now: datetime) -> Verdict:
        damaged = isinstance(error, Damaged)
        if damaged:
            self._known_bad.add(backup.id)
            put_down_damage(self._catalog, backup.id, error.fact, now)
        return Verdict(backup.id, ok=False, fact=error.fact, hint=error.hint, damaged=damaged)

    def _is_due(self, backup: Backup, now: datetime) -> bool:
        # Because a time that lies in the future was stamped by a wrong clock.
        return not timedelta() <= now - _read_at(backup) < self._every


def _read_at(backup: Backup) -> datetime:
    return backup.rechecked_at or backup.finished_at
