"""Tells people on WhatsApp, through Twilio.

Settings: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, ALERT_TWILIO_API_URL, ALERT_WHATSAPP_FROM,
ALERT_WHATSAPP_TO, ALERT_WHATSAPP_CONTENT_SID, ALERT_WHATSAPP_MINIMUM_SEVERITY.

WhatsApp takes free text only within 24 hours of the recipient's last message, else an approved
template: with a content SID the message is its variables {{1}} headline, {{2}} details, {{3}} server
and {{4}} id. Twilio accepts first and delivers later: what is reported here is that it accepted.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ...core.signal import Severity
from ..message import Message, Style, as_line, as_text, compose
from ..model import Notice, Receipt
from ..settings import AlertSettings
from .recipients import Served
from .style import style_of

if TYPE_CHECKING:
    from .twilio_client import Account

_BODY, _VARIABLE = 1_500, 600


@dataclass(frozen=True)
class WhatsAppChannel:
    """One Twilio account, one sender, some recipients."""

    account_sid: str
    auth_token: SecretStr
    sender: str
    recipients: tuple[str, ...]
    style: Style
    content_sid: str = ""
    api_url: str = "https://api.twilio.com"
    minimum_severity: Severity = Severity.HIGH
    deadline_seconds: float = 10.0
    name: str = "whatsapp"
    _served: Served = field(default_factory=Served, repr=False)

    @classmethod
    def from_settings(cls, settings: AlertSettings) -> Self | None:
        """The channel, None when it is not configured."""
        if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.whatsapp_to):
            return None
        return cls(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token,
            sender=settings.whatsapp_from,
            recipients=settings.whatsapp_to,
            style=style_of(settings),
            content_sid=settings.whatsapp_content_sid,
            api_url=settings.twilio_api_url,
            minimum_severity=settings.whatsapp_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        content = self._content(compose(notice, self.style), notice.alert.id)
        sids: list[str] = []
        refused: list[DeliveryFailed] = []
        end = time.monotonic() + self.deadline_seconds
        for recipient in self._served.missing(notice.key, self.recipients):
            try:
                sids.append(
                    self._account(end).send(f"whatsapp:{self.sender}", f"whatsapp:{recipient}", content)
                )
            except DeliveryFailed as error:
                if not error.permanent:
                    raise
                refused.append(error)
            self._served.add(notice.key, [recipient])
        self._served.forget(notice.key)
        if len(refused) == len(self.recipients):
            raise refused[-1]
        return Receipt(reference=",".join(sids), refused=tuple(error.fact for error in refused))

    def check(self) -> None:
        self._account(time.monotonic() + self.deadline_seconds).look()

    def _account(self, end: float) -> Account:
        # Because the SDK takes a quarter of a second to import, which only those pay who use WhatsApp.
        from .twilio_client import Account

        seconds = max(end - time.monotonic(), 0.1)
        return Account(self.account_sid, self.auth_token.get_secret_value(), self.api_url, seconds)

    def _content(self, message: Message, alert_id: str) -> dict[str, str]:
        headline = f"{message.mark} {message.headline}"
        if not self.content_sid:
            body = f"{message.mark} {as_text(message)}"
            return {"body": body if len(body) <= _BODY else f"{body[: _BODY - 1]}…"}
        # Because a variable must be one line and not empty.
        variables = (headline, as_line(message), self.style.host, alert_id)
        numbered = {str(number): text[:_VARIABLE] or "-" for number, text in enumerate(variables, start=1)}
        return {
            "content_sid": self.content_sid,
            "content_variables": json.dumps(numbered, ensure_ascii=False),
        }
