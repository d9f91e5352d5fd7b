"""Records as JSON has them."""

from __future__ import annotations

from app.backup.records import document

from .samples import a_backup, a_run


def test_documents_have_times_as_text():
    """Times in a document are RFC 3339 in UTC."""
    assert document(a_backup())["started_at"] == "2026-11-23T12:00:00.000000Z"
    assert document(a_run())["state"] == "running"
