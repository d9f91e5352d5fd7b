"""Business metrics: what the host application records, added up into the dashboard of a period.

    from app.services.business_metrics import metrics
    metrics.conversation_started(user_id, channel="whatsapp")
    metrics.revenue("120.50", currency="BRL", key=booking_id)

Events are lines of a journal; the tables that answer questions are folded from them, and can be
folded anew. Several processes write, fold and ask at once, and every answer is about all of them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ..core.clock import Clock
from ..core.errors import Conflict, InputRejected, Unavailable
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.journal import Journal, files_of
from ..core.measure import Measure
from ..core.poll import JournalLook, Poll
from ..core.signal import Emit
from ..metrics.calendar import RANGE, Period, between, current, previous, zone_named
from ..metrics.events import BusinessEvents
from ..metrics.export import FORMATS, date_of, exported
from ..metrics.intake import Intake, Key, Money
from ..metrics.report import dashboard, measures
from ..metrics.settings import MetricsSettings
from ..metrics.store import Store
from ..metrics.trouble import CONFLICTS, health, measure, signals

__all__ = ["BusinessEvents", "BusinessMetrics", "metrics"]

metrics = BusinessEvents(Journal("metrics"))
"""What a host application records with; events wait in memory until the tower has opened its journal."""

_MOST_EVENTS = 10_000


class BusinessMetrics:
    """The reading end: folds the journals of a folder and answers from what they add up to."""

    def __init__(
        self, settings: MetricsSettings, events: BusinessEvents, folder: Path, clock: Clock, emit: Emit
    ) -> None:
        self._settings = settings
        self._events = events
        self._folder = folder
        self._clock = clock
        self._emit = emit
        self._zone = zone_named(settings.timezone or "UTC")
        self._store = Store(folder)
        self._poll = Poll(JournalLook(folder, clock), self._store.look)
        self._behind = False
        events.configure(clock, settings.currency)

    def fold(self) -> int:
        """Take in what was recorded since, by any process; returns the number of journal lines."""
        outcome: Counter[str] = Counter()
        try:
            lines = self._store.fold(self._clock.now(), outcome)
            self._note_losses()
        except (sqlite3.Error, OSError):
            self._behind = True
            raise
        finally:
            self._say(outcome)
        self._behind = False
        return lines

    def poll(self) -> int:
        """The same for who asks again and again: cheap while nothing was recorded."""
        self._note_losses()
        return self._poll(self.fold)

    def accept(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Record the events that HTTP callers send; each is accepted, a duplicate, or rejected with a reason.

        Unavailable when the journal cannot be written. Two workers that are sent the same key at once
        may both say accepted; it counts once all the same, because the fold decides that.
        """
        if len(events) > _MOST_EVENTS:
            raise InputRejected(f"more than {_MOST_EVENTS} events", "Send them in several requests.")
        now = self._clock.now()
        intake = Intake(events, now=now, default_currency=self._settings.currency)
        known: dict[Key, Money] = {}
        with guard("metrics.accept"):
            self.fold()
            known = self._store.counted(intake.keys())
        intake.sift(known)
        with guard("metrics.accept"):
            self._note({CONFLICTS: intake.conflicts})
        lines = [msgspec.to_builtins(event) for event in intake.fresh]
        if lines and not self._events.journal.append_all(lines):
            raise Unavailable("the journal cannot be written", "Free disk space, then send the events again.")
        return intake.document()

    def dashboard(
        self,
        *,
        period: str = "day",
        from_: str | None = None,
        to: str | None = None,
        tz: str | None = None,
    ) -> dict[str, Any]:
        """The business in a period and in the one before it; see docs/metrics.md for every field.

        `period` is a unit of the calendar so far (hour, day, week, month, year), unless `from_` is given.
        """
        shown = self._period(period, from_, to, tz)
        with guard("metrics.fold"):  # Because what was folded before is still worth an answer.
            self.fold()
        return {**self._sections(shown), "previous": self._sections(previous(shown))}

    def counted(self, name: str, begin: datetime, end: datetime) -> int:
        """How many events of a name happened from `begin` until `end`, in whole minutes."""
        with guard("metrics.fold"):
            self.fold()
        period = Period(RANGE, begin, end, self._zone)
        return sum(total.sums.events for total in self._store.sums(period) if total.name == name)

    def export(
        self,
        *,
        format: str = "csv",
        period: str = "day",
        from_: str | None = None,
        to: str | None = None,
        tz: str | None = None,
    ) -> Iterator[bytes]:
        """The journals' events of a period in blocks of CSV or JSON lines, told whether they count."""
        if format not in FORMATS:
            raise InputRejected(f"{format[:64]!r} is not a format", f"Choose one of {', '.join(FORMATS)}.")
        shown = self._period(period, from_, to, tz)
        with guard("metrics.fold"):
            self.fold()
        return exported(self._folder, shown, format, self._store.counts)

    def rebuild(self) -> int:
        """Add up all journals from nothing, while others record and ask; returns the number of lines."""
        if "trimmed" in self._store.tallies():
            raise Conflict(
                "journals have been deleted by age, and would be missing",
                "Restore them, or keep the tables; METRICS_JOURNAL_KEEP_DAYS=0 keeps journals.",
            )
        return self._store.rebuild(self._clock.now())

    def trim(self) -> int:
        """Delete journals older than METRICS_JOURNAL_KEEP_DAYS that are folded to the end; how many."""
        if not self._settings.journal_keep_days:
            return 0
        self.fold()
        oldest = (self._clock.now() - timedelta(days=self._settings.journal_keep_days)).date()
        unfolded = self._store.unfolded()
        old = [
            file for file in files_of(self._folder) if date_of(file) < oldest and file.name not in unfolded
        ]
        if old:
            # Because a rebuild must know that they are missing, also when we are killed halfway.
            self._store.tally(self._clock.now(), {"trimmed": len(old)})
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def quarantine(self, *, limit: int = 100) -> dict[str, Any]:
        """The newest journal lines that were no events, with the reason of each."""
        return {"lines": self._store.quarantine(limit)}

    def health(self) -> Health:
        """Degraded while the disk refuses events, and for an hour after some were not counted."""
        try:
            tallies = self._store.tallies()
        except (sqlite3.Error, OSError) as error:
            return Health(Level.DOWN, f"the rollups cannot be read ({type(error).__name__})")
        waiting, now = self._events.journal.waiting, self._clock.now().timestamp()
        return health(tallies, waiting=waiting, behind=self._behind, now=now)

    def measures(self) -> Iterable[Measure]:
        """Events and money over all time, and what was not counted."""
        with guard("metrics.fold"):
            self.fold()
        return (*measures(self._store.ever()), measure(self._store.tallies()))

    def close(self) -> None:
        """Let go of the rollups; the journal belongs to `metrics`."""
        self._store.close()

    def _period(self, unit: str, from_: str | None, to: str | None, tz: str | None) -> Period:
        zone, now = zone_named(tz) if tz else self._zone, self._clock.now()
        if from_ is not None:
            return between(from_, to, now, zone)
        if to is not None:
            raise InputRejected("there is a to without a from", "Give both, or a period.")
        return current(unit, now, zone)

    def _sections(self, period: Period) -> dict[str, Any]:
        flow = self._store.flow(period, timedelta(hours=self._settings.conversation_active_hours))
        sections = dashboard(self._store.sums(period), flow, self._settings.currency)
        return {"period": period.document(), **sections}

    def _note_losses(self) -> None:
        """Write down what this process lost since, so that every process tells it."""
        with self._events.telling:
            untold = self._events.untold()
            self._note(untold)
            self._events.told += untold

    def _note(self, troubles: Mapping[str, int]) -> None:
        if any(troubles.values()):
            self._store.tally(self._clock.now(), troubles)
            self._say(troubles)

    def _say(self, troubles: Mapping[str, int]) -> None:
        for signal in signals(troubles):
            self._emit(signal)
