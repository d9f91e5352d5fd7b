"""The typed calls record what a host says, and never break the host."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.guard import failures
from app.core.journal import Journal
from app.metrics.events import BusinessEvents
from app.testing import FrozenClock


@pytest.fixture
def events(tmp_path: Path, clock: FrozenClock) -> Iterator[BusinessEvents]:
    """The calls of a host whose journal is open."""
    events = BusinessEvents(Journal("metrics"))
    events.configure(clock, "BRL")
    events.journal.open(tmp_path, clock)
    yield events
    events.journal.close()


def recorded(folder: Path) -> list[dict[str, Any]]:
    """The lines of all journals, without the time that they share."""
    lines = (line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines())
    return [{k: v for k, v in json.loads(line).items() if k != "at"} for line in lines]


def test_every_call_of_the_trade_is_one_line(events: BusinessEvents, tmp_path: Path) -> None:
    """The names of the calls are the names of the events."""
    assert events.conversation_started("u", conversation_id="c", channel="whatsapp")
    assert events.conversation_ended("u", conversation_id="c", outcome="abandoned")
    assert events.conversation_handed_off("u", agent="ana")
    assert events.lead_generated("u", source="ads")
    assert events.lead_qualified("u", score=0.8)
    assert events.booking_requested("b1", user_id="u")
    assert events.booking_confirmed("b1", user_id="u")
    assert events.booking_cancelled("b1", key="b1-again")
    assert events.revenue("120.50", currency="USD", key="b1")
    assert events.refund("20.50", of="b1", currency="USD")
    assert events.cost(3, kind="llm")
    assert recorded(tmp_path) == [
        {
            "name": "conversation_started",
            "user_id": "u",
            "conversation_id": "c",
            "tags": {"channel": "whatsapp"},
        },
        {
            "name": "conversation_ended",
            "user_id": "u",
            "conversation_id": "c",
            "tags": {"outcome": "abandoned"},
        },
        {"name": "conversation_handed_off", "user_id": "u", "tags": {"agent": "ana"}},
        {"name": "lead_generated", "user_id": "u", "tags": {"source": "ads"}},
        {"name": "lead_qualified", "user_id": "u", "value": 0.8},
        {"name": "booking_requested", "key": "b1", "user_id": "u"},
        {"name": "booking_confirmed", "key": "b1", "user_id": "u"},
        {"name": "booking_cancelled", "key": "b1-again"},
        {"name": "revenue", "key": "b1", "amount": "120.50", "currency": "USD"},
        {"name": "refund", "amount": "20.50", "currency": "USD", "of": "b1"},
        {"name": "cost", "amount": "3.00", "currency": "BRL", "tags": {"kind": "llm"}},
    ]


def test_a_line_is_in_the_file_before_the_call_returns(events: BusinessEvents, tmp_path: Path) -> None:
    """No buffer of ours stands between the call and the kernel."""
    assert events.record("nps", 9, unit="score", tags={"unit": "sp"})
    assert recorded(tmp_path) == [{"name": "nps", "value": 9, "unit": "score", "tags": {"unit": "sp"}}]


def test_events_before_the_journal_is_open_wait_for_it(tmp_path: Path) -> None:
    """What a host records while it starts is written when the tower stands."""
    events = BusinessEvents(Journal("metrics"))
    assert not events.conversation_started("u")
    events.journal.open(tmp_path)
    events.journal.close()
    assert recorded(tmp_path) == [{"name": "conversation_started", "user_id": "u"}]


class Unprintable:
    """A value that fails when it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")


def test_no_argument_breaks_the_host(events: BusinessEvents, tmp_path: Path) -> None:
    """Bad arguments are counted, never raised, and leave no line."""
    wrong: Any = 19.90
    assert not events.revenue(wrong, key="b1")
    assert not events.revenue("12,50", key="b1")
    assert not events.record("Bad Name")
    assert not events.record("nps", value="nine")  # type: ignore[arg-type]
    assert not events.conversation_started("u" * 201)
    assert not events.cost("1", currency="reais")
    assert not events.conversation_started("u", at="yesterday")
    assert events.refused == 7
    assert not events.conversation_started("u", mood=Unprintable())
    assert failures.snapshot()["metrics.record"].count >= 1
    assert recorded(tmp_path) == []


def test_a_refusal_is_logged_with_its_reason_once_a_minute(
    events: BusinessEvents, caplog: pytest.LogCaptureFixture
) -> None:
    """A programming error is seen, and does not flood the log."""
    with caplog.at_level(logging.WARNING, "atalaia.metrics"):
        for _ in range(100):
            events.record("nps", amount=1.5)  # type: ignore[arg-type]
    (line,) = caplog.messages
    assert "nps" in line
    assert "float is not exact" in line
