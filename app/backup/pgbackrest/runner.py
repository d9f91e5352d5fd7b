"""Makes backups by pgBackRest, has it verify them, drills them, and puts down how each run ended."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ...core.errors import AtalaiaError, Conflict, Unavailable
from ...core.guard import guard
from ..contents import Contents
from ..model import Backup, CalledOff, Concern, Damaged, Running, State, Stopped, Verdict, backup_id
from ..notices import backup_drilled, backup_shrunken
from ..preflight import concerns, refuse
from ..runs import Runs
from ..shrinkage import shrunken
from ..turn import Turn
from . import notices
from .drill import Limits, Subject, drill
from .expiry import expiring
from .following import Following
from .judging import Judge
from .making import Maker
from .parts import Parts
from .program import GoOn
from .records import Known
from .repository import subject_of

_COPIED, _READ, _CHECKED, _DRILLED = 50, 60, 70, 99
_DAILY = timedelta(hours=20)
_AGAIN = timedelta(hours=1)


class StanzaRuns(Runs):
    """Runs on one stanza."""

    def __init__(self, parts: Parts, *rest: Any) -> None:
        super().__init__(*rest)
        self._parts = parts
        self._ended = threading.Event()
        self._maker = Maker(parts, self._settings, self._clock)
        self._judge = Judge(parts, self._catalog, self._clock, self._emit)
        self._rechecked_at = self._clock.now() - _AGAIN

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
            return self._verify(self.go_on)
        finally:
            turn.release()

    def recheck_due(self) -> None:
        """Begin to have everything read again when a backup was not for BACKUP_RECHECK_DAYS."""
        now, every = self._clock.now(), timedelta(days=self._settings.recheck_days)
        if not every or now - self._rechecked_at < _AGAIN or self._catalog.running():
            return
        known = self._parts.records.read()
        labels = [one.label for one in self._parts.repository.listing().backups]
        read_at = [known[label].rechecked_at if label in known else None for label in labels]
        if any(at is None or now - at >= every for at in read_at):
            self._rechecked_at = now
            name = backup_id(self.subject, now, secrets.token_hex(2))
            running = Running(name, 0, "recheck", now, os.getpid(), "verifying", database=self.subject)
            with suppress(Conflict, Unavailable):  # Because it is tried again.
                self._begin_aside(running, self._recheck)

    def expire(self, *, dry_run: bool) -> list[Backup]:
        """Which backups pgBackRest drops; Conflict while anything runs, or when none may go."""
        turn = self._catalog.turn()
        try:
            contents = self._contents()
            labels = expiring(self._maker.expire("--dry-run", go_on=self.go_on))
            if not dry_run:
                if failures := contents.failures_since_good:
                    fact = f"nothing is deleted after a run that failed: {failures[0].fact}"
                    raise Conflict(fact, "Make a good one first.")
                if labels and not any(one.state.is_good and one.id not in labels for one in contents.own):
                    raise Conflict("nothing good would be left", "Make a good one first.")
                self._maker.expire(go_on=self.go_on)
                self._parts.repository.listing(fresh=True)
        finally:
            turn.release()
        return [one for one in contents.own if one.id in labels]

    def _contents(self) -> Contents:
        return self._parts.repository.add_to(self._catalog.read())

    def _recheck(self, running: Running, turn: Turn) -> None:
        following = Following(self.go_on, self._catalog, running)
        self._aside(turn, lambda: self._verify(following.go_on))

    def _drill(self, running: Running, turn: Turn, backup: Backup) -> None:
        following = Following(self.go_on, self._catalog, running)
        self._aside(turn, lambda: self._prove(following, backup, 0))

    def _aside(self, turn: Turn, work: Callable[[], object]) -> None:
        try:
            with guard("backup.drill"), suppress(Stopped, CalledOff):
                work()
        finally:
            with guard("backup.drill"):
                self._catalog.over()
            turn.release()

    def _work(self, running: Running, turn: Turn, type_: str) -> None:
        why: AtalaiaError | None = Unavailable(
            "an error of Atalaia itself ended it", "See the component `internal` in the system status."
        )
        following = Following(self.go_on, self._catalog, running)
        try:
            with guard("backup.run"):
                why = self._outcome(following, type_)
            if why is not None:
                self._fail(following.running, why)
        finally:
            with guard("backup.run"):
                self._catalog.over()
            turn.release()

    def _outcome(self, following: Following, type_: str) -> AtalaiaError | None:
        """What the run failed by, None when there is a new good backup."""
        try:
            made = self._make(following, type_)
        except AtalaiaError as error:
            return error
        except OSError as error:
            return self._disk(error)
        self.unrecorded.clear()
        # Because whatever becomes of the drill, the backup is there already.
        with guard("backup.drill"), suppress(Stopped, CalledOff):
            if self._is_to_be_drilled():
                self._prove(following, made, _CHECKED)
        return None

    def _make(self, following: Following, type_: str) -> Backup:
        """1. Look. 2. Have it made. 3. Read its source. 4. Have the whole repository read. 5. Put it down."""
        parts, running = self._parts, following.running
        found = parts.look()
        refuse(found)
        following.tell("copying", 0, _COPIED)
        known = Known(
            self._maker.back_up(following, type_),
            State.DUMPED,
            running.sequence,
            reason=running.reason,
            concerns=concerns(found),
            client_version=f"pgBackRest {parts.program.version()}",
        )
        parts.records.write(known)
        following.tell("reading", _COPIED, _READ)
        moment, without = self._maker.witness(following)
        parts.records.write(replace(known, moment=moment, without_moment=without))
        following.tell("checking", _READ, _CHECKED)
        mine = [one for one in self._verify(following.go_on) if one.id == known.label]
        if not mine or not mine[0].ok:
            fact = mine[0].fact if mine else "it is not listed"
            raise Damaged(f"{known.label} was made, and is not sound: {fact}")
        return self._made(following, known.label)

    def _made(self, following: Following, label: str) -> Backup:
        """It counts from here on; only now may older ones go."""
        known = replace(self._judge.known(label), run=following.running.id)
        known = replace(known, concerns=(*known.concerns, *self._expired(following)))
        self._parts.records.write(known)
        listing = self._parts.repository.listing(fresh=True)
        if self._parts.repository.trouble is None:
            self._parts.records.forget_others(one.label for one in listing.backups)
        contents = self._contents()
        made = contents.find(label)
        assert isinstance(made, Backup)
        before = [one for one in contents.own if one.state.is_good and one.id != label]
        made = replace(made, shrunken=shrunken(made, before, self._settings.shrink_percent))
        self._parts.records.write(replace(known, shrunken=made.shrunken))
        for signal in (*notices.made(made), backup_shrunken(made)):
            self._emit(signal)
        return made

    def _expired(self, following: Following) -> tuple[Concern, ...]:
        """Let pgBackRest drop what it keeps no longer; what kept it from that is no fault of the backup."""
        try:
            self._maker.expire(go_on=following.go_on)
        except AtalaiaError as error:
            return (Concern(f"old backups were not dropped: {error.fact}", error.hint),)
        return ()

    def _verify(self, go_on: GoOn) -> list[Verdict]:
        listing = self._parts.repository.listing(fresh=True)
        return self._judge.judge(self._maker.verify(go_on), listing)

    def _is_to_be_drilled(self) -> bool:
        """Whether BACKUP_DRILL wants a new backup to be drilled now."""
        if self._settings.drill != "daily":
            return self._settings.drill == "always"
        drills = [one.drill.at for one in self._parts.records.read().values() if one.drill]
        return not drills or self._clock.now() - max(drills) >= _DAILY

    def _prove(self, following: Following, backup: Backup, percent: int) -> None:
        following.tell("drilling", percent, _DRILLED)
        known = self._judge.known(backup.id)
        made = drill(
            Subject(self._parts.program, backup, known.moment, known.without_moment),
            Limits(self._settings.drill_folder(self._catalog.folder), self._settings.drill_timeout_seconds),
            self._clock.now(),
            following.go_on,
            following.on_share,
        )
        self._judge.put_down(backup.id, made)
        self._emit(backup_drilled(backup, made))
