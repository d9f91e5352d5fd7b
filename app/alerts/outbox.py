"""Notices on their way: each is written with the change that causes it and kept until it is delivered.

pending → sending → sent
   ↑_________|   |→ dead       it cannot be delivered, and that is shown
   |→ superseded               a newer notice of the same alert says it
   |→ withheld                 a silence, a cooldown or its age held it back

A row is claimed in a short transaction, sent outside of it, and marked only by who claimed it:
each claim raises the fence, and a mark with an older fence finds nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any

from ..core.clock import Clock
from ..core.database import Database
from ..core.errors import DeliveryFailed
from . import queue, store
from .model import Alert, Kind, Notice, Receipt, Step, Told
from .overlays import Cooldown, gap, hold
from .queue import Claim

_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_PAUSE = 2.0, 300.0, 60.0
_random = SystemRandom()


class Outbox:
    """The delivering end, used by the one process that leads this host."""

    def __init__(self, database: Database, cooldown: Cooldown, clock: Clock) -> None:
        self._database = database
        self._cooldown = cooldown
        self._clock = clock

    def claim(self, channel: str) -> Claim | None:
        """The notice to send next through a channel, None when there is none.

        1. rows of a process that died are taken back, marked as possibly delivered;
        2. nothing is done while the channel is paused after failures;
        3. the most severe and oldest row is chosen, and the newest row of its alert speaks for it;
        4. it is held back, with its reason, if a silence, a cooldown or its age says so: go on at 3;
        5. else it is leased to this process under a higher fence.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            if not queue.has_work(connection, channel, now):
                return None
        with self._database.write() as connection:
            queue.take_back(connection, channel, now)
            failing = queue.failures(connection, channel)
            if _is_paused(failing, now):
                return None
            while (row := queue.first(connection, channel, now)) is not None:
                queue.supersede(connection, row, now)
                notice = self._notice_or_hold(connection, row, now)
                if notice is not None:
                    since = datetime.fromisoformat(failing["failing_since"]) if failing else None
                    return queue.lease(connection, row, notice, since, now)
        return None

    def sent(self, claim: Claim, receipt: Receipt) -> bool:
        """It was delivered; False when somebody else has taken the row over."""
        now = self._clock.now()
        with self._database.write() as connection:
            if not queue.mark_sent(connection, claim, receipt.reference, now):
                return False
            store.save_told(connection, self._told(connection, claim, now))
            refused = f"but refused: {', '.join(receipt.refused)}" if receipt.refused else ""
            step = Step("delivered", refused, channel=claim.channel)
            store.record(connection, claim.notice.alert.id, now, step)
            queue.channel_worked(connection, claim.channel, now)
        return True

    def failed(self, claim: Claim, error: DeliveryFailed) -> bool:
        """It was not delivered: it comes again later, or is dead; False when somebody has taken over."""
        now, channel = self._clock.now(), claim.channel
        state, what = ("dead", "dead") if error.permanent else ("pending", "failed")
        with self._database.write() as connection:
            failing = queue.failures(connection, channel)
            not_before = now + _wait(error, claim.attempts, _LONGEST_WAIT)
            if not queue.mark_failed(connection, claim, state, not_before, error.fact, now):
                return False
            store.record(connection, claim.notice.alert.id, now, Step(what, error.fact, channel=channel))
            in_a_row = failing["failures"] + 1 if failing else 1
            pause = None if error.permanent else now + _wait(error, in_a_row, _LONGEST_PAUSE)
            queue.channel_failed(connection, channel, error.fact, pause, now, is_dead=error.permanent)
            if error.permanent:
                self._owe(connection, claim.notice.alert, channel, "not delivered", None)
        return True

    def retire(self, channels: Collection[str]) -> None:
        """Withhold what waits for channels that are no longer configured."""
        with self._database.write() as connection:
            queue.retire(connection, channels)

    def overview(self, channels: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Channel → its counters, troubles, and how many notices wait (since when) or died within a day."""
        with self._database.read() as connection:
            return queue.overview(connection, channels, self._clock.now() - timedelta(days=1))

    def _notice_or_hold(
        self, connection: sqlite3.Connection, row: sqlite3.Row, now: datetime
    ) -> Notice | None:
        alert = store.by_id(connection, row["alert_id"])
        assert alert is not None
        told = store.told(connection, alert.fingerprint, row["channel"])
        is_known = told.alert_id == alert.id
        kind = Kind(row["kind"]) if is_known else _for_who_knows_nothing(Kind(row["kind"]))
        held = hold(kind, alert, told, store.silences(connection, now), self._cooldown, now)
        if held is None:
            repeats = alert.repeats - (told.repeats if is_known else 0)
            return Notice(row["key"], kind, alert, repeats, bool(row["uncertain"]))
        queue.withhold(connection, row, held.why, now)
        store.record(connection, alert.id, now, Step("withheld", held.why, channel=row["channel"]))
        if held.until is not None:
            self._owe(connection, alert, row["channel"], held.why, held.until)
        return None

    def _owe(
        self, connection: sqlite3.Connection, alert: Alert, channel: str, why: str, until: datetime | None
    ) -> None:
        """While it fires, look at it again then."""
        if not alert.is_active:
            return
        told = store.told(connection, alert.fingerprint, channel)
        due_at = until or self._clock.now() + gap(alert, told, self._cooldown)
        store.save_told(connection, replace(told, owed=why, due_at=due_at))

    def _told(self, connection: sqlite3.Connection, claim: Claim, now: datetime) -> Told:
        """What the channel knows after the delivery, from which its cooldown begins."""
        alert, kind = claim.notice.alert, claim.notice.kind
        before = store.told(connection, alert.fingerprint, claim.channel)
        if kind is Kind.RESOLVED:
            return replace(before, owed="", due_at=None)
        reminders = before.reminders + 1 if kind is Kind.REMINDER else 0
        told = Told(
            fingerprint=alert.fingerprint,
            channel=claim.channel,
            alert_id=alert.id,
            at=now,
            severity=alert.severity,
            repeats=alert.repeats,
            reminders=reminders,
        )
        return replace(told, due_at=now + gap(alert, told, self._cooldown)) if alert.is_active else told


def _for_who_knows_nothing(kind: Kind) -> Kind:
    """What is said to a channel that was told nothing of this episode."""
    return {Kind.RESOLVED: Kind.LATE, Kind.WORSE: Kind.FIRED, Kind.REMINDER: Kind.FIRED}.get(kind, kind)


def _is_paused(failing: sqlite3.Row | None, now: datetime) -> bool:
    if failing is None or failing["pause_until"] is None:
        return False
    # Because a failure that lies in the future only says that the clock was set back.
    began, until = (datetime.fromisoformat(failing[name]) for name in ("last_error_at", "pause_until"))
    return began <= now < until


def _wait(error: DeliveryFailed, attempts: int, longest: float) -> timedelta:
    """What the other side asked for, else doubling from 2 seconds, somewhere in the upper half."""
    if error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    seconds = min(longest, _FIRST_WAIT * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=seconds * float(_random.uniform(0.5, 1)))
