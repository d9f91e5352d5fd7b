"""What pgbackrest verify has found is put down for each backup, and said."""

from __future__ import annotations

from ...core.clock import Clock
from ...core.signal import Emit
from ..catalog import Catalog
from ..model import State, Verdict
from ..notices import backup_damaged, backup_sound
from ..outcome import Drill
from .listing import Listing
from .parts import Parts
from .records import Known
from .verification import Verification


class Judge:
    """Of one stanza; who asks it holds the turn."""

    def __init__(self, parts: Parts, catalog: Catalog, clock: Clock, emit: Emit) -> None:
        self._parts = parts
        self._catalog = catalog
        self._clock = clock
        self._emit = emit

    def judge(self, found: Verification, listing: Listing) -> list[Verdict]:
        """The verdicts of backups and archives."""
        verdicts = [one for label in found.backups if (one := self._of_backup(label, found, listing))]
        for archive, bad in found.archives.items():
            verdicts.append(Verdict(f"archive {archive}", ok=not bad, fact=bad, damaged=bool(bad)))
        contents = self._parts.repository.add_to(self._catalog.read())
        for one in verdicts:
            self._emit(backup_sound(one) if one.ok else backup_damaged(one, contents.best_but(one.id)))
        return verdicts

    def known(self, label: str) -> Known:
        """What is known of it; of one that others made nothing is."""
        found = self._parts.records.read().get(label)
        return found or Known(label, State.DUMPED, reason="not by Atalaia")

    def put_down(self, label: str, made: Drill) -> None:
        """What came of a drill."""
        self._parts.records.write(self.known(label).drilled(made))

    def _of_backup(self, label: str, found: Verification, listing: Listing) -> Verdict | None:
        entry = listing.entry(label)
        if entry is None:
            return None
        first, last = entry.physical.wal_start, entry.physical.wal_stop
        broken = sorted(name for name in found.bad_segments if first <= name <= last)
        bad = found.backups[label] or (f"its log is damaged: {', '.join(broken)}" if broken else "")
        self._parts.records.write(self.known(label).judged(bad, self._clock.now()))
        return Verdict(label, ok=not bad, fact=bad, damaged=bool(bad))
