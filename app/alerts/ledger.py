"""Turns facts and the passing of time into state, history and notices: each change in one transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from ..core.clock import Clock, rfc3339
from ..core.database import Database, fold
from ..core.guard import failures
from ..core.journal import files_of
from . import knowledge, state, store, watch
from .dispatch import Dispatch
from .facts import Acknowledged, Ended, Fact, Observed, Silenced, Unsilenced, decoded
from .matching import matches
from .model import Alert, Kind, Silence, Step
from .policy import Policy
from .records import save
from .state import Change

_IS_DUE = """
    select exists (select 1 from alert where expires_at <= :now)
        or exists (select 1 from told where due_at <= :now)
        or exists (select 1 from escalation where due_at <= :now)
        or exists (select 1 from flap where settles_at <= :now)"""


class Ledger:
    """The one writer of alerts; every worker may fold, only the leader lets time pass."""

    def __init__(self, database: Database, policy: Policy, clock: Clock) -> None:
        self._database = database
        self._policy = policy
        self._dispatch = Dispatch(policy, clock)
        self._clock = clock

    def prepare(self) -> None:
        """Look again at what fires, by the rules of inhibition as they are now."""
        with self._database.write() as connection:
            connection.execute("delete from inhibitor")
            for alert in store.active(connection):
                watch.keep_inhibitor(connection, self._policy.inhibit, None, alert)

    def fold(self, folder: Path) -> int:
        """Apply what is new in the journals; the number of facts."""
        return fold(self._database, folder, self._apply)

    def tick(self) -> int:
        """Let time pass; the number of things that were due.

        What expired ends, what still fires is told again, what nobody is on is told to others, and
        what has settled is told as it is.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            if not _is_due(connection, now):
                return 0
        with self._database.write() as connection:
            expired = store.expired(connection, now)
            for alert in expired:
                self._keep(connection, alert, state.expire(alert, now), now)
            settled = watch.settled(connection, now)
            for fingerprint in settled:
                self._dispatch.settle(connection, fingerprint, now)
            knowledge.pass_over_known(connection, now)
            due = knowledge.due(connection, now)
            for told in due:
                self._dispatch.remind(connection, told, now)
            rungs = store.escalations_due(connection, now)
            for alert, number in rungs:
                self._dispatch.escalate(connection, alert, number, now)
        return len(expired) + len(settled) + len(due) + len(rungs)

    def trim(self, folder: Path, before: datetime) -> None:
        """Delete what was over before that, and the journals of those days that were read to their end."""
        with self._database.write() as connection:
            store.trim(connection, before)
            offsets = store.offsets(connection)
        for path in files_of(folder):
            if path.name[:10] < before.date().isoformat() and path.stat().st_size == offsets.get(path.name):
                path.unlink()
                # Because a file that is forgotten before it is gone would be read a second time.
                with self._database.write() as connection:
                    store.forget_file(connection, path.name)

    def _apply(self, connection: sqlite3.Connection, lines: list[bytes]) -> None:
        for line in lines:
            try:
                fact = decoded(line)
            except msgspec.MsgspecError as error:
                # Because one line that nobody can read must not keep all others from being read.
                failures.add("alerts.journal", error)
                continue
            self._take(connection, fact)

    def _take(self, connection: sqlite3.Connection, fact: Fact) -> None:
        match fact:
            case Observed():
                self._observe(connection, fact)
            case Acknowledged() | Ended():
                self._act(connection, fact)
            case Silenced():
                self._silence(connection, fact)
            case Unsilenced():
                self._unsilence(connection, fact)

    def _observe(self, connection: sqlite3.Connection, seen: Observed) -> None:
        last, cleared_at = store.known(connection, seen.fingerprint)
        change = state.observe(last, cleared_at, seen)
        if seen.condition == "cleared":
            store.save_cleared(connection, seen.fingerprint, seen.at)
        self._keep(connection, last, change, seen.at, was_over=cleared_at is not None)
        if change.alert is not None and change.alert.is_active and change.notice is None:
            self._dispatch.plan_reminders(connection, change.alert)

    def _act(self, connection: sqlite3.Connection, fact: Acknowledged | Ended) -> None:
        alert = store.by_id(connection, fact.alert_id)
        if alert is None:
            return
        act = state.acknowledge if isinstance(fact, Acknowledged) else state.resolve
        self._keep(connection, alert, act(alert, fact.at, fact.by, fact.reason), fact.at)
        if isinstance(fact, Ended):
            store.save_cleared(connection, alert.fingerprint, fact.at)

    def _silence(self, connection: sqlite3.Connection, fact: Silenced) -> None:
        silence = Silence(
            fact.silence_id,
            fact.matchers,
            fact.at,
            fact.ends_at,
            fact.by,
            fact.comment,
            until_resolved=fact.until_resolved,
        )
        save(connection, silence)
        said = " ".join(f"{name}={pattern}" for name, pattern in fact.matchers.items())
        store.record(connection, "", fact.at, Step("silenced", f"{fact.silence_id}: {said}", fact.by))

    def _unsilence(self, connection: sqlite3.Connection, fact: Unsilenced) -> None:
        silence = store.silence(connection, fact.silence_id)
        if silence is None or silence.ends_at <= fact.at:
            return
        save(connection, replace(silence, ends_at=fact.at, ended_by=fact.by), silence)
        knowledge.hurry_owed(connection, fact.at)
        store.record(connection, "", fact.at, Step("unsilenced", fact.silence_id, fact.by))

    def _keep(
        self,
        connection: sqlite3.Connection,
        last: Alert | None,
        change: Change,
        at: datetime,
        *,
        was_over: bool = False,
    ) -> None:
        """Alert, history and notices of one change, and what it means for other alerts.

        was_over: whether the condition has ever been said to be over.
        """
        alert = change.alert
        if alert is None:
            return
        before = last if last is not None and last.id == alert.id else None
        save(connection, alert, before)
        for step in change.steps:
            store.record(connection, alert.id, at, step)
        if change.notice is not None:
            self._dispatch.notify(connection, alert, change.notice, at)
        if watch.keep_inhibitor(connection, self._policy.inhibit, before, alert):
            knowledge.hurry_owed(connection, self._clock.now())
        if change.notice is Kind.RESOLVED or (change.notice is Kind.FIRED and was_over):
            self._count_change(connection, alert, at)
        if change.notice is Kind.RESOLVED:
            self._end_silences(connection, alert, at)

    def _count_change(self, connection: sqlite3.Connection, alert: Alert, at: datetime) -> None:
        """A beginning after an end, and an end, are what flapping is made of."""
        if watch.changed(connection, alert.fingerprint, at) == at:
            step = Step("flapping", "it comes and goes; nothing more is said until it has settled")
            store.record(connection, alert.id, at, step)

    def _end_silences(self, connection: sqlite3.Connection, over: Alert, at: datetime) -> None:
        """Those that were to last until what they are about is over."""
        for silence in store.silences(connection, at):
            if not silence.until_resolved or not matches(silence.matchers, over):
                continue
            if not any(matches(silence.matchers, alert) for alert in store.active(connection)):
                save(connection, replace(silence, ends_at=at, ended_by="atalaia"), silence)
                step = Step("unsilenced", f"{silence.id}: what it was about is over", "atalaia")
                store.record(connection, "", at, step)


def _is_due(connection: sqlite3.Connection, now: datetime) -> bool:
    """By one statement, because this is asked each second and mostly so for nothing."""
    (due,) = connection.execute(_IS_DUE, {"now": rfc3339(now)}).fetchone()
    return bool(due)
