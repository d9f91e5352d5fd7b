"""Tells a Slack channel, by an incoming webhook or as a bot.

Settings: SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN with ALERT_SLACK_CHANNEL; SLACK_API_URL,
ALERT_SLACK_MINIMUM_SEVERITY.

What Slack refuses to lay out is sent again as plain text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ...core.signal import Severity
from ..message import Style, as_slack, compose
from ..model import Notice, Receipt
from ..settings import AlertSettings
from .http import Answer, refusal
from .style import NOTHING, style_of

_WHO = "Slack"
_LAYOUT_REFUSED = (
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "msg_blocks_too_long",
    "msg_too_long",
)
_NOTHING_TO_SAY = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")
_TEMPORARY = (
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
)
_WORD = re.compile("[a-z_]{2,60}")
_UNREADABLE = "unreadable"
_HINTS = {
    "no_service": "The webhook was removed: make a new one and set SLACK_WEBHOOK_URL.",
    "invalid_auth": "Check SLACK_BOT_TOKEN.",
    "not_in_channel": "Invite the bot into the channel.",
    "channel_not_found": "Check ALERT_SLACK_CHANNEL.",
    "missing_scope": "Give the bot the scope chat:write.",
}


@dataclass(frozen=True)
class SlackChannel:
    """One channel of one workspace."""

    style: Style
    webhook_url: SecretStr = NOTHING
    bot_token: SecretStr = NOTHING
    channel: str = ""
    api_url: str = "https://slack.com/api/"
    minimum_severity: Severity = Severity.LOW
    deadline_seconds: float = 10.0
    name: str = "slack"

    @classmethod
    def from_settings(cls, settings: AlertSettings) -> Self | None:
        """The channel, None when it is not configured."""
        is_bot = bool(settings.slack_bot_token and settings.slack_channel)
        if not (is_bot or settings.slack_webhook_url):
            return None
        return cls(
            style=style_of(settings),
            webhook_url=settings.slack_webhook_url,
            bot_token=settings.slack_bot_token if is_bot else NOTHING,
            channel=settings.slack_channel,
            api_url=settings.slack_api_url,
            minimum_severity=settings.slack_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        text, blocks = as_slack(compose(notice, self.style))
        end = time.monotonic() + self.deadline_seconds
        try:
            return self._post(text, blocks, end)
        except _LayoutRefused:
            return self._post(text, None, end)

    def check(self) -> None:
        end = time.monotonic() + self.deadline_seconds
        if self.bot_token:
            self._as_bot("auth.test", {}, end)
            return
        answer = self._to_webhook("", None, end)
        if answer.status >= 300 and answer.body.strip() not in _NOTHING_TO_SAY:
            raise self._refused(answer, answer.body)

    def _post(self, text: str, blocks: list[dict[str, Any]] | None, end: float) -> Receipt:
        if self.bot_token:
            content = {"channel": self.channel, "text": text, "unfurl_links": False}
            posted = self._as_bot(
                "chat.postMessage", {**content, "blocks": blocks} if blocks else content, end
            )
            return Receipt(reference=str(posted.get("ts", "")))
        answer = self._to_webhook(text, blocks, end)
        if answer.status >= 300:
            raise self._refused(answer, answer.body)
        return Receipt()

    def _to_webhook(self, text: str, blocks: list[dict[str, Any]] | None, end: float) -> Answer:
        # Because the SDK takes a fifth of a second to import, which only those pay who use Slack.
        from .slack_client import Webhook

        return Webhook(self.webhook_url.get_secret_value(), _left(end)).post(text, blocks)

    def _as_bot(self, method: str, content: Mapping[str, Any], end: float) -> Mapping[str, Any]:
        from .slack_client import Bot

        bot = Bot(self.bot_token.get_secret_value(), self.api_url, _left(end))
        posted = bot.ask(method, content)
        if not posted.get("ok"):
            raise self._refused(bot.answer, str(posted.get("error", "")))
        return posted

    def _refused(self, answer: Answer, said: str) -> DeliveryFailed:
        """What an answer means; with the bot's API a refusal has status 200 and a word."""
        word = said.strip() if _WORD.fullmatch(said.strip()) else _UNREADABLE
        if word in _LAYOUT_REFUSED:
            return _LayoutRefused(f"{_WHO} refused the message ({word})", permanent=True)
        failure = refusal(_WHO, answer, word, _HINTS.get(word, ""))
        if answer.status < 300:
            failure.permanent = word not in (*_TEMPORARY, _UNREADABLE)
        return failure


class _LayoutRefused(DeliveryFailed):
    """Slack does not take these blocks; plain text it may take."""


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.1)
