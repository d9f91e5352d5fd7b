"""Tells PagerDuty, whose own rules then page somebody (Events API v2).

Settings: ALERT_PAGERDUTY_ROUTING_KEY, ALERT_PAGERDUTY_API_URL, ALERT_PAGERDUTY_MINIMUM_SEVERITY.

An episode is one incident: its id is the dedup key, so that a repetition is folded into what is open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from pydantic import SecretStr

from ...core.clock import rfc3339
from ...core.signal import Severity
from ..message import Message, Style, compose
from ..model import Kind, Limits, Notice, Receipt
from ..settings import AlertSettings
from .http import Answer, exchange, json_request, refusal
from .style import NO_CONTEXT, Context, style_of

_WHO = "PagerDuty"
_LIMITS = Limits(60, 1.0)
_HINT = "Check ALERT_PAGERDUTY_ROUTING_KEY: it is the key of an Events API v2 integration."
_SUMMARY, _DETAILS, _KEY = 1_024, 10_000, 255
_SEVERITIES = {
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}
_ACTIONS: dict[Kind, tuple[str, ...]] = {
    Kind.ACKNOWLEDGED: ("acknowledge",),
    Kind.RESOLVED: ("resolve",),
    # Because somebody is to see it, and nobody has to do anything about it any more.
    Kind.LATE: ("trigger", "resolve"),
    Kind.TEST: ("trigger", "resolve"),
}


@dataclass(frozen=True)
class PagerDutyChannel:
    """One integration of one service."""

    routing_key: SecretStr
    style: Style
    api_url: str = "https://events.pagerduty.com"
    minimum_severity: Severity = Severity.HIGH
    deadline_seconds: float = 10.0
    name: str = "pagerduty"
    limits: Limits = _LIMITS
    takes_digests: bool = False
    costs_money: bool = True  # Because a trial would wake somebody.

    @classmethod
    def from_settings(cls, settings: AlertSettings, context: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured."""
        if not settings.pagerduty_routing_key:
            return None
        return cls(
            routing_key=settings.pagerduty_routing_key,
            style=style_of(settings, context),
            api_url=settings.pagerduty_api_url,
            minimum_severity=settings.pagerduty_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        message = compose(notice, self.style)
        actions = _ACTIONS.get(notice.kind, ("trigger",))
        for action in actions:
            self._post(self._event(action, notice, message), self.deadline_seconds / len(actions))
        return Receipt(reference=_dedup_key(notice))

    def check(self) -> None:
        # Because resolving what is not open does nothing, but a wrong key is refused.
        self._post({**self._named("resolve"), "dedup_key": "atalaia-check"}, self.deadline_seconds)

    def _post(self, event: dict[str, Any], seconds: float) -> None:
        request = json_request(f"{self.api_url.rstrip('/')}/v2/enqueue", event, {})
        answer = exchange(_WHO, request, seconds)
        if not answer.is_good:
            raise refusal(_WHO, answer, _status_of(answer), _HINT if answer.status < 429 else "")

    def _named(self, action: str) -> dict[str, Any]:
        return {"routing_key": self.routing_key.get_secret_value(), "event_action": action}

    def _event(self, action: str, notice: Notice, message: Message) -> dict[str, Any]:
        event = {**self._named(action), "dedup_key": _dedup_key(notice)}
        if action != "trigger":
            return event
        alert = notice.alert
        payload = {
            "summary": message.headline[:_SUMMARY],
            "source": self.style.host[:_KEY],
            "severity": _SEVERITIES[alert.severity],
            "timestamp": rfc3339(alert.started_at),
            "component": alert.source,
            "group": alert.category.value,
            "class": alert.code or alert.key,
            "custom_details": dict(_details(message)),
        }
        links = [{"href": url, "text": name} for name, url in message.links]
        return {**event, "payload": payload, "client": "Atalaia", "links": links}


def _dedup_key(notice: Notice) -> str:
    return (notice.key if notice.digest else notice.alert.id)[:_KEY]


def _details(message: Message) -> Iterator[tuple[str, str]]:
    yield "details", message.details[:_DETAILS]
    yield from message.facts
    if message.lines:
        yield message.lines_name, "\n".join(message.lines)
    if message.note:
        yield "note", message.note


def _status_of(answer: Answer) -> str:
    """PagerDuty's own word for what is wrong; its longer texts may quote what was sent."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return ""
    status = found.get("status") if isinstance(found, dict) else None
    return status if status in ("invalid event", "invalid key", "throttle exceeded") else ""
