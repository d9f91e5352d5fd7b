"""twilio on our transport: its own never times out by default, and never ends on slow answers."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from ...core.errors import DeliveryFailed
from ..model import Delivery, Progress
from .http import LIST_BYTES, Answer, exchange, refusal

_WHO = "Twilio"
# Because Twilio answers these with 400, but they pass: too many requests, full queues, WhatsApp's limit.
_TEMPORARY = (14107, 20429, 30001, 30017, 63018)
_DELIVERED, _FAILED = ("delivered", "read"), ("failed", "undelivered", "canceled")
_UNREADABLE = f"{_WHO} gave an answer that cannot be read"
_ON_A_PAGE, _LISTED = 50, 1_000
_HINTS = {
    20003: "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
    21211: "Check ALERT_WHATSAPP_TO.",
    21610: "The recipient has opted out.",
    63007: "Check ALERT_WHATSAPP_FROM: Twilio knows no such WhatsApp sender.",
    63015: "The recipient has not joined the sandbox.",
    63016: "Set ALERT_WHATSAPP_CONTENT_SID: outside 24 hours only a template is delivered.",
    63024: "The recipient has no WhatsApp, or does not take messages from businesses.",
    63040: "WhatsApp has refused the template: see its state at Twilio.",
    63049: "WhatsApp keeps this message from this recipient for now, whoever sends it.",
}


class Account:
    """One Twilio account."""

    def __init__(self, sid: str, token: str, api_url: str, deadline_seconds: float) -> None:
        # Because without an environment of its own the client reads the process's.
        nothing = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}
        self._client = Client(sid, token, http_client=_Transport(deadline_seconds), environment=nothing)
        self._client.api.base_url = api_url
        self._sid = sid

    def send(self, sender: str, recipient: str, content: Mapping[str, str]) -> str:
        """The id of the message that Twilio accepted; DeliveryFailed when it did not."""
        try:
            message = self._client.messages.create(from_=sender, to=recipient, **content)
        except (TwilioException, ValueError):
            raise DeliveryFailed(_UNREADABLE) from None
        return str(message.sid)

    def look(self) -> None:
        """Sign in; DeliveryFailed when that is refused."""
        try:
            self._client.api.accounts(self._sid).fetch()
        except (TwilioException, ValueError):
            raise DeliveryFailed(_UNREADABLE) from None

    def status(self, sid: str) -> Delivery:
        """What became of a message; DeliveryFailed when Twilio does not say."""
        try:
            message = self._client.messages(sid).fetch()
        except (TwilioException, ValueError):
            raise DeliveryFailed(_UNREADABLE) from None
        if message.status in _DELIVERED:
            return Delivery(Progress.DELIVERED)
        if message.status not in _FAILED:
            return Delivery(Progress.PENDING)
        code = message.error_code if isinstance(message.error_code, int) else 0
        reason = f"{_WHO} could not deliver it (error {code}). {_HINTS.get(code, '')}".rstrip()
        return Delivery(Progress.FAILED, reason, permanent=code not in _TEMPORARY)

    def sent_since(self, recipient: str, since: datetime) -> Iterator[tuple[str, str]]:
        """Id and text of what a recipient was sent, unless that failed, newest first, page by page.

        DeliveryFailed when that is more than can be read, because what is missing may be among the rest.
        """
        is_all = False
        try:
            # Because Twilio filters by when it passed a message on, which may not have happened yet.
            for number, one in enumerate(self._client.messages.stream(to=recipient, page_size=_ON_A_PAGE)):
                if number == _LISTED:
                    raise DeliveryFailed(f"{_WHO} has too many messages to look through", permanent=True)
                if is_all and not number % _ON_A_PAGE:
                    return
                is_all = is_all or (one.date_sent is not None and one.date_sent < since)
                if one.status not in _FAILED:
                    yield str(one.sid), str(one.body)
        except (TwilioException, ValueError):
            raise DeliveryFailed(_UNREADABLE) from None


class _Transport(HttpClient):  # type: ignore[misc]
    def __init__(self, deadline_seconds: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=deadline_seconds)
        self._end = time.monotonic() + deadline_seconds

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: object = None,  # noqa: ARG002 these two are the SDK's
        allow_redirects: object = None,  # noqa: ARG002
    ) -> Response:
        """The answer when it is 2xx; DeliveryFailed when it is another, or when there is none."""
        body = urlencode(dict(data or {})).encode() if data else None
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        uri = f"{uri}?{urlencode(asked)}" if asked else uri
        request = Request(uri, data=body, headers=dict(headers or {}), method=method)  # noqa: S310 checked in settings
        if auth is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(auth).encode()).decode())
        answer = exchange(_WHO, request, max(self._end - time.monotonic(), 0.1), LIST_BYTES)
        if not 200 <= answer.status < 300:
            raise _refused(answer)
        return Response(answer.status, answer.body, answer.headers)


def _refused(answer: Answer) -> DeliveryFailed:
    code = _code(answer.body)
    failure = refusal(_WHO, answer, f"error {code}" if code else "", _HINTS.get(code, ""))
    failure.permanent = failure.permanent and code not in _TEMPORARY
    return failure


def _code(body: str) -> int:
    """Twilio's number for the error, 0 when it gave none."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return 0
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, int) else 0
