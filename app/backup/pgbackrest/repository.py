"""The catalogue of a stanza: what pgBackRest lists, with what is known of each backup beyond that."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from ...core.errors import AtalaiaError
from ..contents import Contents
from ..model import Backup, Failure, Source, State
from .listing import Entry, Listing, parse
from .program import PgBackRest
from .records import Known, Records

KIND = "pgbackrest"
_FRESH_SECONDS = 30.0
_BY_OTHERS = "not by Atalaia"


def subject_of(stanza: str) -> str:
    """The name of a stanza among databases and files."""
    return f"{KIND}:{stanza}"


class Repository:
    """Asks pgBackRest at most twice a minute; `trouble` is why it did not answer when it was asked last."""

    def __init__(self, program: PgBackRest, records: Records) -> None:
        self.records = records
        self._program = program
        self._lock = threading.Lock()
        self._listing = Listing(0, "not read yet")
        self._read_at = -_FRESH_SECONDS
        self._seen = 0
        self.trouble: AtalaiaError | None = None

    def listing(self, *, fresh: bool = False) -> Listing:
        """What pgBackRest lists; when it does not answer, what it listed last. Never raises."""
        with self._lock:
            changed = self.records.changed_at()
            if fresh or changed != self._seen or time.monotonic() - self._read_at >= _FRESH_SECONDS:
                self._listing = self._asked()
                self._read_at, self._seen = time.monotonic(), self.records.changed_at()
            return self._listing

    def add_to(self, files: Contents) -> Contents:
        """The contents of the folder with the backups of the repository."""
        stanza = self._program.stanza.name
        known = self.records.read()
        listing = self.listing()
        backups = list(files.backups)
        for entry in listing.backups:
            found = known.get(entry.label)
            sequence = found.sequence if found and found.sequence else _sequence(entry, files)
            backups.append(backup(entry, found, listing, subject_of(stanza), sequence))
        backups.sort(key=lambda one: (one.sequence, one.started_at), reverse=True)
        return Contents(
            backups, files.unreadable, files.failures, files.running, files.unrecorded, subject_of(stanza)
        )

    def _asked(self) -> Listing:
        stanza = self._program.stanza.name
        try:
            text = self._program.ask("info", "--output=json")
            listing = parse(text, stanza)
            self.records.keep_listing(text)
            self.trouble = None
        except (AtalaiaError, OSError) as error:
            self.trouble = error if isinstance(error, AtalaiaError) else AtalaiaError(str(error))
            last = self.records.last_listing()
            return parse(last, stanza) if last and not self._listing.backups else self._listing
        else:
            return listing


def backup(entry: Entry, known: Known | None, listing: Listing, subject: str, sequence: int) -> Backup:
    """One backup as status, alerts and the command line tell of all."""
    known = known or Known(entry.label, State.DUMPED, reason=_BY_OTHERS)
    state, damage = known.state, known.damage
    if entry.physical.has_page_errors:
        state, damage = State.DAMAGED, "pgBackRest found pages whose checksum is wrong"
    return Backup(
        id=entry.label,
        sequence=sequence,
        state=state,
        reason=known.reason,
        started_at=entry.started_at,
        finished_at=entry.stopped_at,
        duration_seconds=(entry.stopped_at - entry.started_at).total_seconds(),
        file="",
        size_bytes=entry.size_bytes,
        sha256="",
        raw_bytes=entry.physical.database_bytes,
        raw_xxh3_128="",
        tables=0,
        client_version=known.client_version,
        source=Source(subject, listing.server_version, "", "", "", entry.physical.database_bytes, ()),
        damage=damage,
        kind=KIND,
        rechecked_at=known.rechecked_at,
        concerns=known.concerns,
        truth=known.moment.truth if known.moment else None,
        without_truth="" if known.moment else known.without_moment,
        drill=known.drill,
        shrunken=known.shrunken,
        physical=replace(entry.physical, run=known.run),
    )


def _sequence(entry: Entry, files: Contents) -> int:
    """Of a backup that another made: as of the last thing that was put down before it."""
    runs: list[Backup | Failure] = [*files.backups, *files.failures]
    return max((run.sequence for run in runs if run.started_at < entry.started_at), default=0)
