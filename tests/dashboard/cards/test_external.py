"""The external services are shown with whether they answer."""

from __future__ import annotations

from app.dashboard.cards import external
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_external_services_say_why_they_do_not_answer() -> None:
    """And when they were asked last."""
    down = documents.service(level="critical", reason="connection refused", latency_ms=None)
    made = external.markup(external.view({"external": {"services": [down]}}), frame())
    assert "connection refused" in made
    assert "30 s ago" in made


def test_without_external_services_the_card_says_so() -> None:
    """There is no table of nothing."""
    assert "No external service" in external.markup(external.view({"external": {"services": []}}), frame())
