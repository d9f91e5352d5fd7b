"""Tells people on WhatsApp, through Twilio or through Meta's Cloud API.

Settings: ALERT_WHATSAPP_PROVIDER, ALERT_WHATSAPP_TO, ALERT_WHATSAPP_MINIMUM_SEVERITY, and those of the
provider in whatsapp_twilio.py and whatsapp_meta.py.

WhatsApp takes free text only within 24 hours of the recipient's last message, else an approved
template: its variables are {{1}} headline, {{2}} details, {{3}} server and {{4}} id and code.

Providers take no key of ours that they would give back, so every message ends with a code by which it
is found again (#k7f2qxa), whatever its words.
"""

from __future__ import annotations

import time
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from ...core.signal import Severity
from ..message import Style, compose
from ..model import Delivery, Limits, Notice, Receipt
from ..rendering import as_line, as_text
from ..settings import AlertSettings
from .recipients import Served
from .style import NO_CONTEXT, Context, style_of
from .whatsapp_meta import Meta
from .whatsapp_provider import Content, Provider
from .whatsapp_twilio import Twilio

_BODY = 1_500
# Because WhatsApp takes no more than 1,024 characters of a filled template.
_HEADLINE, _DETAILS, _HOST = 200, 600, 60


@dataclass(frozen=True)
class WhatsAppChannel:
    """Some recipients."""

    provider: Provider
    recipients: tuple[str, ...]
    style: Style
    minimum_severity: Severity = Severity.HIGH
    deadline_seconds: float = 10.0
    name: str = "whatsapp"
    addressable: bool = True
    costs_money: bool = True
    _served: Served = field(default_factory=Served, repr=False)

    @classmethod
    def from_settings(cls, settings: AlertSettings, context: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured."""
        provider = _provider(settings)
        if provider is None or not settings.whatsapp_to:
            return None
        return cls(
            provider=provider,
            recipients=settings.whatsapp_to,
            style=style_of(settings, context),
            minimum_severity=settings.whatsapp_minimum_severity,
        )

    @property
    def limits(self) -> Limits:
        """The provider's."""
        return self.provider.limits

    def deliver(self, notice: Notice) -> Receipt:
        content = self._content(notice)
        wanted = notice.recipients or self.recipients
        end = time.monotonic() + self.deadline_seconds

        def send(recipient: str) -> str:
            return self.provider.send(recipient, content, _left(end))

        ids, refused = self._served.each(notice.key, wanted, send)
        return Receipt(",".join(ids), refused, is_final=self.provider.is_final or not ids)

    def status(self, reference: str) -> Delivery:
        """What became of the messages of a receipt; DeliveryFailed when that cannot be asked now."""
        return self.provider.status(reference.split(","), self.deadline_seconds)

    def look_up(self, notice: Notice) -> Receipt | None:
        """Whether everybody has it, by what the provider remembers; DeliveryFailed if it cannot tell."""
        content = self._content(notice)
        wanted = notice.recipients or self.recipients
        end = time.monotonic() + self.deadline_seconds
        ids = [self.provider.sent_to(recipient, notice, content, _left(end)) for recipient in wanted]
        self._served.add(notice.key, {who: found for who, found in zip(wanted, ids, strict=True) if found})
        return Receipt(",".join(ids), is_final=self.provider.is_final) if all(ids) else None

    def check(self) -> None:
        self.provider.check(self.deadline_seconds)

    def _content(self, notice: Notice) -> Content:
        message = compose(notice, self.style)
        headline = f"{message.mark} {message.headline}"
        code = code_of(notice.key)
        named = code if notice.digest is not None else f"{notice.alert.id} {code}"
        variables = (headline[:_HEADLINE], as_line(message, _DETAILS), self.style.host[:_HOST], named)
        body = f"{message.mark} {as_text(message)}"
        shown = body if len(body) <= _BODY else f"{body[: _BODY - 1]}…\n"
        return Content(
            key=notice.key,
            code=code,
            body=f"{shown}\n{code}",
            variables=tuple(text or "-" for text in variables),
        )


def code_of(key: str) -> str:
    """What a message is found by: 35 bits, so that no two messages of one recipient share one."""
    return f"#{b32encode(sha256(key.encode()).digest())[:7].decode().lower()}"


def _provider(settings: AlertSettings) -> Provider | None:
    if settings.whatsapp_provider == "meta":
        return Meta.from_settings(settings)
    return Twilio.from_settings(settings)


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.1)
