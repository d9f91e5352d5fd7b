"""The business of today stands beside that of yesterday."""

from __future__ import annotations

from app.dashboard.cards import business
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_business_compares_today_with_yesterday() -> None:
    """Money is exact and per currency."""
    euros = {"EUR": {"net": "0.10"}}
    document = documents.business(revenue={**documents.business()["revenue"], **euros})
    made = business.markup(business.view(document), frame(words=PORTUGUESE))
    assert "<td>BRL 12.345,60</td><td>BRL 12.345,60</td>" in made
    assert "<td>EUR 0,10</td><td>EUR 0</td>" in made
