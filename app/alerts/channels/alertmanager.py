"""Hands alerts over to a Prometheus Alertmanager, for those with more than one host (its API v2).

Settings: ALERT_ALERTMANAGER_URL, ALERT_ALERTMANAGER_TOKEN, ALERT_ALERTMANAGER_MINIMUM_SEVERITY.

It groups, silences and tells by its own rules. It forgets alerts when it is restarted, and takes one
that has not been sent again in time for over: so what fires is sent again each minute, as Prometheus
does, and stands for an hour if we are not there to do so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.request import Request

from pydantic import SecretStr

from ...core.clock import rfc3339
from ...core.errors import DeliveryFailed
from ...core.signal import Severity
from ..message import Message, Style, compose
from ..model import Alert, Kind, Limits, Notice, Receipt, State
from ..settings import AlertSettings
from .http import DEADLINE_SECONDS, Answer, exchange, json_request, refusal
from .style import NO_CONTEXT, NOTHING, Context, style_of

_WHO = "Alertmanager"
_LIMITS = Limits(50, 0.1)
_HINT = "Check ALERT_ALERTMANAGER_URL: it is the address before /api/v2."
_STANDS, _WHILE = timedelta(hours=1), timedelta(minutes=5)
# Because Alertmanager says nothing about what is over when it comes.
_SHOWN_FOR_A_WHILE = (Kind.NOTED, Kind.LATE, Kind.TEST)
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_]")
_BATCH = 200


@dataclass(frozen=True)
class AlertmanagerChannel:
    """One Alertmanager."""

    url: str
    style: Style
    token: SecretStr = NOTHING
    minimum_severity: Severity = Severity.LOW
    deadline_seconds: float = DEADLINE_SECONDS
    name: str = "alertmanager"
    limits: Limits = _LIMITS
    takes_digests: bool = False

    @classmethod
    def from_settings(cls, settings: AlertSettings, _: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured; it has no place for log lines or links."""
        if not settings.alertmanager_url:
            return None
        return cls(
            url=settings.alertmanager_url,
            style=style_of(settings),
            token=settings.alertmanager_token,
            minimum_severity=settings.alertmanager_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        alert = notice.alert
        outgrown = [severity for severity in Severity if severity.rank < alert.notified.rank]
        before = [replace(alert, notified=severity, state=State.RESOLVED) for severity in outgrown]
        ended = [self._alert(replace(notice, alert=one, kind=Kind.RESOLVED)) for one in before]
        self._post([self._alert(notice), *(ended if notice.kind is Kind.WORSE else ())])
        return Receipt(reference=alert.fingerprint)

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """Send again what fires, as well as that can be done; deliveries tell when it cannot."""
        least = self.minimum_severity.rank
        notices = [
            Notice(f"{alert.id}.again", Kind.REMINDER, alert)
            for alert in alerts
            if alert.notified.rank >= least
        ]
        with suppress(DeliveryFailed):
            for begin in range(0, len(notices), _BATCH):
                self._post([self._alert(notice) for notice in notices[begin : begin + _BATCH]])

    def check(self) -> None:
        request = Request(self._address("status"), headers=self._headers())  # noqa: S310 checked in settings
        self._judge(exchange(_WHO, request, self.deadline_seconds))

    def _post(self, alerts: list[dict[str, Any]]) -> None:
        request = json_request(self._address("alerts"), alerts, self._headers())
        self._judge(exchange(_WHO, request, self.deadline_seconds))

    def _judge(self, answer: Answer) -> None:
        if not answer.is_good:
            raise refusal(_WHO, answer, hint=_HINT)

    def _address(self, what: str) -> str:
        return f"{self.url.rstrip('/')}/api/v2/{what}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.get_secret_value()}"} if self.token else {}

    def _alert(self, notice: Notice) -> dict[str, Any]:
        alert, message = notice.alert, compose(notice, self.style)
        return {
            "labels": self._labels(alert),
            "annotations": _annotations(message, alert),
            "startsAt": rfc3339(alert.started_at),
            "endsAt": rfc3339(_end(notice, datetime.now(UTC))),
            "generatorURL": self.style.dashboard_url,
        }

    def _labels(self, alert: Alert) -> dict[str, str]:
        """Its identity: the same at every observation, and the alert's own labels are not."""
        return {
            "alertname": alert.title,
            "fingerprint": alert.fingerprint,
            "severity": alert.notified.value.lower(),
            "category": alert.category.value.lower(),
            "source": alert.source,
            "instance": self.style.host,
        }


def _end(notice: Notice, now: datetime) -> datetime:
    alert = notice.alert
    if notice.kind in _SHOWN_FOR_A_WHILE:
        return now + _WHILE
    # Because an end before the beginning, as of a clock that was set back, is refused.
    return now + _STANDS if alert.is_active else max(alert.resolved_at or now, alert.started_at)


def _annotations(message: Message, alert: Alert) -> dict[str, str]:
    links = {"runbook_url": alert.labels["runbook"]} if "runbook" in alert.labels else {}
    said = {"summary": message.headline, "description": message.details, **links}
    own = {f"label_{_NOT_A_NAME.sub('_', name)}": text for name, text in alert.labels.items()}
    return {name: text for name, text in {**own, **said}.items() if text}
