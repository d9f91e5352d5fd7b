"""Makes backups by pgBackRest, has it verify them, and puts down how each run ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ...core.errors import AtalaiaError, InputRejected, Unavailable
from ...core.guard import guard
from ..catalog import Catalog
from ..model import Backup, CalledOff, Damaged, Running, State, Stopped, Verdict
from ..notices import backup_damaged, backup_sound
from ..preflight import concerns, refuse
from ..runs import Runs
from ..turn import Turn
from . import notices
from .listing import Listing
from .parts import Parts
from .program import share_of
from .records import Known
from .repository import subject_of
from .verification import Verification, parse_verification

_LABEL = "INFO: new backup label = "
_TELL_SECONDS = 1.0
_COPIED_PERCENT = 90
_SLACK = timedelta(hours=12)  # because two backups of two days may begin a little less than 24 hours apart


class StanzaRuns(Runs):
    """Runs on one stanza."""

    def __init__(self, parts: Parts, *rest: Any) -> None:
        super().__init__(*rest)
        self._parts = parts
        self._ended = threading.Event()

    @property
    def subject(self) -> str:
        return subject_of(self._parts.program.stanza.name)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def end(self) -> None:
        """End what runs."""
        self._ended.set()
        self.join()

    def go_on(self) -> None:
        """Stopped when the server stops."""
        if self.ended:
            raise Stopped("it was ended because the server stops")

    def verify(self) -> list[Verdict]:
        """Have the whole repository read, put down and say what was found."""
        turn = self._catalog.turn()
        try:
            return self._judged(self._verified(self.go_on), self._parts.repository.listing(fresh=True))
        finally:
            turn.release()

    def _drill(self, running: Running, turn: Turn, backup: Backup) -> None:  # noqa: ARG002
        turn.release()
        raise InputRejected(f"{backup.id} cannot be drilled: it is of kind {backup.kind}")

    def _work(self, running: Running, turn: Turn) -> None:
        why: AtalaiaError | None = Unavailable(
            "an error of Atalaia itself ended it", "See the component `internal` in the system status."
        )
        try:
            with guard("backup.run"):
                why = self._outcome(running)
            if why is not None:
                self._fail(running, why)
        finally:
            with guard("backup.run"):
                self._catalog.over()
            turn.release()

    def _outcome(self, running: Running) -> AtalaiaError | None:
        """What the run failed by, None when there is a new good backup."""
        try:
            self._make(running)
        except AtalaiaError as error:
            return error
        except OSError as error:
            return self._disk(error)
        self.unrecorded.clear()
        return None

    def _make(self, running: Running) -> None:
        """1. Look. 2. Have the backup made. 3. Have all of the repository read. 4. Put it down."""
        parts, following = self._parts, _Following(self.go_on, self._catalog, running)
        found = parts.look()
        refuse(found)
        following.tell("copying", 0)
        label = self._backed_up(running, following)
        following.tell("checking", _COPIED_PERCENT)
        verification = self._verified(following.go_on)
        known = Known(
            label,
            State.DUMPED,
            running.sequence,
            running.id,
            running.reason,
            concerns=concerns(found),
            client_version=f"pgBackRest {parts.program.version()}",
        )
        parts.records.write(known)
        listing = parts.repository.listing(fresh=True)
        if parts.repository.trouble is None:
            parts.records.forget_others(one.label for one in listing.backups)
        mine = [one for one in self._judged(verification, listing) if one.id == label]
        if not mine or not mine[0].ok:
            raise Damaged(
                f"{label} was made, and is not sound: {mine[0].fact if mine else 'it is not listed'}"
            )
        made = parts.repository.add_to(self._catalog.read()).find(label)
        assert isinstance(made, Backup)
        for signal in notices.made(made):
            self._emit(signal)

    def _backed_up(self, running: Running, following: _Following) -> str:
        lines = self._parts.program.run(
            "backup",
            f"--type={self._type(running.reason)}",
            seconds=self._settings.timeout_seconds,
            go_on=following.go_on,
            on_line=following.on_line,
        )
        labels = [line.partition(_LABEL)[2] for line in lines if _LABEL in line]
        if not labels:
            raise Unavailable("pgbackrest backup told no label", "See its log.")
        return labels[-1].strip()

    def _type(self, reason: str) -> str:
        """A full one when the last is too old; else as the settings say for whoever asked."""
        asked, now = self._parts.settings, self._clock.now()
        full = [one for one in self._parts.repository.listing().backups if one.physical.type == "full"]
        if not full or now - full[-1].started_at >= timedelta(days=asked.full_days) - _SLACK:
            return "full"
        return asked.daily if reason in {"first", "scheduled", "catch-up", "retry"} else asked.manual

    def _verified(self, go_on: Callable[[], None]) -> Verification:
        words = self._parts.program.run(
            "verify",
            "--output=text",
            "--verbose",
            seconds=self._settings.timeout_seconds,
            go_on=go_on,
        )
        return parse_verification("\n".join(words))

    def _judged(self, found: Verification, listing: Listing) -> list[Verdict]:
        """Put down and say what was found of each backup and archive."""
        known, now, verdicts = self._parts.records.read(), self._clock.now(), []
        for label, told in found.backups.items():
            entry = listing.entry(label)
            if entry is None:
                continue
            ends = (entry.physical.wal_start, entry.physical.wal_stop)
            broken = [name for name in found.bad_segments if ends[0] <= name <= ends[1]]
            bad = told or (f"its log is damaged: {', '.join(sorted(broken))}" if broken else "")
            before = known.get(label) or Known(label, State.DUMPED, reason="not by Atalaia")
            state = State.DAMAGED if bad else State.CHECKED
            self._parts.records.write(replace(before, state=state, damage=bad, rechecked_at=now))
            verdicts.append(Verdict(label, ok=not bad, fact=bad, damaged=bool(bad)))
        for archive, bad in found.archives.items():
            verdicts.append(Verdict(f"archive {archive}", ok=not bad, fact=bad, damaged=bool(bad)))
        contents = self._parts.repository.add_to(self._catalog.read())
        for one in verdicts:
            self._emit(backup_sound(one) if one.ok else backup_damaged(one, contents.best_but(one.id)))
        return verdicts


class _Following:
    """Tells how far a run is, and ends it when it has to end."""

    def __init__(self, go_on: Callable[[], None], catalog: Catalog, running: Running) -> None:
        self._go_on = go_on
        self._catalog = catalog
        self._running = running
        self._told_at = 0.0

    def tell(self, phase: str, percent: int) -> None:
        self._running = replace(self._running, phase=phase, percent=percent)
        self._catalog.tell(self._running)

    def on_line(self, line: str) -> None:
        share = share_of(line)
        if share is not None and time.monotonic() - self._told_at >= _TELL_SECONDS:
            self._told_at = time.monotonic()
            self.tell(self._running.phase, int(share * _COPIED_PERCENT))

    def go_on(self) -> None:
        self._go_on()
        if self._catalog.is_cancelled(self._running.id):
            raise CalledOff("it was cancelled", "The next one that is due waits for an hour.")
