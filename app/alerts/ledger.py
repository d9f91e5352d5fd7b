"""Turns facts and the passing of time into state, history and notices: each change in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from ..core.clock import Clock
from ..core.database import Database, fold
from ..core.guard import failures
from ..core.journal import files_of
from . import queue, state, store
from .facts import Acknowledged, Ended, Fact, Observed, Silenced, Unsilenced, decoded
from .model import Alert, Kind, Silence, Step, Told
from .overlays import Cooldown, gap
from .routing import Decision, Route, decide
from .state import Change


class Ledger:
    """The one writer of alerts; every worker may fold, only the leader lets time pass."""

    def __init__(self, database: Database, routes: Sequence[Route], cooldown: Cooldown, clock: Clock) -> None:
        self._database = database
        self._routes = tuple(routes)
        self._cooldown = cooldown
        self._clock = clock

    def fold(self, folder: Path) -> int:
        """Apply what is new in the journals; the number of facts."""
        return fold(self._database, folder, self._apply)

    def tick(self) -> int:
        """End what expired and remind of what still fires; the number of alerts looked at."""
        now = self._clock.now()
        with self._database.read() as connection:
            if not (store.expired(connection, now) or store.told_due(connection, now)):
                return 0
        with self._database.write() as connection:
            expired = store.expired(connection, now)
            for alert in expired:
                self._keep(connection, state.expire(alert, now), now)
            due = store.told_due(connection, now)
            for told in due:
                self._remind(connection, told, now)
        return len(expired) + len(due)

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
                silence = Silence(
                    fact.silence_id, fact.matchers, fact.at, fact.ends_at, fact.by, fact.comment
                )
                store.save_silence(connection, silence)
                said = " ".join(f"{name}={pattern}" for name, pattern in fact.matchers.items())
                store.record(connection, "", fact.at, Step("silenced", f"{fact.silence_id}: {said}", fact.by))
            case Unsilenced():
                self._unsilence(connection, fact)

    def _observe(self, connection: sqlite3.Connection, seen: Observed) -> None:
        last = store.newest(connection, seen.fingerprint)
        change = state.observe(last, store.cleared_at(connection, seen.fingerprint), seen)
        if seen.condition == "cleared":
            store.save_cleared(connection, seen.fingerprint, seen.at)
        self._keep(connection, change, seen.at)
        if change.alert is not None and change.alert.is_active and change.notice is None:
            self._plan_reminders(connection, change.alert)

    def _act(self, connection: sqlite3.Connection, fact: Acknowledged | Ended) -> None:
        alert = store.by_id(connection, fact.alert_id)
        if alert is None:
            return
        act = state.acknowledge if isinstance(fact, Acknowledged) else state.resolve
        self._keep(connection, act(alert, fact.at, fact.by, fact.reason), fact.at)
        if isinstance(fact, Ended):
            store.save_cleared(connection, alert.fingerprint, fact.at)

    def _unsilence(self, connection: sqlite3.Connection, fact: Unsilenced) -> None:
        silence = store.silence(connection, fact.silence_id)
        if silence is None or silence.ends_at <= fact.at:
            return
        store.save_silence(connection, replace(silence, ends_at=fact.at, ended_by=fact.by))
        store.hurry_owed(connection, fact.at)
        store.record(connection, "", fact.at, Step("unsilenced", fact.silence_id, fact.by))

    def _keep(self, connection: sqlite3.Connection, change: Change, at: datetime) -> None:
        """Alert, history and notices of one change."""
        if change.alert is None:
            return
        store.save(connection, change.alert)
        for step in change.steps:
            store.record(connection, change.alert.id, at, step)
        if change.notice is not None:
            self._notify(connection, change.alert, change.notice, at)

    def _notify(self, connection: sqlite3.Connection, alert: Alert, kind: Kind, at: datetime) -> None:
        decisions = self._decide(connection, alert, kind)
        for decision in decisions:
            if decision.why_not:
                step = Step("withheld", decision.why_not, channel=decision.channel)
                store.record(connection, alert.id, at, step)
        wanted = [decision.channel for decision in decisions if not decision.why_not]
        queue.add(connection, alert, kind, wanted, self._clock.now())

    def _decide(self, connection: sqlite3.Connection, alert: Alert, kind: Kind) -> list[Decision]:
        if kind is Kind.RESOLVED:
            told = queue.reached(connection, alert.id)
            return [Decision(channel) for channel in told] or [Decision("", "nobody was told that it fired")]
        return decide(alert, self._routes) or [Decision("", "no channel is configured")]

    def _plan_reminders(self, connection: sqlite3.Connection, alert: Alert) -> None:
        for told in store.told_channels(connection, alert.fingerprint):
            if told.due_at is None and told.at is not None:
                due_at = told.at + gap(alert, told, self._cooldown)
                store.save_told(connection, replace(told, due_at=due_at))

    def _remind(self, connection: sqlite3.Connection, told: Told, now: datetime) -> None:
        alert = store.newest(connection, told.fingerprint)
        store.save_told(connection, replace(told, owed="", due_at=None))
        if alert is None or not alert.is_active or Decision(told.channel) not in decide(alert, self._routes):
            return
        is_news = told.owed or told.alert_id != alert.id or alert.repeats > told.repeats
        if is_news and not queue.is_open(connection, alert.id, told.channel):
            queue.add(connection, alert, Kind.REMINDER, [told.channel], now)
