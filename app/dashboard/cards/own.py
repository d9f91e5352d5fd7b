"""The host's own cards: names and values, as the host gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..markup import Content, tag
from ..parts import Frame, card, facts

NAME = "own"


@dataclass(frozen=True, slots=True)
class View:
    """One card of the host."""

    title: str
    pairs: Sequence[tuple[str, str]]


def view(document: Mapping[str, Mapping[str, Any]]) -> Sequence[View]:
    """From title → name → value."""
    return [
        View(title, [(str(name), str(value)) for name, value in pairs.items()])
        for title, pairs in document.items()
    ]


def markup(shown: Sequence[View], frame: Frame) -> Content:
    """One section each; nothing where the host has none."""
    return [
        card(f"{NAME}-{number}", frame, _pairs(one), heading=one.title) for number, one in enumerate(shown)
    ]


def _pairs(one: View) -> Content:
    return facts([(name, tag("bdi", value)) for name, value in one.pairs])
