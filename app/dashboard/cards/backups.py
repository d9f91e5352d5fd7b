"""Backups: the last good one, what is running, what failed since, when the next is due, and one now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...core.clock import parse_rfc3339
from .. import figures
from ..markup import Content, Markup, tag
from ..parts import Frame, button, card, empty, facts, moment

NAME = "backups"


@dataclass(frozen=True, slots=True)
class View:
    """`failure` is the fact of the newest run that failed after the last good backup, or empty.

    `drill` is why the last good one is not proven, empty when it is or was not drilled.
    `copied_at` is when the last good one got its second copy; `copy_failure`, why it has none.
    """

    good_at: datetime | None
    good_state: str
    good_bytes: int
    failure: str
    running_phase: str
    running_percent: int
    next_at: datetime | None
    configured: bool
    drill: str = ""
    copied_at: datetime | None = None
    copy_failure: str = ""


def view(document: Mapping[str, Any]) -> View:
    """From GET /production/backup/status."""
    good, running, next_at = document["last_good"], document["running"], document["next_due_at"]
    since = good["sequence"] if good else 0
    failures = [failure["fact"] for failure in document["failed"] if failure["sequence"] > since]
    return View(
        good_at=parse_rfc3339(good["started_at"]) if good else None,
        good_state=good["state"] if good else "",
        good_bytes=good["size_bytes"] if good else 0,
        failure=failures[0] if failures else "",
        running_phase=running["phase"] if running else "",
        running_percent=running["percent"] if running else 0,
        next_at=parse_rfc3339(next_at) if next_at else None,
        configured=document["configured"],
        drill=_drill(good),
        copied_at=_copied_at(good),
        copy_failure=_copy_failure(document.get("offsite")),
    )


def _drill(good: Mapping[str, Any] | None) -> str:
    drill = good.get("drill") if good else None
    return str(drill["reason"]) if drill else ""


def _copied_at(good: Mapping[str, Any] | None) -> datetime | None:
    copy = good.get("second_copy") if good else None
    return parse_rfc3339(copy["copied_at"]) if copy else None


def _copy_failure(offsite: Mapping[str, Any] | None) -> str:
    return str(offsite["failed"]["fact"]) if offsite and offsite["failed"] else ""


def markup(shown: View, frame: Frame) -> Markup:
    words = frame.words
    known: list[tuple[str, Content]] = []
    if shown.good_at:
        known += [
            (words.last_good, moment(shown.good_at, frame)),
            (words.state, words.name(shown.good_state) + (f" ({shown.drill})" if shown.drill else "")),
            (words.size, figures.size(shown.good_bytes, words)),
            (words.second_copy, moment(shown.copied_at, frame) if shown.copied_at else words.no_second_copy),
        ]
    if shown.next_at:
        known.append((words.next_due, moment(shown.next_at, frame)))
    return card(
        NAME,
        frame,
        "" if shown.good_at else empty(words.no_backup if shown.configured else words.no_database),
        facts(known) if known else "",
        _refusal(words.last_failure, shown.failure),
        _refusal(words.second_copy, shown.copy_failure),
        _running(shown, frame),
    )


def _refusal(what: str, fact: str) -> Content:
    return tag("p", f"{what}: ", tag("bdi", fact), class_="refusal") if fact else ""


def _running(shown: View, frame: Frame) -> Content:
    words = frame.words
    if not shown.running_phase:
        can_run = frame.can_act and shown.configured
        return button(words.back_up_now, frame.path("backup", "manual")) if can_run else ""
    done = figures.percent(shown.running_percent, words, 0)
    bar = tag("progress", done, max=100, value=shown.running_percent, aria_label=words.running)
    return tag("div", tag("p", f"{words.running}: {shown.running_phase}, {done}"), bar)
