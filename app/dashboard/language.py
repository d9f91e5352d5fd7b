"""Which language a person reads: what they ask for, else what their browser says."""

from __future__ import annotations

from .english import ENGLISH
from .portuguese import PORTUGUESE
from .words import Words

_LANGUAGES = {"en": ENGLISH, "pt": PORTUGUESE}


def language_of(asked: str | None, accept_language: str) -> Words:
    """The language that ?lang= asks for, else the first of Accept-Language that we speak, else English."""
    for wanted in (asked or "", *_by_preference(accept_language)):
        words = _LANGUAGES.get(wanted.strip().lower().partition("-")[0])
        if words is not None:
            return words
    return ENGLISH


def _by_preference(accept_language: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first; nonsense counts for nothing."""
    wanted = []
    for part in accept_language[:500].split(","):
        language, _, quality = part.partition(";q=")
        try:
            wanted.append((-float(quality or 1), language))
        except ValueError:
            continue
    return [language for _, language in sorted(wanted, key=lambda pair: pair[0])]
