"""The login page asks for a token and for nothing else."""

from __future__ import annotations

from app.dashboard.login import login_page
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard.documents import HOSTILE
from tests.dashboard.outline import Outline


def test_the_login_page_asks_for_a_token() -> None:
    """And says why the last one did not open."""
    page = Outline(login_page(PORTUGUESE, "/production/login", HOSTILE))
    (form,) = page.all("form")
    assert (form["method"], form["action"]) == ("post", "/production/login")
    assert [field["type"] for field in page.all("input")] == ["password"]
    assert HOSTILE in page.text
