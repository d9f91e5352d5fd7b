"""A business whose events the tests record, fold and ask about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.core.journal import Journal
from app.metrics.model import Event, checked
from app.metrics.settings import MetricsSettings
from app.services.business_metrics import BusinessEvents, BusinessMetrics
from app.testing import FrozenClock, RecordingEmit


class Desk:
    """The writing and the reading end over one folder, as one worker process has them."""

    def __init__(self, folder: Path, clock: FrozenClock | None = None, **settings: Any) -> None:
        self.folder = folder
        self.clock = clock or FrozenClock()
        self.emit = RecordingEmit()
        self.events = BusinessEvents(Journal("metrics"))
        self.events.journal.open(folder, self.clock)
        self.page = BusinessMetrics(
            MetricsSettings(**{"timezone": "UTC", **settings}), self.events, folder, self.clock, self.emit
        )

    def close(self) -> None:
        self.events.journal.close()
        self.page.close()


def event(name: str, at: str = "2026-11-23T10:00:00Z", **fields: Any) -> Event:
    """An event that happened at noon or before it, as the journal keeps it."""
    return checked(name, now=FrozenClock().now(), default_currency="BRL", at=at, **fields)


def write_journal(folder: Path, process: str, events: Iterable[Event | bytes]) -> Path:
    """The journal file that a process of another life left behind."""
    folder.mkdir(exist_ok=True)
    path = folder / f"2026-11-23.{process}.jsonl"
    with path.open("ab") as file:
        file.writelines(e + b"\n" if isinstance(e, bytes) else msgspec.json.encode(e) + b"\n" for e in events)
    return path


def answers(folder: Path, *, periods: Sequence[str] = ("hour", "day", "year")) -> list[dict[str, Any]]:
    """The dashboards of a folder's journals at noon."""
    desk = Desk(folder)
    documents = [desk.page.dashboard(period=period) for period in periods]
    desk.close()
    return documents
