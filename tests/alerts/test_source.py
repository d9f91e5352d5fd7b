"""The writing end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from app.alerts.source import AlertSource
from app.core.guard import failures
from app.core.journal import Journal
from app.core.signal import Category, Severity
from app.testing import FrozenClock

from .examples import a_signal, journal_lines


@pytest.fixture
def source(tmp_path: Path, clock: FrozenClock) -> Any:
    """A source with an open journal."""
    opened = AlertSource(Journal("alerts"))
    opened.clock = clock
    opened.journal.open(tmp_path, clock)
    yield opened
    opened.journal.close()


def test_raise_is_on_disk_when_it_returns(source: AlertSource, tmp_path: Path) -> None:
    """One JSON line, and the fingerprint of the alert as the answer."""
    name = source.raise_alert(
        "Gateway refuses", severity=Severity.HIGH, category=Category.BUSINESS, key="gateway"
    )
    (line,) = journal_lines(tmp_path)
    assert (line["fact"], line["fingerprint"], line["key"]) == ("observed", name, "gateway")
    assert line["severity"] == "HIGH"


def test_resolve_is_the_end_of_the_same_condition(source: AlertSource, tmp_path: Path) -> None:
    """The same source, category and key."""
    name = source.raise_alert("Gateway refuses", category=Category.BUSINESS, key="gateway")
    source.resolve_alert("gateway", category=Category.BUSINESS)
    line = journal_lines(tmp_path)[1]
    assert (line["fingerprint"], line["condition"]) == (name, "cleared")


def test_title_is_the_key_where_there_is_none(source: AlertSource) -> None:
    """So that the shortest call does what one expects."""
    assert source.raise_alert("x") == source.raise_alert("x", key="x", message="again")


@pytest.mark.parametrize(
    "arguments",
    [
        {"severity": "urgent"},
        {"severity": "critical", "category": "nonsense"},
        {"labels": {"a": object(), 3: None}},
        {"message": b"bytes"},
        {"key": 17},
        {"title": None},
    ],
)
def test_raise_takes_what_it_is_given(source: AlertSource, tmp_path: Path, arguments: dict[str, Any]) -> None:
    """Whoever raises an alert in an emergency must not get an exception for it."""
    assert source.raise_alert(**{"title": "t", **arguments})
    assert len(journal_lines(tmp_path)) == 1


def test_unknown_severity_is_high(source: AlertSource, tmp_path: Path) -> None:
    """Rather too bad than not noticed."""
    source.raise_alert("t", severity="urgent")  # type: ignore[arg-type]
    assert journal_lines(tmp_path)[0]["severity"] == "HIGH"


def test_what_cannot_be_written_raises_nothing_and_is_counted(source: AlertSource) -> None:
    """Observing never breaks the observed, and never hides that it failed."""

    class Rude:
        def items(self) -> Any:
            raise RuntimeError("no labels for you")

    before = failures.snapshot().get("alerts.raise")
    source.raise_alert("t", labels=Rude())  # type: ignore[arg-type]
    assert failures.snapshot()["alerts.raise"].count == (before.count if before else 0) + 1


def test_raise_before_the_journal_is_open_waits(tmp_path: Path) -> None:
    """An alert of the first import is on disk once the tower stands."""
    source = AlertSource(Journal("alerts"))
    source.raise_alert("early")
    assert source.journal.waiting == 1
    source.journal.open(tmp_path)
    assert [line["title"] for line in journal_lines(tmp_path)] == ["early"]
    source.journal.close()


def test_every_fact_wakes(source: AlertSource) -> None:
    """Who reads the journal does not have to wait for its next turn."""
    woken = threading.Event()
    source.on_fact = woken.set
    source.observe(a_signal())
    assert woken.is_set()
