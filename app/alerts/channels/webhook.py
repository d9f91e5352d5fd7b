"""Posts each notice as JSON to an address of the users' own, signed as standard-webhooks asks for it.

Settings: ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, ALERT_WEBHOOK_MINIMUM_SEVERITY.

Its receiver verifies `webhook-signature` over "<webhook-id>.<webhook-timestamp>.<body>", and knows by
`webhook-id` what it has had already. Only 2xx is success; a redirect is a refusal.
"""

from __future__ import annotations

import hmac
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Any, Self
from urllib.request import Request

from pydantic import SecretStr

from ...core.signal import Severity
from ..message import Style, compose
from ..model import Limits, Notice, Receipt
from ..rendering import as_text
from ..settings import AlertSettings
from .http import exchange, json_request, refusal
from .style import NO_CONTEXT, NOTHING, Context, style_of

_WHO = "the webhook"
_LIMITS = Limits(20, 0.2)
_HINT = "Look into the log of its receiver; the address is ALERT_WEBHOOK_URL."


@dataclass(frozen=True)
class WebhookChannel:
    """One address."""

    url: SecretStr
    style: Style
    secret: SecretStr = NOTHING
    minimum_severity: Severity = Severity.LOW
    deadline_seconds: float = 10.0
    name: str = "webhook"
    limits: Limits = _LIMITS
    takes_digests: bool = False

    @classmethod
    def from_settings(cls, settings: AlertSettings, context: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured."""
        if not settings.webhook_url:
            return None
        return cls(
            url=settings.webhook_url,
            style=style_of(settings, context),
            secret=settings.webhook_secret,
            minimum_severity=settings.webhook_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        self._post(notice.key, self._content(notice))
        return Receipt(reference=notice.key)

    def check(self) -> None:
        self._post("check", {"type": "check", "server": self.style.host})

    def _post(self, key: str, content: dict[str, Any]) -> None:
        answer = exchange(_WHO, self._signed(key, content), self.deadline_seconds)
        if not answer.is_good:
            raise refusal(_WHO, answer, hint=_HINT)

    def _signed(self, key: str, content: dict[str, Any]) -> Request:
        moment = str(int(time.time()))
        request = json_request(
            self.url.get_secret_value(), content, {"Webhook-Id": key, "Webhook-Timestamp": moment}
        )
        if self.secret:
            assert isinstance(request.data, bytes)
            said = signature(self.secret.get_secret_value(), key, moment, request.data)
            request.add_header("Webhook-Signature", said)
        return request

    def _content(self, notice: Notice) -> dict[str, Any]:
        message = compose(notice, self.style)
        return {
            "type": f"alert.{notice.kind}",
            "key": notice.key,
            "server": self.style.host,
            "headline": message.headline,
            "text": as_text(message),
            "repeats": notice.repeats,
            "possibly_repeated": notice.possibly_repeated,
            "alert": notice.alert.document(),
        }


def signature(secret: str, key: str, moment: str, body: bytes) -> str:
    """The value of `webhook-signature`; a secret whsec_... is Base64, any other its own bytes."""
    digest = hmac.digest(_secret_bytes(secret), f"{key}.{moment}.".encode() + body, "sha256")
    return f"v1,{b64encode(digest).decode()}"


def _secret_bytes(secret: str) -> bytes:
    try:
        return (
            b64decode(secret.removeprefix("whsec_"), validate=True)
            if secret[:6] == "whsec_"
            else secret.encode()
        )
    except NotBase64:
        return secret.encode()
