"""A notice says what went wrong and leads back."""

from __future__ import annotations

from app.dashboard.notice import notice
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard.documents import HOSTILE
from tests.dashboard.outline import Outline


def test_a_notice_leads_back() -> None:
    """It says what went wrong and what to do."""
    page = Outline(notice(PORTUGUESE, "Conflict", HOSTILE, "Wait.", "/production/"))
    assert page.all("a") == [{"href": "/production/"}]
    assert HOSTILE in page.text
    assert "Wait." in page.text
