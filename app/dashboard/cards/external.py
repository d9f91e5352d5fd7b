"""External services: whether they answer, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...core.clock import parse_rfc3339
from .. import figures
from ..markup import Markup, tag
from ..parts import Frame, card, empty, grade, moment, reason, table

NAME = "external"


@dataclass(frozen=True, slots=True)
class View:
    """One service."""

    name: str
    level: str
    reason: str
    latency_ms: float | None
    checked_at: datetime


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From the external services of GET /production/performance/current."""
    return [
        View(
            name=service["name"],
            level=service["level"],
            reason=service["reason"],
            latency_ms=service.get("latency_ms"),
            checked_at=parse_rfc3339(service["sampled_at"]),
        )
        for service in document["external"]["services"]
    ]


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    words = frame.words
    if not shown:
        return card(NAME, frame, empty(words.no_external))
    heads = (words.service, words.level, words.latency, words.checked)
    rows = [
        (
            service.name,
            (grade(service.level, words), " ", tag("bdi", reason(service.reason, words))),
            figures.milliseconds(service.latency_ms, words),
            moment(service.checked_at, frame),
        )
        for service in shown
    ]
    return card(NAME, frame, table(words.name(NAME), heads, rows))
