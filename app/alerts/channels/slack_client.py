"""slack_sdk on our transport: its own follows redirects, repeats unasked, and hangs on slow answers."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.request import Request

from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from .http import LIST_BYTES, Answer, exchange, json_request
from .slack_answers import WHO, refused

# Because the SDK logs the webhook's address, which is a credential, and nobody is to turn that on.
_silent = logging.Logger("slack_sdk", logging.CRITICAL + 1)  # noqa: LOG001
_REPLY_SECONDS = 5.0


class Webhook(WebhookClient):
    """An incoming webhook; `end` is when, by time.monotonic(), everything has to be over."""

    def __init__(self, url: str, end: float) -> None:
        super().__init__(url, logger=_silent, retry_handlers=[])
        self._end = end
        self._answer = Answer(0, {}, "")

    def post(self, content: Mapping[str, Any]) -> Answer:
        """The answer, whatever its status; DeliveryFailed when there is none."""
        self.send_dict(dict(content))
        return self._answer

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        answer = self._answer = exchange(WHO, req, _left(self._end))
        return WebhookResponse(
            url=url, status_code=answer.status, body=answer.body, headers=dict(answer.headers)
        )


class Bot(WebClient):
    """Slack's API for one bot; DeliveryFailed when it refuses, or does not answer before `end`."""

    def __init__(self, token: str, api_url: str, end: float) -> None:
        super().__init__(token, base_url=api_url, logger=_silent, retry_handlers=[])
        self._end = end
        self._answer = Answer(0, {}, "")

    def ask(self, method: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a method answers to a JSON document."""
        with suppress(SlackApiError):  # Because the answer is judged below.
            self.api_call(method, json=dict(content))
        return self._judged()

    def read(self, method: str, **query: str) -> Mapping[str, Any]:
        """What a method that only reads answers; those take no JSON."""
        with suppress(SlackApiError):
            self.api_call(method, data=query)
        return self._judged()

    def _judged(self) -> Mapping[str, Any]:
        found: Any = None
        with suppress(ValueError):
            found = json.loads(self._answer.body)
        said: Mapping[str, Any] = found if isinstance(found, dict) else {}
        if not (said.get("ok") and self._answer.is_good):
            raise refused(self._answer, str(said.get("error", "")))
        return said

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002
        answer = self._answer = exchange(WHO, req, _left(self._end), LIST_BYTES)
        return {"status": answer.status, "headers": answer.headers, "body": answer.body}


def is_signed(secret: str, body: bytes, timestamp: str, signature: str) -> bool:
    """Whether Slack sent this within the last five minutes."""
    try:
        return SignatureVerifier(secret).is_valid(body, timestamp, signature)
    except (ValueError, UnicodeDecodeError):
        return False  # Because neither a time nor a text can be anything.


def reply(url: str, text: str) -> None:
    """Say something to whoever pressed a button, at the address that came with it."""
    content = {"response_type": "ephemeral", "replace_original": False, "text": text}
    exchange(WHO, json_request(url, content, {}), _REPLY_SECONDS)


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.1)
