"""Business: what came of today so far, and what yesterday had come to at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import figures
from ..markup import Markup
from ..parts import Frame, card, table
from ..words import Words

NAME = "business"

_COUNTS = (
    ("conversations", "started"),
    ("conversations", "completed"),
    ("leads", "generated"),
    ("leads", "qualified"),
    ("bookings", "requested"),
    ("bookings", "confirmed"),
)


@dataclass(frozen=True, slots=True)
class View:
    """One figure of today and yesterday; with a currency it is an exact amount."""

    name: str
    today: str
    yesterday: str
    currency: str = ""


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From GET /production/metrics/business of the day."""
    previous = document["previous"]
    counts = [
        View(f"{section}.{name}", str(document[section][name]), str(previous[section][name]))
        for section, name in _COUNTS
    ]
    revenue, before = document["revenue"], previous["revenue"]
    return counts + [
        View("revenue", _net(revenue, code), _net(before, code), code) for code in sorted({*revenue, *before})
    ]


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    words = frame.words
    heads = (words.figure, words.today, words.yesterday)
    rows = [
        (words.name(one.name), _said(one.today, one, words), _said(one.yesterday, one, words))
        for one in shown
    ]
    return card(NAME, frame, table(words.name(NAME), heads, rows))


def _net(revenue: Mapping[str, Any], code: str) -> str:
    return str(revenue[code]["net"]) if code in revenue else "0"


def _said(value: str, one: View, words: Words) -> str:
    return figures.money(value, one.currency, words) if one.currency else figures.number(int(value), words)
