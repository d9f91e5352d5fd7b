"""Whose turn it is: the next notice of a channel, alone or in a digest, within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from . import batch, knowledge, queue, store, watch
from .entries import Claim, Entry, Row
from .grouping import digest_key, digest_of
from .model import Item, Kind, Notice, Step
from .overlays import Circumstances, Hold, hold, kind_for
from .policy import Lane, Policy

USUAL, CRITICAL = (0, 2), (3, 3)
"""The least and the highest rank of the two lanes that each channel has."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One look at what waits for a lane.

    fresh_since: what is less than CRITICAL and older goes on waiting. failing_since: since when every
    attempt of the channel failed.
    """

    connection: sqlite3.Connection
    policy: Policy
    lane: Lane
    now: datetime
    fresh_since: str
    failing_since: datetime | None

    def take(self) -> Claim | None:
        """The claim of the next notice, None when there is none or the channel has had its share."""
        tokens = self._tokens()
        turns = [rank for ranks, left in tokens.items() if left >= 1 for rank in ranks]
        if not turns:
            return None
        around = watch.circumstances(self.connection, self.policy, self.now)
        while (found := self._first((min(turns), max(turns)))) is not None:
            if isinstance(found, Row):
                return self._lease(found, self._members(found.id, around))
            first = self._unless_held(found, around)
            if first is not None and first.row.uncertain:
                return self._alone(first)  # Because in a digest nobody would find it, or see the mark.
            if first is not None:
                ranks = ranks_of(first.row.rank)
                group = first.row.group if tokens[ranks] >= self.lane.limits.burst else None
                return self._together(first, self._others(first, ranks, group, around))
        return None

    def _tokens(self) -> dict[tuple[int, int], float]:
        """How many messages the channel may still get."""
        if not self.lane.limits.seconds:
            return dict.fromkeys((CRITICAL, USUAL), float(self.lane.limits.burst))
        names = {ranks: bucket_name(self.lane, ranks) for ranks in (CRITICAL, USUAL)}
        buckets = store.buckets(self.connection, names.values(), self.lane.limits, self.now)
        return {ranks: buckets[name].tokens for ranks, name in names.items()}

    def _first(self, ranks: tuple[int, int]) -> Entry | Row | None:
        return queue.first(self.connection, self.lane.name, self.now, ranks, self.fresh_since)

    def _others(
        self, first: Entry, ranks: tuple[int, int], group: str | None, around: Circumstances
    ) -> list[Entry]:
        """What can be told in the same message: its group, or whatever is due when there were many."""
        if not self.lane.digests:
            return []
        waiting = batch.others(self.connection, self.lane.name, first, ranks, group, self.now)
        looked_at = [self._unless_held(entry, around) for entry in waiting]
        return [entry for entry in looked_at if entry is not None]

    def _unless_held(self, entry: Entry, around: Circumstances) -> Entry | None:
        """The entry as it is to be said, None when it is held back."""
        kind = kind_for(entry.kind, entry.alert, entry.told, around)
        held = hold(kind, entry.alert, entry.told, around, self.policy.cooldown, self.now)
        if held is None:
            return replace(entry, kind=kind)
        self._hold(entry, held)
        return None

    def _hold(self, entry: Entry, held: Hold) -> None:
        step = Step("postponed" if held.postponed else "withheld", held.why, channel=self.lane.name)
        store.record(self.connection, entry.alert.id, self.now, step)
        queue.supersede(self.connection, self.lane.name, entry, self.now)
        if held.postponed and held.until is not None:
            queue.postpone(self.connection, entry.row.id, held.until, self.now)
        else:
            queue.withhold(self.connection, entry.row.id, held.why, self.now)
            knowledge.owe(self.connection, self.policy, entry.alert, entry.told, held, self.now)

    def _alone(self, entry: Entry) -> Claim:
        queue.supersede(self.connection, self.lane.name, entry, self.now)
        return self._lease(entry.row, [entry])

    def _together(self, first: Entry, others: Sequence[Entry]) -> Claim:
        if not others:
            return self._alone(first)
        entries = [first, *others]
        key = digest_key([entry.row.key for entry in entries], queue.key_part(self.lane.name))
        return self._lease(batch.form(self.connection, self.lane.name, key, entries, self.now), entries)

    def _members(self, digest: int, around: Circumstances) -> list[Entry]:
        """What a digest holds that a crash or its receiver cut off."""
        return [
            replace(entry, kind=kind_for(entry.kind, entry.alert, entry.told, around))
            for entry in batch.members(self.connection, self.lane.name, digest)
        ]

    def _lease(self, row: Row, entries: Sequence[Entry]) -> Claim:
        notice = self._notice(row, entries)
        queue.lease(self.connection, row, self.now)
        fence, attempts = row.fence + 1, row.attempts + 1
        return Claim(row.id, fence, self.lane.name, attempts, notice, tuple(entries), self.failing_since)

    def _notice(self, row: Row, entries: Sequence[Entry]) -> Notice:
        if row.kind is Kind.DIGEST:
            digest = digest_of([Item(entry.kind, entry.alert, entry.alert.repeats + 1) for entry in entries])
            worst = digest.items[0].alert
            return Notice(row.key, Kind.DIGEST, worst, possibly_repeated=row.uncertain, digest=digest)
        (entry,) = entries
        if entry.told.alert_id != entry.alert.id:
            return Notice(row.key, entry.kind, entry.alert, entry.alert.repeats, row.uncertain)
        reference = queue.reference(self.connection, entry.alert.id, self.lane.name)
        repeats = entry.alert.repeats - entry.told.repeats
        return Notice(row.key, entry.kind, entry.alert, repeats, row.uncertain, reference)


def ranks_of(rank: int) -> tuple[int, int]:
    """The ranks that share a lane with this one."""
    return CRITICAL if rank >= CRITICAL[0] else USUAL


def bucket_name(lane: Lane, ranks: tuple[int, int]) -> str:
    """The name of the tokens of one of a channel's two lanes."""
    return f"{lane.name} critical" if ranks == CRITICAL else lane.name
