"""The dashboard: is it broken, for whom, why, and what can be done about it; from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.guard import guard
from .cards import alerts, backups, business, errors, external, header, logs, own, requests, resources
from .layout import page
from .markup import Content, tag
from .parts import Frame, button, card, empty

REFRESH_SECONDS = 30

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page: the document it is made from, what of it is shown, and how."""

    name: str
    document: str
    view: Callable[[Document], Any]
    markup: Callable[[Any, Frame], Content]


HEADER = Card("header", "system", header.view, header.markup)
CARDS = (
    Card(alerts.NAME, "alerts", alerts.view, alerts.markup),
    Card(requests.NAME, "performance", requests.view, requests.markup),
    Card(resources.NAME, "performance", resources.view, resources.markup),
    Card(business.NAME, "business", business.view, business.markup),
    Card(external.NAME, "performance", external.view, external.markup),
    Card(backups.NAME, "backup", backups.view, backups.markup),
    Card(own.NAME, "own", own.view, own.markup),
    Card(errors.NAME, "errors", errors.view, errors.markup),
    Card(logs.NAME, "logs", logs.view, logs.markup),
)


def dashboard(documents: Mapping[str, Document], frame: Frame, *, signed_in: bool) -> str:
    """The whole page, from the documents that could be had; a part without its own says so."""
    words = frame.words
    top = tag(
        "header",
        tag("a", words.skip, href="#alerts", class_="skip"),
        tag("h1", "Atalaia"),
        _part(HEADER, documents, frame),
        tag("nav", _languages(frame), button(words.sign_out, frame.path("logout")) if signed_in else ""),
    )
    cards = [_part(one, documents, frame) for one in CARDS]
    status = words.name(documents.get("system", {}).get("status", "unknown"))
    return page(f"{status} · Atalaia", words, top, tag("main", cards), refresh_seconds=REFRESH_SECONDS)


def _part(one: Card, documents: Mapping[str, Document], frame: Frame) -> Content:
    if one.document in documents:
        # Because one card that fails must not take the others along, least of all the alerts.
        with guard(f"dashboard.{one.name}"):
            return one.markup(one.view(documents[one.document]), frame)
    return card(one.name, frame, empty(frame.words.unavailable))


def _languages(frame: Frame) -> Content:
    return [
        tag("a", label, href=f"{frame.base}/?lang={language}", lang=language, hreflang=language)
        for language, label in (("en", "English"), ("pt-BR", "Português"))
    ]
