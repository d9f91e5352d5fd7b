"""The kinds of errors show what keeps going wrong, and since when."""

from __future__ import annotations

from app.dashboard.cards import errors
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_kinds_are_shown_with_their_count_and_times() -> None:
    """Those of the document, in its order."""
    made = errors.markup(errors.view(documents.errors()), frame())
    for text in ("ValueError: cannot pay", "shop/orders.py:21 pay", "app.orders", "1,234", "5 min ago"):
        assert text in made


def test_no_errors_is_said() -> None:
    """In the language of who asks."""
    assert "No errors." in errors.markup(errors.view({"errors": []}), frame())
    assert "Nenhum erro." in errors.markup(errors.view({"errors": []}), frame(words=PORTUGUESE))


def test_errors_without_times_break_nothing() -> None:
    """A line of another program may be in the file."""
    group = {**documents.errors()["errors"][0], "first_seen": "", "last_seen": "yesterday", "type": ""}
    assert "cannot pay" in errors.markup(errors.view({"errors": [group]}), frame())
