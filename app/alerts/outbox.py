"""Notices on their way: each is written with the change that causes it and kept until it is delivered.

pending → sending → sent          accepted ⇄ asked what became of it → sent
   ↑_________|   |→ accepted          |→ dead or pending again
   |             |→ dead          it cannot be delivered: that is shown, and another channel is told
   |→ grouped                     a digest speaks for it, and it becomes what the digest becomes
   |→ superseded                  a newer notice of the same alert says it
   |→ withheld                    a silence, a cooldown, its age ... held it back

A row is claimed in a short transaction, sent outside of it, and marked only by who claimed it:
each claim raises the fence, and a mark with an older fence finds nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any

from ..core.clock import Clock, rfc3339
from ..core.database import Database
from ..core.errors import DeliveryFailed
from . import accepted, batch, knowledge, queue, standing, store
from .entries import Claim, Entry
from .model import Delivery, Progress, Receipt, Step
from .overlays import Hold
from .policy import Policy
from .routing import CHANNEL_FAILED
from .turn import Turn, bucket_name, ranks_of

_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_PAUSE = 2.0, 300.0, 60.0
_LONGEST_ASKED = 19
"""About an hour, at first after seconds, in the end each five minutes."""
_ARRIVES = timedelta(seconds=3)
"""How long what a dead process had written may be on its way, and not be found by who is asked."""
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a channel has accepted and not yet delivered; `asked`: how often that was asked."""

    row: int
    reference: str
    asked: int
    since: datetime


