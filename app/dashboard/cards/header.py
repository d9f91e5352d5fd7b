"""The header: how the whole is, why, and which process answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .. import figures
from ..markup import Markup, tag
from ..parts import Frame, grade, reason


@dataclass(frozen=True, slots=True)
class View:
    """The system's status; `level` is ok, degraded or down."""

    level: str
    reasons: Sequence[str]
    version: str
    workers: int
    leader: int | None
    uptime: timedelta


def view(document: Mapping[str, Any]) -> View:
    """From GET /production/system/status."""
    return View(
        level=document["status"],
        reasons=document["reasons"],
        version=document["version"],
        workers=len(document["workers"]),
        leader=document["leader"],
        uptime=timedelta(seconds=document["uptime_seconds"]),
    )


def markup(shown: View, frame: Frame) -> Markup:
    words = frame.words
    about = [
        f"{words.version} {shown.version}",
        f"{words.workers} {shown.workers}",
        f"{words.leader} {shown.leader or figures.MISSING}",
        f"{words.uptime} {figures.span(shown.uptime)}",
    ]
    reasons = tag("ul", [tag("li", reason(text, words)) for text in shown.reasons], class_="reasons")
    return tag(
        "div",
        tag("p", grade(shown.level, words), class_="status", role="status"),
        tag("p", " · ".join(about), class_="hint"),
        reasons if shown.reasons else "",
    )
