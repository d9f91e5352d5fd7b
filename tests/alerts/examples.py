"""Alerts, observations and notices for tests, and a room in which time stands still."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from app.alerts import store
from app.alerts.channels.recording import RecordingChannel
from app.alerts.facts import Observed, observed
from app.alerts.lanes import lane_of, with_people
from app.alerts.ledger import Ledger
from app.alerts.message import Style
from app.alerts.model import Alert, Kind, Notice
from app.alerts.outbox import Outbox
from app.alerts.plan import EVERYBODY, Plan
from app.alerts.policy import policy_of
from app.alerts.sender import Sender
from app.alerts.settings import AlertSettings
from app.alerts.source import AlertSource
from app.alerts.state import observe
from app.core.clock import parse_rfc3339
from app.core.journal import Journal
from app.core.signal import Category, Condition, Severity, Signal
from app.testing import FrozenClock

NOON = parse_rfc3339("2026-11-23T12:00:00Z")
ENGLISH = Style(language="en", host="shop-1", dashboard_url="https://shop.example/production/")
PORTUGUESE = Style(language="pt-BR", host="loja-1")


def a_signal(title: str = "Gateway refuses", **changes: Any) -> Signal:
    """A HIGH business alert of the application, with the title as its key."""
    said: dict[str, Any] = {
        "source": "app",
        "key": title,
        "title": title,
        "severity": Severity.HIGH,
        "category": Category.BUSINESS,
    }
    return Signal(**{**said, **changes})


def seen(at: datetime = NOON, **changes: Any) -> Observed:
    """The signal as it is observed at a time."""
    return observed(a_signal(**changes), at, str)


def cleared(at: datetime = NOON, **changes: Any) -> Observed:
    """The end of the signal's condition."""
    return seen(at, condition=Condition.CLEARED, **changes)


def fired(at: datetime = NOON, **changes: Any) -> Alert:
    """An alert that has just begun."""
    alert = observe(None, None, seen(at, **changes)).alert
    assert alert is not None
    return alert


def a_notice(kind: Kind = Kind.FIRED, **changes: Any) -> Notice:
    """A notice of an alert that has just begun."""
    alert = fired(**changes)
    return Notice(f"{alert.id}.{kind}.test", kind, alert)


class Room:
    """Ledger, outbox and senders on a frozen clock, without threads: all happens when it is told to."""

    def __init__(
        self,
        folder: Path,
        clock: FrozenClock,
        channels: Sequence[RecordingChannel] | None = None,
        plan: Plan = EVERYBODY,
        **settings: Any,
    ) -> None:
        self.clock = clock
        self.folder = folder
        self.channels = list(channels or [RecordingChannel()])
        self.database = store.open_store(folder)
        self.source = AlertSource(Journal("alerts"))
        self.source.clock = clock
        self.source.journal.open(folder, clock)
        self.source.on_fact = self._notice
        self._is_told = True
        asked = AlertSettings(**{"settle_seconds": 0, "announce_acknowledgements": False, **settings})
        lanes = with_people(self.channels, plan)
        self.policy = policy_of(asked, plan, [lane_of(channel, asked) for channel in lanes])
        self.ledger = Ledger(self.database, self.policy, clock)
        self.outbox = Outbox(self.database, self.policy, clock)
        self.senders = [
            Sender(channel, self.outbox, lambda: True, self.source.observe, clock) for channel in lanes
        ]
        self._lanes = {channel.name: sender for channel, sender in zip(lanes, self.senders, strict=True)}

    def observe(self, title: str = "Gateway refuses", **changes: Any) -> None:
        """A signal comes and is read."""
        self.source.observe(a_signal(title, **changes))
        self.ledger.fold(self.folder)

    def clear(self, title: str = "Gateway refuses", **changes: Any) -> None:
        """Its condition is over."""
        self.observe(title, condition=Condition.CLEARED, **changes)

    def deliver(self) -> None:
        """Every sender delivers until nothing is left to do now."""
        while sum(sender.deliver_next() or sender.ask_next() for sender in self._with_due()):
            pass
        self.read()

    def read(self) -> None:
        """What was written since it was read last is read, as by a page that is woken."""
        if self._is_told:
            self._is_told = False
            self.ledger.fold(self.folder)

    def pass_time(self, **by: float) -> None:
        """Time passes, the leader ticks once, and the senders deliver."""
        self.clock.advance(**by)
        self.read()
        self.ledger.tick()
        self.deliver()

    def said(self, channel: int = 0) -> list[str]:
        """The kinds of the notices that a channel delivered, in order."""
        return [notice.kind.value for notice in self.channels[channel].notices]

    def alert(self, title: str = "Gateway refuses", **changes: Any) -> Alert:
        """The newest episode of the signal."""
        with self.database.read() as connection:
            found = store.newest(connection, seen(title=title, **changes).fingerprint)
        assert found is not None
        return found

    def reasons(self, what: str = "withheld") -> list[str]:
        """Why, of every step of that name, oldest first."""
        with self.database.read() as connection:
            events = store.history(connection, 1_000, 1 << 62, None)
        return [event["why"] for event in reversed(events) if event["what"] == what]

    def rows(self) -> list[Mapping[str, Any]]:
        """The rows of the outbox."""
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute("select * from outbox order by id")]

    def _with_due(self) -> list[Sender]:
        return [self._lanes[name] for name in self.outbox.with_due(list(self._lanes))]

    def _notice(self) -> None:
        self._is_told = True

    def close(self) -> None:
        """Let go of the files."""
        self.source.journal.close()
        self.database.close()


def journal_lines(folder: Path) -> list[dict[str, Any]]:
    """What stands in the journals of a folder."""
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
