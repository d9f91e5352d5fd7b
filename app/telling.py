"""Who is told: the channels that the settings switch on, what messages hold, and who may act from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, timedelta, tzinfo
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from .alerts.channels import Channel
from .alerts.channels.alertmanager import AlertmanagerChannel
from .alerts.channels.apprise_urls import AppriseChannel
from .alerts.channels.email import EmailChannel
from .alerts.channels.pagerduty import PagerDutyChannel
from .alerts.channels.slack import SlackChannel
from .alerts.channels.style import NO_CONTEXT, Context
from .alerts.channels.webhook import WebhookChannel
from .alerts.channels.whatsapp import WhatsAppChannel
from .alerts.links import Links
from .core.clock import Clock, parse_rfc3339, rfc3339
from .core.errors import DeliveryFailed
from .logs.redact import redact_text
from .production.alert_links import Outside
from .services.production_logger import ProductionLogger
from .settings import Settings

_OFFERED = (
    EmailChannel,
    SlackChannel,
    WhatsAppChannel,
    WebhookChannel,
    PagerDutyChannel,
    AlertmanagerChannel,
)
_RECENT = timedelta(hours=1)
_KEPT_SECONDS, _RESTS = 10.0, 10.0
# Because what these labels name stands in the lines that explain the alert; the most telling first.
_TELLING = ("request_id", "where", "route", "service", "backup_id", "place", "type")


def channels_of(settings: Settings, context: Context = NO_CONTEXT) -> list[Channel]:
    """The alert channels that the settings switch on."""
    alerts = settings.alerts
    if not alerts.timezone:
        alerts = alerts.model_copy(update={"timezone": settings.zone.key})
    made: list[Channel | None] = [kind.from_settings(alerts, context) for kind in _OFFERED]
    return [*filter(None, made), *AppriseChannel.all_from_settings(alerts, context)]


def links_of(settings: Settings) -> Links:
    """The acknowledge links of messages."""
    alerts = settings.alerts
    return Links(settings.log_folder / "alerts", alerts.dashboard_url, alerts.acknowledge_link_hours)


def context_of(settings: Settings, links: Links, logger: ProductionLogger, clock: Clock) -> Context:
    """Links, and the newest error lines that name what an alert is about."""
    zone = ZoneInfo(settings.alerts.timezone or settings.zone.key)
    return Context(links, RecentErrors(logger, clock, settings.alerts.log_lines, zone).about)


class RecentErrors:
    """Error lines of the last hour, for messages.

    Channels that ask for the same within seconds are answered alike, and a log that is so large that
    reading it takes long is left alone for ten times as long: a storm must not read it for each alert.
    """

    def __init__(self, logger: ProductionLogger, clock: Clock, limit: int, zone: tzinfo = UTC) -> None:
        self._logger = logger
        self._clock = clock
        self._limit = limit
        self._zone = zone
        self._lock = Lock()
        self._about: str = ""
        self._lines: list[str] = []
        self._kept_until = self._rests_until = float("-inf")

    def about(self, labels: Mapping[str, str]) -> Sequence[str]:
        """At most `limit` lines with the most telling label in them, oldest first, without secrets."""
        about = next((labels[name] for name in _TELLING if labels.get(name)), "")
        if not (self._limit and about):
            return ()
        with self._lock:
            began = self._clock.monotonic()
            if about == self._about and began < self._kept_until:
                return self._lines
            if began < self._rests_until:
                return ()
            self._about, self._lines = about, self._found(about)
            ended = self._clock.monotonic()
            self._kept_until, self._rests_until = ended + _KEPT_SECONDS, ended + _RESTS * (ended - began)
            return self._lines

    def _found(self, about: str) -> list[str]:
        since = rfc3339(self._clock.now() - _RECENT)
        found = self._logger.reading.recent(type="errors", limit=self._limit, q=about, since=since)
        return [redact_text(_line(record, self._zone)) for record in reversed(found["records"])]


def outside_of(settings: Settings, links: Links) -> Outside:
    """Who acts from a message: by its link, or by a button in Slack."""
    secret = settings.alerts.slack_signing_secret.get_secret_value()

    # Because Slack's package takes a fifth of a second to import, which only those pay who use it.
    def is_slack(body: bytes, timestamp: str, signature: str) -> bool:
        from .alerts.channels.slack_client import is_signed

        return is_signed(secret, body, timestamp, signature)

    def reply(url: str, text: str) -> None:
        from .alerts.channels import slack_client

        with suppress(DeliveryFailed):  # Because what was done is done, and the message will show it.
            slack_client.reply(url, text)

    return Outside(links, is_slack if secret else None, reply, settings.alerts.language)


def _line(record: Mapping[str, Any], zone: tzinfo) -> str:
    """Time of day, level, logger, what it says, and of an exception what that says."""
    level, logger, message = (str(record.get(name, "")) for name in ("level", "logger", "message"))
    error = record.get("exception")
    said = str(error.get("message", "")) if isinstance(error, dict) else ""
    line = f"{_time_of_day(record, zone)} {level} {logger}: {message}"
    return f"{line}: {said}" if said and said not in message else line


def _time_of_day(record: Mapping[str, Any], zone: tzinfo) -> str:
    try:
        return parse_rfc3339(str(record.get("timestamp", ""))).astimezone(zone).strftime("%H:%M:%S")
    except ValueError:
        return ""  # Because a line of another program may be in the file.
