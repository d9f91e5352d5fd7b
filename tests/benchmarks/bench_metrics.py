"""What a business event costs: `python -m tests.benchmarks.bench_metrics`.

Each cost is CPU time in rounds that take turns, so that a busy machine slows all of them; what is
worth comparing are the ratios of the medians.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter

from app.core.journal import Journal
from app.metrics.events import BusinessEvents
from app.metrics.model import Event, checked
from app.metrics.settings import MetricsSettings
from app.metrics.store import Store
from app.services.business_metrics import BusinessMetrics
from app.testing import FrozenClock, RecordingEmit

ROUNDS = 9
CALLS = 5_000
EVENTS = 200_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare("One event (µs of CPU)", callers(Path(folder)))
    for keyed in (0.0, 0.13, 1.0):
        with tempfile.TemporaryDirectory() as folder:
            fold_a_year(Path(folder), keyed)


def callers(folder: Path) -> dict[str, Callable[[], object]]:
    """Ways to tell of one conversation that began; the first is what the others are compared with."""
    encode, raw = (
        msgspec.json.Encoder().encode,
        os.open(folder / "raw", os.O_CREAT | os.O_APPEND | os.O_WRONLY),
    )
    journal, events = Journal("floor"), BusinessEvents(Journal("metrics"))
    journal.open(folder)
    events.journal.open(folder)
    registry = CollectorRegistry()
    counter = PrometheusCounter("conversations", "Begun.", ["channel", "kind", "unit"], registry=registry)
    fact = {
        "name": "conversation_started",
        "at": datetime.now(UTC),
        "user_id": "5511999999999",
        "conversation_id": "c-12345678",
        "tags": {"channel": "whatsapp"},
    }
    return {
        "msgspec and os.write": lambda: os.write(raw, encode(fact) + b"\n"),
        "Journal.append": lambda: journal.append(fact),
        "metrics.conversation_started": lambda: events.conversation_started(
            "5511999999999", conversation_id="c-12345678", channel="whatsapp"
        ),
        "metrics.revenue": lambda: events.revenue("120.50", currency="BRL", key="b-1"),
        "metrics.record": lambda: events.record("nps", 9, unit="score"),
        "prometheus_client counter": lambda: counter.labels("whatsapp", "new", "sp").inc(),
    }


def compare(title: str, ways: dict[str, Callable[[], object]]) -> None:
    """Run all ways in turns and print their medians, with the ratio to the first."""
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(CALLS):
                way()
            rounds[name].append((time.process_time() - began) / CALLS * 1e6)
    say(f"\n{title}")
    medians = {name: statistics.median(costs) for name, costs in rounds.items()}
    floor = next(iter(medians.values()))
    for name, median in medians.items():
        say(f"  {name:32} {median:6.2f}   {median / floor:5.1f} x")


def fold_a_year(folder: Path, keyed: float) -> None:
    """Fold a year of conversations, ask about it, and print what each took."""
    lines = [msgspec.json.encode(event) + b"\n" for event in a_year(keyed)]
    (folder / "2026-01-01.1-aa.jsonl").write_bytes(b"".join(lines))
    now = datetime(2026, 12, 30, 15, 47, tzinfo=UTC)
    store = Store(folder)
    began = time.process_time()
    store.fold(now, Counter())
    rate = len(lines) / (time.process_time() - began)
    store.close()
    say(f"\nFold of {len(lines)} events over a year, {keyed:.0%} with a key")
    say(f"  {rate:,.0f} events per CPU second")
    say(f"  {(folder / 'metrics.sqlite').stat().st_size / len(lines):.0f} bytes of SQLite per event")
    say(f"  {sum(map(len, lines)) / len(lines):.0f} bytes of journal per event")
    ask(folder, now)


def ask(folder: Path, now: datetime) -> None:
    """Print the CPU time of the dashboard of each period."""
    settings, events = MetricsSettings(timezone="America/Sao_Paulo"), BusinessEvents(Journal("metrics"))
    page = BusinessMetrics(settings, events, folder, FrozenClock(now.isoformat()), RecordingEmit())
    for period in ("hour", "day", "week", "month", "year"):
        cost = median_ms(lambda p=period: page.dashboard(period=p))
        say(f"  dashboard of the {period:5} {cost:8.1f} ms of CPU")
    page.close()


def a_year(keyed: float) -> Iterator[Event]:
    """Conversations of six events or so, some with a lead and a sale, spread over 2026."""
    chance = random.Random(1)
    told, start = 0, datetime(2026, 1, 1, tzinfo=UTC)
    while told < EVENTS:
        at = start + timedelta(days=365 * told / EVENTS)
        user, conversation = f"5511{chance.randrange(EVENTS // 30):09}", f"c{told}"
        for name in a_conversation(chance):
            at += timedelta(seconds=chance.random() * 60)
            yield checked(
                name,
                now=at,
                default_currency="BRL",
                user_id=user,
                conversation_id=conversation,
                key=f"k{told}" if name == "revenue" or chance.random() < keyed else None,
                amount="120.50" if name == "revenue" else None,
                tags={"source": chance.choice("abcdefgh")} if name == "lead_generated" else None,
            )
            told += 1


def a_conversation(chance: random.Random) -> list[str]:
    """The names of its events, in their order."""
    lead = ["lead_generated"] if chance.random() < 0.5 else []
    sale = ["booking_requested", "booking_confirmed", "revenue"] if chance.random() < 0.3 else []
    return [
        "conversation_started",
        *["message"] * chance.randrange(2, 6),
        *lead,
        *sale,
        "conversation_ended",
    ]


def median_ms(question: Callable[[], object]) -> float:
    """CPU milliseconds of the third of five answers."""
    costs = []
    for _ in range(5):
        began = time.process_time()
        question()
        costs.append((time.process_time() - began) * 1e3)
    return statistics.median(costs)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
