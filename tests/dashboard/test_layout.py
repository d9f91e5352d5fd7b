"""Every page is in a frame that lets nothing else in."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from app.dashboard.layout import page, policy
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard.outline import Outline


def test_the_policy_lets_in_our_style_and_nothing_else() -> None:
    """The style is part of the page, and the policy knows its hash."""
    made = page("x", PORTUGUESE)
    style = re.search(r"<style>(.*?)</style>", made, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()
    assert policy().startswith("default-src 'none'")
    assert "script" not in policy()


def test_a_page_says_its_language_and_title() -> None:
    """And asks for itself again only when it is told to."""
    still, moving = (Outline(page("a < b", PORTUGUESE, refresh_seconds=seconds)) for seconds in (None, 30))
    assert still.all("html") == [{"lang": "pt-BR"}]
    assert "a < b" in still.text
    refresh = {"http-equiv": "refresh", "content": "30"}
    assert (refresh in still.all("meta"), refresh in moving.all("meta")) == (False, True)
