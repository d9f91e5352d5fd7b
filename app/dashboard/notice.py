"""The page that says what went wrong, for who pressed a button."""

from __future__ import annotations

from .layout import page
from .markup import tag
from .words import Words


def notice(words: Words, title: str, fact: str, hint: str, back: str) -> str:
    """A problem in words, and the way back to the dashboard."""
    return page(
        f"Atalaia · {title}",
        words,
        tag(
            "main",
            tag("h1", title),
            tag("p", fact, role="alert"),
            tag("p", hint, class_="hint") if hint else "",
            tag("p", tag("a", words.back, href=back)),
            class_="slip",
        ),
    )
