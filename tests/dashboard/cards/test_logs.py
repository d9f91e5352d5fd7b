"""The newest log records are shown as they were written."""

from __future__ import annotations

from app.dashboard.cards import logs
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_log_records_are_shown_as_they_were_written() -> None:
    """With when, how bad and where."""
    made = logs.markup(logs.view(documents.logs("paid\ntwice")), frame())
    for text in ("2026-11-23 11:59:59", "INFO", "app.orders", "paid\ntwice"):
        assert text in made


def test_records_without_fields_break_nothing() -> None:
    """A line of another program may be in the file."""
    assert "<tr>" in logs.markup(logs.view({"records": [{}]}), frame())
    assert "No records" in logs.markup(logs.view({"records": []}), frame())
