"""The newest records of the application's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.clock import parse_rfc3339
from ..markup import Markup, tag
from ..parts import Frame, card, empty, table

NAME = "logs"


@dataclass(frozen=True, slots=True)
class View:
    """One record, as it was written."""

    at: str
    level: str
    logger: str
    message: str


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From GET /production/logs/recent."""
    return [
        View(*(str(record.get(name, "")) for name in ("timestamp", "level", "logger", "message")))
        for record in document["records"]
    ]


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    words = frame.words
    if not shown:
        return card(NAME, frame, empty(words.no_logs))
    heads = (words.moment, words.level, "logger", words.message)
    rows = [
        (
            _when(record.at, frame),
            record.level,
            tag("bdi", record.logger),
            tag("bdi", record.message),
        )
        for record in shown
    ]
    return card(NAME, frame, table(words.name(NAME), heads, rows))


def _when(written: str, frame: Frame) -> str:
    try:
        return frame.clock_time(parse_rfc3339(written))
    except ValueError:
        return written  # Because a line of another program may be in the file.
