"""WhatsApp through Meta's own Cloud API, which tells what became of a message by its webhook only.

Settings: ALERT_META_PHONE_NUMBER_ID, ALERT_META_TOKEN, ALERT_META_TEMPLATE,
ALERT_META_TEMPLATE_LANGUAGE, ALERT_META_API_URL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.request import Request

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ..model import Delivery, Limits, Notice, Progress
from ..settings import AlertSettings
from .http import Answer, exchange, json_request, refusal
from .whatsapp_provider import Content

_WHO = "Meta"
_LIMITS = Limits(45, 6.0)
_PAIR = 131056
_PAIR_SECONDS = 6.0
# Because Meta answers these with 400 too: its own trouble, and the limits of app, account, number, pair.
_TEMPORARY = (1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131057, _PAIR, 133004)
_HINTS = {
    190: "The token has ended: make a new one for a system user and set ALERT_META_TOKEN.",
    10: "Give the token the permission whatsapp_business_messaging.",
    200: "Give the token the permission whatsapp_business_messaging.",
    100: "Check ALERT_META_PHONE_NUMBER_ID: it is the number's id and not the number.",
    131026: "The recipient has no WhatsApp, or does not take messages from businesses.",
    131047: "Set ALERT_META_TEMPLATE: outside 24 hours only a template is delivered.",
    131049: "Meta keeps this message from this recipient for now, whoever sends it.",
    132000: "The template must have exactly four variables: headline, details, server, id.",
    132001: "Check ALERT_META_TEMPLATE and ALERT_META_TEMPLATE_LANGUAGE.",
    132015: "The template is paused because readers complained: make another one.",
    133010: "Register the number for the Cloud API.",
}


@dataclass(frozen=True)
class Meta:
    """One number; with a template's name it sends that template."""

    phone_number_id: str
    token: SecretStr
    template: str = ""
    language: str = "pt_BR"
    api_url: str = "https://graph.facebook.com/v24.0"
    limits: Limits = _LIMITS
    is_final: bool = True

    @classmethod
    def from_settings(cls, settings: AlertSettings) -> Self | None:
        """The provider, None when it is not configured."""
        if not (settings.meta_phone_number_id and settings.meta_token):
            return None
        return cls(
            phone_number_id=settings.meta_phone_number_id,
            token=settings.meta_token,
            template=settings.meta_template,
            language=settings.meta_template_language,
            api_url=settings.meta_api_url,
        )

    def send(self, recipient: str, content: Content, seconds: float) -> str:
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": recipient.removeprefix("+"),
            "biz_opaque_callback_data": content.key[:512],
            **self._said(content),
        }
        request = json_request(f"{self._address()}/messages", message, self._headers())
        found = self._judged(exchange(_WHO, request, seconds))
        try:
            return str(found["messages"][0]["id"])
        except (LookupError, TypeError):
            raise DeliveryFailed(f"{_WHO} gave an answer that cannot be read") from None

    def check(self, seconds: float) -> None:
        request = Request(f"{self._address()}?fields=id", headers=self._headers())  # noqa: S310 checked in settings
        self._judged(exchange(_WHO, request, seconds))

    def status(self, ids: Sequence[str], seconds: float) -> Delivery:  # noqa: ARG002 Meta cannot be asked
        return Delivery(Progress.PENDING)

    def sent_to(self, recipient: str, notice: Notice, content: Content, seconds: float) -> str:  # noqa: ARG002
        raise DeliveryFailed(f"{_WHO} cannot be asked for what was sent", permanent=True)

    def _said(self, content: Content) -> Mapping[str, Any]:
        if not self.template:
            return {"type": "text", "text": {"preview_url": False, "body": content.body}}
        parameters = [{"type": "text", "text": text} for text in content.variables]
        template = {
            "name": self.template,
            "language": {"code": self.language},
            "components": [{"type": "body", "parameters": parameters}],
        }
        return {"type": "template", "template": template}

    def _address(self) -> str:
        return f"{self.api_url.rstrip('/')}/{self.phone_number_id}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.get_secret_value()}"}

    def _judged(self, answer: Answer) -> Mapping[str, Any]:
        found = _document(answer)
        if answer.is_good and "error" not in found:
            return found
        code = _code(found)
        failure = refusal(_WHO, answer, f"error {code}" if code else "", _HINTS.get(code, ""))
        failure.permanent = (failure.permanent or answer.is_good) and code not in _TEMPORARY
        if code == _PAIR and failure.retry_after is None:
            failure.retry_after = _PAIR_SECONDS
        raise failure


def _document(answer: Answer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(found: Mapping[str, Any]) -> int:
    """Meta's number for the error, 0 when it gave none."""
    error = found.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0
