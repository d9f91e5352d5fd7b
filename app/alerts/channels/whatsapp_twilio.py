"""WhatsApp through Twilio, which accepts first and delivers later: so it is asked what became of it.

Settings: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, ALERT_TWILIO_API_URL, ALERT_WHATSAPP_FROM,
ALERT_WHATSAPP_CONTENT_SID.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from ..model import Delivery, Limits, Notice, Progress
from ..settings import AlertSettings
from .whatsapp_provider import Content

if TYPE_CHECKING:
    from .twilio_client import Account

_SANDBOX = "+14155238886"
_SKEW = timedelta(minutes=10)


@dataclass(frozen=True)
class Twilio:
    """One account and one sender; with a content SID it sends that template."""

    account_sid: str
    auth_token: SecretStr
    sender: str
    content_sid: str = ""
    api_url: str = "https://api.twilio.com"
    is_final: bool = False

    @classmethod
    def from_settings(cls, settings: AlertSettings) -> Self | None:
        """The provider, None when it is not configured."""
        if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.whatsapp_from):
            return None
        return cls(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token,
            sender=settings.whatsapp_from,
            content_sid=settings.whatsapp_content_sid,
            api_url=settings.twilio_api_url,
        )

    @property
    def limits(self) -> Limits:
        """80 a second for a sender of one's own, one each 3 seconds in the sandbox."""
        return Limits(1, 3.0) if self.sender == _SANDBOX else Limits(40, 0.0125)

    def send(self, recipient: str, content: Content, seconds: float) -> str:
        fields = self._fields(content)
        return self._account(seconds).send(f"whatsapp:{self.sender}", f"whatsapp:{recipient}", fields)

    def check(self, seconds: float) -> None:
        self._account(seconds).look()

    def status(self, ids: Sequence[str], seconds: float) -> Delivery:
        """Delivered when somebody has it and nobody is waited for; failed when nobody can have it."""
        account = self._account(seconds / max(len(ids), 1))
        found = [account.status(sid) for sid in ids]
        by_progress = {one.progress: one for one in found}
        failure = by_progress.get(Progress.FAILED, Delivery(Progress.DELIVERED))
        for progress in (Progress.PENDING, Progress.DELIVERED):
            if progress in by_progress:
                return Delivery(progress, failure.reason)
        return failure

    def sent_to(self, recipient: str, notice: Notice, content: Content, seconds: float) -> str:
        since = notice.alert.started_at - _SKEW
        sent = self._account(seconds).sent_since(f"whatsapp:{recipient}", since)
        return next((sid for sid, body in sent if content.code in body), "")

    def _account(self, seconds: float) -> Account:
        # Because the SDK takes a quarter of a second to import, which only those pay who use it.
        from .twilio_client import Account

        return Account(self.account_sid, self.auth_token.get_secret_value(), self.api_url, seconds)

    def _fields(self, content: Content) -> Mapping[str, str]:
        if not self.content_sid:
            return {"body": content.body}
        variables = {str(number): text for number, text in enumerate(content.variables, start=1)}
        return {
            "content_sid": self.content_sid,
            "content_variables": json.dumps(variables, ensure_ascii=False),
        }
