"""The newest log records are shown as they were written."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.dashboard.cards import logs
from tests.dashboard import documents
from tests.dashboard.documents import NOW, frame


def test_log_records_are_shown_as_they_were_written() -> None:
    """With when, how bad and where."""
    made = logs.markup(logs.view(documents.logs("paid\ntwice")), frame())
    for text in ("2026-11-23 11:59:59", "INFO", "app.orders", "paid\ntwice"):
        assert text in made


def test_records_without_fields_break_nothing() -> None:
    """A line of another program may be in the file."""
    assert "<tr>" in logs.markup(logs.view({"records": [{}]}), frame())
    assert "No records" in logs.markup(logs.view({"records": []}), frame())


def test_times_are_those_of_the_readers_clock() -> None:
    """A person who reads the page at night compares them with the clock on the wall."""
    there = frame(now=NOW.astimezone(ZoneInfo("America/Sao_Paulo")))
    assert "2026-11-23 08:59:59" in logs.markup(logs.view(documents.logs()), there)
