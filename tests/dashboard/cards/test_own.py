"""The host's own cards show its names and values."""

from __future__ import annotations

from app.dashboard.cards import own
from app.dashboard.markup import joined
from tests.dashboard.documents import HOSTILE, frame


def test_each_card_has_its_title_and_its_pairs() -> None:
    """Whatever they are, they are text."""
    made = joined(own.markup(own.view({"Queue": {"waiting": 7, "oldest": None}, HOSTILE: {}}), frame()))
    assert '<h2 id="own-0-heading">Queue</h2>' in made
    assert "<dt>waiting</dt><dd><bdi>7</bdi></dd>" in made
    assert "<script" not in made


def test_without_own_cards_there_is_nothing() -> None:
    """No empty frame."""
    assert joined(own.markup(own.view({}), frame())) == ""