class Outbox:
    """The delivering end, used by the one process that leads this host."""

    def __init__(self, database: Database, policy: Policy, clock: Clock) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._born = clock.now()

    def claim(self, channel: str) -> Claim | None:
        """The notice to send next through a channel, None when there is none.

        1. rows of a process that died are taken back, marked as possibly delivered, and go first;
        2. nothing is done while the channel is paused after failures, or has had its share of messages;
        3. the most severe and oldest row is chosen, and the newest row of its alert speaks for it;
        4. it is held back, with its reason, if a silence, a cooldown ... says so: go on at 3;
        5. what can be told together with it becomes one digest;
        6. the row is leased to this process under a higher fence.
        """
        lane = self._policy.lane(channel)
        with self._database.write() as connection:
            # Not before: an alert and the silence over it may be written while others have the file.
            now = self._clock.now()
            queue.take_back(connection, channel, now, _ARRIVES if lane.can_be_asked else timedelta(0))
            failing = standing.failures(connection, channel)
            if _is_paused(failing, now):
                return None
            since = datetime.fromisoformat(failing["failing_since"]) if failing else None
            return Turn(connection, self._policy, lane, now, self._fresh_since(now), since).take()

    def with_due(self, channels: Sequence[str]) -> list[str]:
        """Those of some channels for which claim() or to_ask() may have something now."""
        with self._database.read() as connection:
            return queue.with_due(connection, channels, self._clock.now())

    def has_open(self, channel: str) -> bool:
        """Whether there is anything that claim() or to_ask() could answer, now or later."""
        with self._database.read() as connection:
            return queue.has_open(connection, channel)

    def look(self) -> object:
        """What differs after every change of what is to be delivered."""
        return self._database.look()

    def sent(self, claim: Claim, receipt: Receipt) -> bool:
        """It was delivered, or accepted; False when somebody else has taken the row over."""
        now, reference = self._clock.now(), receipt.reference
        state = "sent" if receipt.is_final else "accepted"
        ask_at = now + timedelta(seconds=_FIRST_WAIT)
        with self._database.write() as connection:
            if not queue.mark(connection, claim, state, now, not_before=ask_at, reference=reference):
                return False
            batch.mark_members(connection, claim, "sent", now, reference=reference)
            step = Step(*_delivered(claim, receipt), channel=claim.channel)
            for entry in claim.entries:
                knowledge.keep(connection, self._policy, entry, claim.channel, now)
                store.record(connection, entry.alert.id, now, step)
            standing.worked(connection, claim.channel, now)
            self._take_token(connection, claim, now)
        return True

    def failed(self, claim: Claim, error: DeliveryFailed) -> bool:
        """It was not delivered: it comes again later, or is dead; False when somebody has taken over."""
        now, channel = self._clock.now(), claim.channel
        with self._database.write() as connection:
            failing = standing.failures(connection, channel)
            if not self._mark_failed(connection, claim, error, now):
                return False
            what = "dead" if error.permanent else "failed"
            for entry in claim.entries:
                store.record(connection, entry.alert.id, now, Step(what, error.fact, channel=channel))
            in_a_row = failing["failures"] + 1 if failing else 1
            pause = None if error.permanent else now + _wait(error, in_a_row, _LONGEST_PAUSE)
            standing.failed(connection, channel, error.fact, pause, now, is_dead=error.permanent)
            if error.permanent:
                self._give_up(connection, channel, claim.entries, now)
        return True

    def to_ask(self, channel: str) -> Accepted | None:
        """What a channel accepted and is to be asked about now."""
        now = self._clock.now()
        with self._database.read() as connection:
            row = accepted.to_ask(connection, channel, now)
        if row is None:
            return None
        return Accepted(row["id"], row["reference"], row["asked"], datetime.fromisoformat(row["created_at"]))

    def asked(self, message: Accepted, delivery: Delivery) -> None:
        """What the channel answered: it is delivered, it is on its way still, or it failed after all."""
        now = self._clock.now()
        with self._database.write() as connection:
            match delivery.progress:
                case Progress.PENDING if message.asked < _LONGEST_ASKED:
                    pause = min(_FIRST_WAIT * 2**message.asked, _LONGEST_WAIT)
                    accepted.ask_later(connection, message.row, now + timedelta(seconds=pause), now)
                case Progress.FAILED:
                    self._undelivered(connection, message.row, delivery, now)
                case progress:
                    said = "" if progress is Progress.DELIVERED else "nobody can say whether it arrived"
                    self._arrived(connection, message.row, said, now)

    def retire(self, channels: Collection[str]) -> None:
        """Withhold what waits for channels that are no longer configured."""
        with self._database.write() as connection:
            queue.retire(connection, channels)

    def overview(self, channels: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Channel → its counters, troubles, and how many notices wait (since when) or died within a day."""
        now = self._clock.now()
        with self._database.read() as connection:
            return standing.overview(connection, channels, now - timedelta(days=1), now)

    def _arrived(self, connection: sqlite3.Connection, row: int, said: str, now: datetime) -> None:
        channel, entries = batch.spoken_for(connection, row)
        if accepted.end_accepted(connection, row, "sent", "", now):
            for entry in entries:
                step = Step("unconfirmed" if said else "delivered", said or "confirmed", channel=channel)
                store.record(connection, entry.alert.id, now, step)

    def _undelivered(
        self, connection: sqlite3.Connection, row: int, delivery: Delivery, now: datetime
    ) -> None:
        channel, entries = batch.spoken_for(connection, row)
        state, what = ("dead", "dead") if delivery.permanent else ("pending", "failed")
        if not accepted.end_accepted(connection, row, state, delivery.reason, now):
            return
        for entry in entries:
            knowledge.forget(connection, entry.alert, channel)
            store.record(connection, entry.alert.id, now, Step(what, delivery.reason, channel=channel))
        standing.failed(connection, channel, delivery.reason, None, now, is_dead=delivery.permanent)
        if delivery.permanent:
            self._give_up(connection, channel, entries, now)

    def _mark_failed(
        self, connection: sqlite3.Connection, claim: Claim, error: DeliveryFailed, now: datetime
    ) -> bool:
        not_before = now + _wait(error, claim.attempts, _LONGEST_WAIT)
        dissolves = claim.notice.digest is not None and not error.permanent and not error.uncertain
        state = "dead" if error.permanent else "superseded" if dissolves else "pending"
        if not queue.mark(
            connection, claim, state, now, not_before=not_before, error=error.fact, uncertain=error.uncertain
        ):
            return False
        if dissolves:
            batch.dissolve(connection, claim, not_before, now)
        elif error.permanent:
            batch.mark_members(connection, claim, "dead", now, error=error.fact)
        return True

    def _give_up(
        self, connection: sqlite3.Connection, channel: str, entries: Iterable[Entry], now: datetime
    ) -> None:
        """Another channel is told at once, and this one again after its cooldown if it still fires."""
        for entry in entries:
            held = Hold("not delivered")
            told = knowledge.told_of(connection, entry.alert.fingerprint, channel)
            knowledge.owe(connection, self._policy, entry.alert, told, held, now)
            self._fall_back(connection, entry, channel, now)

    def _fall_back(self, connection: sqlite3.Connection, entry: Entry, channel: str, now: datetime) -> None:
        if entry.alert.code == CHANNEL_FAILED:
            return  # Because the failure to tell of a failure is not told.
        knows = queue.reached(connection, entry.alert.id)
        for other in self._policy.fallbacks(channel):
            if other in knows:
                step = Step("fallback", f"{channel} refused it; {other} is told anyway", channel=other)
            elif queue.add(connection, entry.alert, entry.kind, other, now):
                step = Step("fallback", f"{channel} refused it", channel=other)
            else:
                continue  # Because that one has refused it too.
            store.record(connection, entry.alert.id, now, step)
            return
        store.record(connection, entry.alert.id, now, Step("fallback", "there is no other channel left"))

    def _take_token(self, connection: sqlite3.Connection, claim: Claim, now: datetime) -> None:
        lane = self._policy.lane(claim.channel)
        if lane.limits.seconds:
            name = bucket_name(lane, ranks_of(claim.notice.alert.severity.rank))
            left = store.buckets(connection, (name,), lane.limits, now)[name]
            store.save_bucket(connection, name, left.taken())

    def _fresh_since(self, now: datetime) -> str:
        """Just after a start, what waited before goes on waiting until everything was looked at once."""
        settles_at = self._born + self._policy.settle
        return rfc3339(self._born) if self._born <= now < settles_at else ""


def _delivered(claim: Claim, receipt: Receipt) -> tuple[str, str]:
    """The name of the step, and what there is to say of it."""
    digest = claim.notice.digest
    said = [f"in a digest of {digest.total}"] if digest is not None else []
    said += [f"but refused: {', '.join(receipt.refused)}"] if receipt.refused else []
    said += [f"after {claim.attempts} attempts"] if claim.attempts > 1 else []
    return "delivered" if receipt.is_final else "accepted", "; ".join(said)


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
