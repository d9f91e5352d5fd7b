"""The requests are shown with their rate, errors and percentiles."""

from __future__ import annotations

from app.dashboard.cards import requests
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_requests_show_rate_errors_and_percentiles() -> None:
    """With the routes that take most time."""
    made = requests.markup(requests.view(documents.performance()), frame(words=PORTUGUESE))
    for text in ("4,0", "1,0 %", "180 ms", "2,40 s", "GET /orders/{id}", "1.200"):
        assert text in made


def test_without_requests_the_card_says_so() -> None:
    """There is no table of nothing."""
    idle = {**documents.performance()["requests"], **documents.timing(count=0, p50_ms=None), "by_route": []}
    made = requests.markup(requests.view(documents.performance(requests=idle)), frame())
    assert "No requests" in made
    assert "<table" not in made
