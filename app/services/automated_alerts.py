"""Alerts: takes what is observed, knows what is wrong now, and tells people until it is delivered.

    from app.services.automated_alerts import alerts, Severity, Category
    alerts.raise_alert("Payment gateway refuses", severity=Severity.HIGH, key="gateway")

Writing (`alerts`) is one line in a journal. Reading it into state, history and outbox is one
transaction in SQLite, done by any worker. Delivery comes after, by the worker that leads.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ..alerts import report, store, watch
from ..alerts.channels import Channel
from ..alerts.desk import Desk
from ..alerts.facts import Redact, unchanged
from ..alerts.heartbeat import NAME as HEARTBEAT
from ..alerts.lanes import lane_of, with_people
from ..alerts.ledger import Ledger
from ..alerts.outbox import Outbox
from ..alerts.plan import EVERYBODY, Plan
from ..alerts.policy import policy_of
from ..alerts.rules.adaptation import adapted
from ..alerts.rules.listing import STATES, rules_document
from ..alerts.rules.standing import STANDING, read_round
from ..alerts.rules.watches import NO_RULES, RuleSet
from ..alerts.sender import Sender
from ..alerts.settings import AlertSettings
from ..alerts.source import AlertSource
from ..alerts.vigil import Vigil
from ..core.bell import Bell
from ..core.clock import Clock
from ..core.errors import Conflict, InputRejected
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.journal import Journal
from ..core.measure import Measure
from ..core.poll import JournalLook, Poll
from ..core.signal import Category, Condition, Severity, Signal

__all__ = ["AlertSource", "AutomatedAlerts", "Category", "Severity", "alerts"]

alerts = AlertSource(Journal("alerts"))
"""The writing end of this process; what it is given waits in memory until a tower opens its journal."""

_POLL_SECONDS, _CALM_SECONDS = 0.5, 1.0


class AutomatedAlerts:
    """The alerts of this host, as all of its workers see them.

    `channels` are asked in no order, each by a thread of its own; `redact` takes secrets and
    personal data out of every text before it is kept.
    """

    def __init__(
        self,
        settings: AlertSettings,
        source: AlertSource,
        folder: Path,
        channels: Sequence[Channel],
        clock: Clock,
        *,
        redact: Redact = unchanged,
        plan: Plan = EVERYBODY,
        rules: RuleSet = NO_RULES,
    ) -> None:
        self._settings = settings
        self._source = source
        self._folder = folder
        self._channels = {channel.name: channel for channel in with_people(channels, plan)}
        self._clock = clock
        self._database = store.open_store(folder)
        lanes = [lane_of(channel, settings) for channel in self._channels.values()]
        self.policy = policy_of(settings, plan, lanes)
        self._ledger = Ledger(self._database, self.policy, clock)
        self._poll = Poll(JournalLook(folder, clock), self._database.look)
        self._outbox = Outbox(self._database, self.policy, clock)
        self._desk = Desk(source, self._ledger, self._database, folder, clock)
        self.vigil = Vigil(settings, self._database, channels, source.observe, self.health, clock)
        self._senders: list[Sender] = []
        self._is_leader: Callable[[], bool] = _nobody_leads
        self._passed_on: object = None
        self._ingesting: threading.Thread | None = None
        self._woken, self._stopping = Bell(), threading.Event()
        self._rules, self.event_rules = rules, plan.event_rules
        source.clock, source.redact = clock, redact
        source.adapt = partial(adapted, events=self.event_rules)

    def open(self) -> None:
        """Open the journal, so that what was raised so far is on disk."""
        self._source.journal.open(self._folder, self._clock)

    def start(self, is_leader: Callable[[], bool]) -> None:
        """Begin to read the journals of all workers and, while `is_leader`, to deliver."""
        self.open()
        self._stopping.clear()
        self._source.on_fact = self._woken.ring
        self._is_leader = is_leader
        self._senders = [
            Sender(channel, self._outbox, is_leader, self._source.observe, self._clock)
            for channel in self._channels.values()
        ]
        with guard("alerts.start"):
            self._outbox.retire(self._channels)
            self._ledger.prepare()
        self._ingesting = threading.Thread(target=self._ingest_on, name="atalaia-alerts", daemon=True)
        self._ingesting.start()
        for sender in self._senders:
            sender.start()

    def stop(self) -> None:
        """End the threads; what is being sent is finished, everything else stays in its files."""
        self._stopping.set()
        self._woken.ring()
        for sender in self._senders:
            sender.stop()
        if self._ingesting is not None:
            self._ingesting.join()
        for sender in self._senders:
            sender.join()
        self._ingesting, self._senders = None, []
        self.vigil.end()
        self._source.journal.close()
        self._database.close()

    def ingest(self) -> int:
        """Read what is new in the journals into state, history and outbox; the number of facts."""
        return self._ledger.fold(self._folder)

    def raise_now(
        self,
        title: str,
        *,
        message: str = "",
        severity: str = Severity.MEDIUM,
        category: str = Category.SYSTEM,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        source: str = "app",
        expires_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Raise an alert and return its document; InputRejected for what cannot be one, Conflict for what
        the file switches off.
        """
        if not title.strip():
            raise InputRejected("an alert needs a title")
        signal = Signal(
            source=source,
            key=title if key is None else key,
            title=title,
            severity=report.word_of(Severity, severity),
            category=report.word_of(Category, category),
            message=message,
            labels=labels or {},
            expires_seconds=expires_seconds,
        )
        wanted = self._source.adapt(signal)
        if wanted is None or wanted.condition is not Condition.RAISED:
            self._source.observe(signal)  # Because what was raised before is over.
            raise Conflict("this alert is switched off", "See `rules` in config/alerts.yaml.")
        document = self._desk.raise_now(wanted)
        self._wake_senders()
        return document

    def resolve(self, alert_id: str, *, by: str, reason: str = "") -> dict[str, Any]:
        """Say that it is over; NotFound, or Conflict when it is over already."""
        return self._desk.resolve(alert_id, by, reason)

    def acknowledge(self, alert_id: str, *, by: str, reason: str = "") -> dict[str, Any]:
        """Say that somebody is on it, which ends the reminders; NotFound, or Conflict when it is over."""
        return self._desk.acknowledge(alert_id, by, reason)

    def add_silence(
        self,
        *,
        matchers: Mapping[str, str],
        by: str,
        ends_at: str | None = None,
        minutes: float | None = None,
        comment: str = "",
        until_resolved: bool = False,
    ) -> dict[str, Any]:
        """Keep alerts that fit every matcher quiet until `ends_at` (RFC 3339) or for `minutes`.

        With `until_resolved` it ends when what it is about is over, and needs no other end.
        """
        return self._desk.add_silence(matchers, ends_at, minutes, by, comment, until_resolved=until_resolved)

    def end_silence(self, silence_id: str, *, by: str) -> dict[str, Any]:
        """End a silence now; what it held back and still fires is told."""
        return self._desk.end_silence(silence_id, by)

    def alert(self, alert_id: str) -> dict[str, Any]:
        """One alert with its history and its notices; NotFound when there is none."""
        return self._desk.alert(alert_id)

    def active(
        self,
        *,
        severity: str | None = None,
        category: str | None = None,
        source: str | None = None,
        q: str | None = None,
    ) -> dict[str, Any]:
        """What is wrong now: {"alerts": [...], "total": n}, worst first."""
        now = self._clock.now()
        with self._database.read() as connection:
            found, silences = store.active(connection), store.silences(connection, now)
            untold = watch.untold(connection, now)
        return report.active_document(
            found, silences, severity=severity, category=category, source=source, q=q, untold=untold
        )

    def stats(self) -> dict[str, Any]:
        """Counts by severity, category and state; times to acknowledge and to resolve; deliveries."""
        with self._database.read() as connection:
            counts = store.counts(connection)
            acknowledged = store.spans(connection, "acknowledged_at")
            resolved = store.spans(connection, "resolved_at")
        overview = self._outbox.overview(self._channels)
        return report.stats_document(counts, acknowledged, resolved, overview, self._channels)

    def history(
        self, *, limit: int = 100, before: str | int | None = None, alert_id: str | None = None
    ) -> dict[str, Any]:
        """Every step of every alert, or of one, newest first; `before` is `next_before` of the last page."""
        behind = report.checked_page(limit, before)
        with self._database.read() as connection:
            events = store.history(connection, limit + 1, behind, alert_id)
        return report.history_document(events, limit)

    def silences(self) -> dict[str, Any]:
        """The silences that have not ended: {"silences": [...], "total": n}."""
        with self._database.read() as connection:
            found = store.silences(connection, self._clock.now())
        return {"silences": [silence.document() for silence in found], "total": len(found)}

    def rules(self, state: str | None = None) -> dict[str, Any]:
        """Every rule, what it says and how it stands: see rules_document; InputRejected for no state."""
        if state is not None and state not in STATES:
            raise InputRejected(f"{state!r} is no state of a rule", f"Use {', '.join(STATES)}.")
        return rules_document(self._rules, self.event_rules, read_round(self._folder / STANDING), state)

    def test(self, by: str) -> dict[str, Any]:
        """Send a real test message through every channel, now, and say how each did."""
        return self._desk.test(self._channels.values(), by)

    def tick(self) -> int:
        """Let time pass, for the leader each second: expiries, reminders, the ends of silences."""
        self._poll(self.ingest)
        looked_at = self._ledger.tick()
        if looked_at:
            self._wake_senders()
        return looked_at

    def trim(self) -> None:
        """Delete what has been over for longer than ALERT_KEEP_DAYS."""
        before = self._clock.now() - timedelta(days=self._settings.keep_days)
        self._ledger.trim(self._folder, before)

    def health(self) -> Health:
        """Degraded while a channel fails, a notice is dead or late, or the journal cannot be written."""
        journal = self._source.journal
        try:
            overview = self._outbox.overview([*self._channels, HEARTBEAT])
        except (sqlite3.Error, OSError) as error:
            return Health(Level.DOWN, f"the alerts file cannot be read ({type(error).__name__})")
        names = [*self._channels, *([HEARTBEAT] if self._settings.heartbeat_url.get_secret_value() else [])]
        return report.health_of(
            overview,
            names,
            journal.waiting,
            journal.dropped,
            self._clock.now(),
            lag=timedelta(seconds=self._settings.lag_seconds),
        )

    def measures(self) -> Iterable[Measure]:
        """What is active, what was sent and what waits, of all workers."""
        with self._database.read() as connection:
            counts = store.counts(connection)
        return report.measures_of(counts, self._outbox.overview(self._channels))

    def _ingest_on(self) -> None:
        while not self._stopping.is_set():
            # Because what other processes have read is to be sent by the one that leads.
            delivers = bool(self._senders) and self._is_leader()
            self._woken.wait(_POLL_SECONDS if delivers else _CALM_SECONDS)
            with guard("alerts.ingest"):
                self._poll(self.ingest)
                self._pass_on()

    def _pass_on(self) -> None:
        """Wake the senders when any process has written what they may have to send, or this one now leads."""
        state = self._database.look(), self._is_leader()
        if state != self._passed_on:
            self._passed_on = state
            self._wake_senders()

    def _wake_senders(self) -> None:
        for sender in self._senders:
            sender.wake()


def _nobody_leads() -> bool:
    """As long as the page has not started."""
    return False
