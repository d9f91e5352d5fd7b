"""Active alerts: what nobody is on yet first, then the worst, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...alerts.headings import details_of, heading_of
from ...alerts.holding import worded
from ...core.clock import parse_rfc3339
from ...core.signal import Severity
from ..markup import Markup, tag
from ..parts import Frame, button, card, empty, grade, moment

NAME = "alerts"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an alert is not told through some channels just now; `until` None: until that ends."""

    kind: str
    why: str
    until: datetime | None
    channels: Sequence[str]


@dataclass(frozen=True, slots=True)
class View:
    """One alert."""

    id: str
    title: str
    code: str
    labels: Mapping[str, str]
    message: str
    severity: Severity
    category: str
    since: datetime
    acknowledged_by: str
    flapping_since: datetime | None
    reasons: Sequence[Reason]

    @property
    def urgency(self) -> tuple[bool, int, datetime]:
        """Smaller is shown first."""
        return bool(self.acknowledged_by), -self.severity.rank, self.since

    def heading(self, language: str) -> str:
        """The title, which is English, or in Portuguese what this kind of alert is called."""
        if language != "pt-BR":
            return self.title
        return heading_of(self.code, self.labels, self.title, "pt-BR")

    def details(self, language: str) -> str:
        """The message in the reader's language, as far as it is known in it."""
        return details_of(self.code, self.labels, self.message, "pt-BR" if language == "pt-BR" else "en")


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From GET /production/alerts/active."""
    return sorted(map(_one, document["alerts"]), key=lambda alert: alert.urgency)


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    words = frame.words
    alerts = tag("ul", [_item(alert, frame) for alert in shown]) if shown else empty(words.no_alerts)
    return card(NAME, frame, alerts, count=len(shown))


def _one(alert: Mapping[str, Any]) -> View:
    return View(
        id=alert["id"],
        title=alert["title"],
        code=alert["code"],
        labels=alert["labels"],
        message=alert["message"],
        severity=Severity(alert["severity"]),
        category=alert["category"],
        since=parse_rfc3339(alert["started_at"]),
        acknowledged_by=alert["acknowledged_by"],
        flapping_since=_moment(alert["flapping_since"]),
        reasons=_reasons(alert["held"]),
    )


def _reasons(held: Sequence[Mapping[str, Any]]) -> Sequence[Reason]:
    """Each once, with its channels; that a channel is not meant for such alerts is no news."""
    channels: dict[tuple[str, str, str | None], list[str]] = {}
    for one in held:
        if one["kind"] != "route":
            channels.setdefault((one["kind"], one["why"], one["until"]), []).append(one["channel"])
    return [Reason(kind, why, _moment(until), names) for (kind, why, until), names in channels.items()]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)


def _item(alert: View, frame: Frame) -> Markup:
    words = frame.words
    by = words.acknowledged_by.format(name=alert.acknowledged_by) if alert.acknowledged_by else ""
    return tag(
        "li",
        tag("h3", grade(alert.severity.value, words), " ", tag("bdi", alert.heading(words.language))),
        tag("p", tag("bdi", alert.details(words.language))) if alert.message else "",
        tag(
            "p",
            words.name(alert.category),
            " · ",
            moment(alert.since, frame),
            f" · {by}" if by else "",
            [" · ", words.comes_and_goes, " ", moment(alert.flapping_since, frame)]
            if alert.flapping_since
            else "",
            class_="hint",
        ),
        [_held(reason, frame) for reason in alert.reasons],
        _buttons(alert, frame) if frame.can_act else "",
        class_=f"alert {alert.severity.lower()}",
    )


def _held(reason: Reason, frame: Frame) -> Markup:
    words = frame.words
    why = worded(reason.kind, reason.why, "pt-BR" if words.language == "pt-BR" else "en")
    end = [" · ", words.until, " ", moment(reason.until, frame)] if reason.until else ""
    channels = f" ({', '.join(reason.channels)})"
    return tag("p", words.not_told, " ", tag("bdi", why), channels, end, class_="hint held")


def _buttons(alert: View, frame: Frame) -> Markup:
    acts = [("resolve", frame.words.resolve)]
    if not alert.acknowledged_by:
        acts.insert(0, ("acknowledge", frame.words.acknowledge))
    forms = [
        button(label, frame.path("alerts", alert.id, act), about=alert.heading(frame.words.language))
        for act, label in acts
    ]
    return tag("div", forms, class_="acts")
