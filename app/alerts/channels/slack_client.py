"""slack_sdk on our transport: its own follows redirects, repeats unasked, and hangs on slow answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.request import Request

from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from .http import Answer, exchange

_WHO = "Slack"
# Because the SDK logs the webhook's address, which is a credential, and nobody is to turn that on.
_silent = logging.Logger("slack_sdk", logging.CRITICAL + 1)  # noqa: LOG001


class Webhook(WebhookClient):
    """An incoming webhook."""

    def __init__(self, url: str, deadline_seconds: float) -> None:
        super().__init__(url, logger=_silent, retry_handlers=[])
        self._deadline_seconds = deadline_seconds
        self._answer = Answer(0, {}, "")

    def post(self, text: str, blocks: list[dict[str, Any]] | None) -> Answer:
        """The answer, whatever its status; DeliveryFailed when there is none."""
        self.send(text=text, blocks=blocks, unfurl_links=False)
        return self._answer

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        answer = self._answer = exchange(_WHO, req, self._deadline_seconds)
        return WebhookResponse(
            url=url, status_code=answer.status, body=answer.body, headers=dict(answer.headers)
        )


class Bot(WebClient):
    """Slack's API for one bot."""

    def __init__(self, token: str, api_url: str, deadline_seconds: float) -> None:
        super().__init__(token, base_url=api_url, logger=_silent, retry_handlers=[])
        self._deadline_seconds = deadline_seconds
        self.answer = Answer(0, {}, "")

    def ask(self, method: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a method answers, `ok` or not, {} when that cannot be read; DeliveryFailed without any."""
        with suppress(SlackApiError):  # Because the caller judges by the answer.
            self.api_call(method, json=dict(content))
        try:
            found = json.loads(self.answer.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002
        answer = self.answer = exchange(_WHO, req, self._deadline_seconds)
        return {"status": answer.status, "headers": answer.headers, "body": answer.body}
