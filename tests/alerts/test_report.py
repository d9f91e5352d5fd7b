"""The documents that operators read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.alerts.model import Silence
from app.alerts.report import (
    active_document,
    health_of,
    history_document,
    measures_of,
    stats_document,
    word_of,
)
from app.core.clock import rfc3339
from app.core.errors import InputRejected
from app.core.health import Level
from app.core.measure import Sample
from app.core.signal import Category, Severity

from .examples import NOON, fired

ALERTS = [
    fired(title="disk", severity=Severity.LOW, category=Category.SYSTEM, message="Nearly full"),
    fired(NOON + timedelta(minutes=1), title="cpu", severity=Severity.CRITICAL, labels={"core": "Seventh"}),
    fired(title="gateway", severity=Severity.CRITICAL, source="shop"),
]
FINE = {
    "canary_at": None,
    "failures": 0,
    "last_error": "",
    "pending": 0,
    "oldest_pending_at": None,
    "dead_lately": 0,
}
COUNTS = [
    {"severity": "HIGH", "category": "SYSTEM", "state": "firing", "number": 2},
    {"severity": "HIGH", "category": "BUSINESS", "state": "resolved", "number": 3},
]


def titles(**filters: str) -> list[str]:
    """Of the active alerts that fit."""
    asked = {"severity": None, "category": None, "source": None, "q": None, **filters}
    return [alert["title"] for alert in active_document(ALERTS, [], **asked)["alerts"]]


def test_worst_and_newest_come_first() -> None:
    """As one reads after being woken."""
    assert titles() == ["cpu", "gateway", "disk"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"severity": "low"}, ["disk"]),
        ({"category": "SYSTEM"}, ["disk"]),
        ({"source": "shop"}, ["gateway"]),
        ({"q": "FULL"}, ["disk"]),
        ({"q": "seventh"}, ["cpu"]),
        ({"q": "seventh", "severity": "LOW"}, []),
    ],
)
def test_filters_narrow(filters: dict[str, str], found: list[str]) -> None:
    """In any case, over titles, messages, keys and labels."""
    assert titles(**filters) == found


def test_unknown_word_is_rejected_with_the_known_ones() -> None:
    """Not taken for a filter that finds nothing."""
    with pytest.raises(InputRejected) as caught:
        word_of(Severity, "urgent")
    assert caught.value.hint == "Use one of LOW, MEDIUM, HIGH, CRITICAL."


def test_silenced_alert_says_by_what() -> None:
    """So that nobody wonders why the phone is quiet."""
    quiet = Silence("s1", {"title": "cpu"}, NOON, NOON + timedelta(hours=1), "ana")
    shown = active_document(ALERTS, [quiet], severity=None, category=None, source=None, q=None)
    assert [alert["silenced_by"] for alert in shown["alerts"]] == [["s1"], [], []]


def test_storm_is_shown_in_part() -> None:
    """A thousand documents, and the true number."""
    shown = active_document(ALERTS * 400, [], severity=None, category=None, source=None, q=None)
    assert (len(shown["alerts"]), shown["total"]) == (1_000, 1_200)


def test_stats_count_by_everything() -> None:
    """All that is kept, and what is active of it, with typical times and every channel."""
    stats = stats_document(COUNTS, [], [10, 20, 90], {"old": {"sent": 1}, "email": {"sent": 0}}, ["email"])
    assert (stats["total"], stats["by_severity"]["HIGH"], stats["by_state"]["resolved"]) == (5, 5, 3)
    assert (stats["active"]["total"], stats["active"]["by_category"]["SYSTEM"]) == (2, 2)
    assert stats["time_to_resolve_seconds"] == {"count": 3, "mean": 40.0, "median": 20}
    assert stats["time_to_acknowledge_seconds"] == {"count": 0, "mean": None, "median": None}
    assert {name: known["configured"] for name, known in stats["channels"].items()} == {
        "old": False,
        "email": True,
    }


def test_history_pages() -> None:
    """A page says where the next begins, and the last one that there is none."""
    events = [{"id": number} for number in (9, 8, 7)]
    assert history_document(events, 2) == {"events": events[:2], "limit": 2, "next_before": 8}
    assert history_document(events, 3)["next_before"] is None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"failures": 1, "last_error": "refused"}, "email fails: refused"),
        ({"dead_lately": 2}, "2 notices for email could not be delivered within a day"),
        ({"oldest_pending_at": rfc3339(NOON - timedelta(minutes=6))}, "has waited since 2026-11-23T11:54"),
    ],
)
def test_trouble_with_a_channel_degrades(known: dict[str, Any], said: str) -> None:
    """And says which."""
    health = health_of({"email": {**FINE, **known}}, ["email"], 0, 0, NOON)
    assert health.level is Level.DEGRADED
    assert said in health.reason


def test_journal_that_cannot_be_written_degrades() -> None:
    """What waits and what was lost is told."""
    health = health_of({"email": FINE}, ["email"], 3, 1, NOON)
    assert health.level is Level.DEGRADED
    assert "3 facts wait in memory, 1 were lost" in health.reason


def test_all_is_well_in_silence() -> None:
    """A notice that has just been written is no trouble, nor is one of a channel that is gone."""
    overview = {"email": {**FINE, "oldest_pending_at": rfc3339(NOON)}, "gone": {**FINE, "failures": 9}}
    assert health_of(overview, ["email"], 0, 0, NOON).reason == ""


def test_no_channel_is_no_fault_but_said() -> None:
    """Alerts are kept and shown; who wants to be told configures a channel."""
    health = health_of({}, [], 0, 0, NOON)
    assert (health.level, health.reason) == (
        Level.OK,
        "no channel is configured: alerts are kept and shown, nobody is told",
    )


def test_measures_are_by_severity_category_channel_and_outcome() -> None:
    """A severity without alerts is a zero, so that a graph has no holes."""
    known = {**FINE, "sent": 4, "failed": 1, "dead": 0, "pending": 2}
    active, notices, pending = measures_of(COUNTS, {"email": known})
    assert Sample(2, {"severity": "HIGH", "category": "SYSTEM"}) in active.samples
    assert Sample(0, {"severity": "LOW", "category": "SYSTEM"}) in active.samples
    assert len(active.samples) == 16
    assert notices.samples[0] == Sample(4, {"channel": "email", "outcome": "sent"})
    assert pending.samples == [Sample(2, {"channel": "email"})]
