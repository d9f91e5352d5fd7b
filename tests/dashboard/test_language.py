"""People get the language that they ask for, then the one their browser speaks, then English."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from app.dashboard.english import ENGLISH
from app.dashboard.language import language_of
from app.dashboard.portuguese import PORTUGUESE
from app.dashboard.words import Words

# Because these words are understood in both.
SAME = {"key", "named"}


@pytest.mark.parametrize(
    ("asked", "header", "expected"),
    [
        (None, "", "en"),
        (None, "pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        (None, "en-GB;q=0.5, pt;q=0.9", "pt-BR"),
        (None, "de, *;q=0.1", "en"),
        (None, "pt;q=many, en", "en"),
        ("pt-BR", "en", "pt-BR"),
        ("PT", "en", "pt-BR"),
        ("en", "pt-BR", "en"),
        ("klingon", "pt", "pt-BR"),
        ("../../etc", ",;q=;;,=" * 1000, "en"),
    ],
)
def test_the_language_is_found(asked: str | None, header: str, expected: str) -> None:
    """Nonsense counts for nothing."""
    assert language_of(asked, header).language == expected


def test_no_text_was_left_in_english() -> None:
    """Every text has its own words in Portuguese."""
    texts = [field.name for field in fields(Words) if field.type == "str" and field.name not in SAME]
    assert [name for name in texts if getattr(ENGLISH, name) == getattr(PORTUGUESE, name)] == []


def test_the_places_of_values_are_the_same() -> None:
    """Or one language would fail where the other does not."""
    for field in fields(Words):
        if field.type == "str":
            english, portuguese = (_places(getattr(words, field.name)) for words in (ENGLISH, PORTUGUESE))
            assert english == portuguese, field.name


def test_what_english_names_portuguese_names_too() -> None:
    """Words of the documents are translated wherever they are worded."""
    assert ENGLISH.named.keys() <= PORTUGUESE.named.keys()


def _places(text: str) -> set[str]:
    return set(re.findall(r"{\w+}", text))
