"""Which lanes get a notice of a change, when it is due, and who is told later if nothing happens."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from ..core.clock import Clock
from . import knowledge, queue, store
from .escalation import ladder_of
from .model import Alert, Kind, State, Step, Told
from .overlays import gap
from .policy import Policy
from .records import save
from .routing import Decision


class Dispatch:
    """Makes the rows of the outbox, in the transaction of what they tell of."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    def notify(self, connection: sqlite3.Connection, alert: Alert, kind: Kind, at: datetime) -> None:
        """One notice for each lane that is to know, and the reason for each that is not."""
        for decision in self._decide(connection, alert, kind):
            if decision.why_not:
                step = Step("withheld", decision.why_not, channel=decision.channel)
                store.record(connection, alert.id, at, step)
            else:
                self._add(connection, alert, kind, decision.channel)
                if decision.rule:
                    step = Step("routed", f"by the route {decision.rule}", channel=decision.channel)
                    store.record(connection, alert.id, at, step)
        self._escalate_later(connection, alert, kind)

    def plan_reminders(self, connection: sqlite3.Connection, alert: Alert) -> None:
        """Look again after the cooldown at what was seen again."""
        for told in knowledge.without_reminder(connection, alert.fingerprint):
            assert told.at is not None
            due_at = told.at + gap(alert, told, self._policy.cooldown)
            save(connection, replace(told, due_at=due_at), told)

    def remind(self, connection: sqlite3.Connection, told: Told, now: datetime) -> None:
        """A lane is told again of what still fires, if there is something that it does not know."""
        alert = store.newest(connection, told.fingerprint)
        save(connection, replace(told, owed="", due_at=None), told)
        if alert is None or not alert.is_active:
            return
        is_news = told.owed or told.alert_id != alert.id or alert.repeats > told.repeats
        if (
            is_news
            and self._goes_to(connection, alert, told.channel)
            and not queue.is_open(connection, alert.id, told.channel)
        ):
            self._add(connection, alert, Kind.REMINDER, told.channel, name=f"reminder-{now:%Y%m%dT%H%M%S}")

    def settle(self, connection: sqlite3.Connection, fingerprint: str, now: datetime) -> None:
        """It no longer comes and goes: who was told that it does is told how it is."""
        alert = store.newest(connection, fingerprint)
        if alert is None:
            return
        store.record(connection, alert.id, now, Step("settled", "it no longer comes and goes"))
        for told in knowledge.of_channels(connection, fingerprint):
            if told.kind != Kind.FLAPPING:
                continue
            if alert.is_active:
                save(connection, replace(told, owed="flapping", due_at=now), told)
            else:
                name = f"settled-{now:%Y%m%dT%H%M%S}"
                self._add(connection, alert, Kind.RESOLVED, told.channel, name=name)

    def escalate(self, connection: sqlite3.Connection, alert: Alert, number: int, now: datetime) -> None:
        """Nobody was on it in time: who stands on this rung is told."""
        store.save_escalation(connection, alert.id, None, now)
        ladder = ladder_of(alert, self._policy.ladders)
        rung = ladder.rung(number) if ladder is not None else None
        if ladder is None or rung is None or alert.state is not State.FIRING:
            return
        minutes = rung.after.total_seconds() / 60
        why = f"nobody was on it within {minutes:g} minutes ({ladder.name})"
        for lane in self._policy.routing.lanes_of(rung.to):
            self._add(connection, alert, Kind.ESCALATED, lane, name=f"escalated-{number}")
            store.record(connection, alert.id, now, Step("escalated", why, channel=lane))
        self._next_rung(connection, alert, number + 1, now)

    def _decide(self, connection: sqlite3.Connection, alert: Alert, kind: Kind) -> list[Decision]:
        if kind is Kind.RESOLVED:
            told = queue.reached(connection, alert.id)
            return [Decision(channel) for channel in told] or [Decision("", "nobody was told that it fired")]
        if kind is Kind.ACKNOWLEDGED:
            wanted = self._policy.announces_acknowledgements
            return [Decision(channel) for channel in queue.reached(connection, alert.id) if wanted]
        decisions = self._policy.routing.decide(alert, self._clock.now())
        return decisions or [Decision("", "no channel is configured")]

    def _goes_to(self, connection: sqlite3.Connection, alert: Alert, lane: str) -> bool:
        """Whether its route leads to a lane, or an escalation or a fallback has."""
        decisions = self._policy.routing.decide(alert, self._clock.now())
        if any(decision.channel == lane and not decision.why_not for decision in decisions):
            return True
        return lane in queue.reached(connection, alert.id)

    def _add(
        self, connection: sqlite3.Connection, alert: Alert, kind: Kind, lane: str, *, name: str = ""
    ) -> None:
        route = self._policy.routing.by_name.get(lane)
        grouping = self._policy.grouping
        wait = grouping.wait_of(alert, kind) if route is not None and route.waits else 0.0
        queue.add(
            connection,
            alert,
            kind,
            lane,
            self._clock.now(),
            group=grouping.group_of(alert, kind),
            wait=wait,
            name=name or _name(alert, kind),
        )

    def _escalate_later(self, connection: sqlite3.Connection, alert: Alert, kind: Kind) -> None:
        if kind in (Kind.FIRED, Kind.WORSE) and self._policy.ladders:
            # Because what gets worse after hours has only now become what it is.
            self._next_rung(connection, alert, 0, alert.started_at if kind is Kind.FIRED else alert.seen_at)

    def _next_rung(self, connection: sqlite3.Connection, alert: Alert, number: int, last: datetime) -> None:
        ladder = ladder_of(alert, self._policy.ladders)
        due_at = ladder.due_at(number, last) if ladder is not None else None
        if due_at is not None:
            store.save_escalation(connection, alert.id, number, due_at)


def _name(alert: Alert, kind: Kind) -> str:
    """What tells notices of one kind about one episode apart."""
    if kind is Kind.WORSE:
        return f"worse-{alert.severity.lower()}"
    if kind is Kind.ACKNOWLEDGED and alert.acknowledged_at is not None:
        return f"acknowledged-{alert.acknowledged_at:%Y%m%dT%H%M%S}"
    return kind.value
