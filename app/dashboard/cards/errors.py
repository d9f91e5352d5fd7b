"""The kinds of errors that were seen last: how often, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...core.clock import parse_rfc3339
from .. import figures
from ..markup import Content, Markup, tag
from ..parts import Frame, card, empty, moment, table

NAME = "errors"


@dataclass(frozen=True, slots=True)
class View:
    """One kind; a time is None where its records have none."""

    name: str
    culprit: str
    logger: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From GET /production/logs/errors."""
    return [
        View(
            name=": ".join(part for part in (group["type"], group["message"]) if part),
            culprit=group["culprit"],
            logger=group["logger"],
            count=group["count"],
            first_seen=_moment(group["first_seen"]),
            last_seen=_moment(group["last_seen"]),
        )
        for group in document["errors"]
    ]


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    words = frame.words
    if not shown:
        return card(NAME, frame, empty(words.no_errors))
    heads = (words.error, "logger", words.times, words.first_seen, words.last_seen)
    rows = [
        (
            (
                tag("bdi", group.name),
                tag("div", tag("bdi", group.culprit), class_="hint") if group.culprit else "",
            ),
            tag("bdi", group.logger),
            figures.number(group.count, words),
            _ago(group.first_seen, frame),
            _ago(group.last_seen, frame),
        )
        for group in shown
    ]
    return card(NAME, frame, table(words.name(NAME), heads, rows))


def _ago(at: datetime | None, frame: Frame) -> Content:
    return moment(at, frame) if at else ""


def _moment(text: str) -> datetime | None:
    try:
        return parse_rfc3339(text)
    except ValueError:
        return None  # Because a line of another program may be in the file.
