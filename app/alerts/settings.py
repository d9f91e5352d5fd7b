"""The knobs of the alerts room."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import SecretStr, field_validator, model_validator

from ..core.section import CommaList, Section, knob, knobs
from ..core.signal import Severity

_URL = r"^https?://\S+$"
_URL_OR_NOTHING = r"^(https?://\S+)?$"
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_NEEDED = {
    "ALERT_EMAIL_TO": ("SMTP_HOST", "ALERT_EMAIL_FROM"),
    "ALERT_SLACK_CHANNEL": ("SLACK_BOT_TOKEN",),
    "ALERT_WHATSAPP_TO": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "ALERT_WHATSAPP_FROM"),
}


class AlertSettings(Section):
    """Who is told what, how often, and how."""

    prefix: ClassVar[str] = "ALERT_"
    title: ClassVar[str] = "Alerts"

    language: Literal["en", "pt-BR"] = knob("en", "Language of the messages: en or pt-BR")
    timezone: str = knob("", "IANA time zone of times in messages, like America/Sao_Paulo; empty: TZ")
    host_name: str = knob("", "What messages call this server; empty: its own name")
    dashboard_url: str = knob("", "Address of the dashboard, for a link in messages", pattern=_URL_OR_NOTHING)
    cooldown_critical_seconds: int = knob(
        300, "Shortest time between two messages about one CRITICAL alert", unit="seconds", ge=0
    )
    cooldown_high_seconds: int = knob(900, "The same for HIGH", unit="seconds", ge=0)
    cooldown_medium_seconds: int = knob(3600, "The same for MEDIUM", unit="seconds", ge=0)
    cooldown_low_seconds: int = knob(14400, "The same for LOW", unit="seconds", ge=0)
    keep_days: int = knob(90, "How long alerts that are over and their history are kept", unit="days", ge=1)

    email_from: str = knob("", "Sender of alert mails")
    email_to: CommaList = knob((), "Who gets alert mails, separated by commas")
    email_minimum_severity: Severity = knob(Severity.LOW, "Mails are sent from this severity on")
    smtp_host: str = knob("", "Mail server; empty: no mails", variable="SMTP_HOST")
    smtp_port: int = knob(587, "Its port", variable="SMTP_PORT", ge=1, le=65535)
    smtp_username: str = knob("", "User name, if it asks for one", variable="SMTP_USERNAME")
    smtp_password: SecretStr = knob(SecretStr(""), "Password", variable="SMTP_PASSWORD")
    smtp_security: Literal["starttls", "tls", "none"] = knob(
        "starttls", "starttls, tls (from the first byte, port 465) or none", variable="SMTP_SECURITY"
    )
    smtp_ca_file: str = knob("", "Certificates to trust besides the system's", variable="SMTP_CA_FILE")

    slack_webhook_url: SecretStr = knob(
        SecretStr(""), "An incoming webhook of Slack", variable="SLACK_WEBHOOK_URL"
    )
    slack_bot_token: SecretStr = knob(
        SecretStr(""),
        "A bot token (xoxb-...), used instead when a channel is set",
        variable="SLACK_BOT_TOKEN",
    )
    slack_channel: str = knob("", "The channel that the bot posts to: its id, or its name with #")
    slack_minimum_severity: Severity = knob(Severity.LOW, "Slack is told from this severity on")
    slack_api_url: str = knob(
        "https://slack.com/api/",
        "Slack's API, or a proxy for it; used with a bot token",
        variable="SLACK_API_URL",
        pattern=_URL,
    )

    twilio_account_sid: str = knob("", "Twilio account; empty: no WhatsApp", variable="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = knob(SecretStr(""), "Its token", variable="TWILIO_AUTH_TOKEN")
    twilio_api_url: str = knob("https://api.twilio.com", "Twilio's API, or a proxy for it", pattern=_URL)
    whatsapp_from: str = knob("", "The WhatsApp sender at Twilio, like +14155238886")
    whatsapp_to: CommaList = knob((), "Who gets WhatsApp messages, like +5511987654321, separated by commas")
    whatsapp_content_sid: str = knob(
        "",
        "The approved template (HX...), without which only recent contacts get the text",
        pattern=r"^(HX\w+)?$",
    )
    whatsapp_minimum_severity: Severity = knob(Severity.HIGH, "WhatsApp is used from this severity on")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f"{name!r} is no IANA time zone (like America/Sao_Paulo)") from error
        return name

    @field_validator("email_from", "email_to")
    @classmethod
    def _are_addresses(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in filter(None, (given,) if isinstance(given, str) else given):
            if not re.fullmatch(r"[^@\s,]+@[^@\s,]+", address):
                raise ValueError(f"{address!r} is no e-mail address")
        return given

    @field_validator("whatsapp_from", "whatsapp_to")
    @classmethod
    def _are_phones(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for number in filter(None, (given,) if isinstance(given, str) else given):
            if not _PHONE.fullmatch(number):
                raise ValueError(f"{number!r} is no number like +5511987654321")
        return given

    @field_validator("slack_webhook_url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        # Because the address is the credential, the message must not repeat it.
        if not re.fullmatch(_URL_OR_NOTHING, url.get_secret_value()):
            raise ValueError("it is no address beginning with https://")
        return url

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Naming recipients says that the channel is wanted; the world's own names alone do not."""
        given = {one.variable: getattr(self, one.field) for one in knobs(type(self))}
        for recipients, needed in _NEEDED.items():
            missing = [name for name in needed if not given[name]]
            if given[recipients] and missing:
                raise ValueError(f"{recipients} is set, but not {' and '.join(missing)}")
        return self

    def cooldown_seconds(self, severity: Severity) -> int:
        """The cooldown of a severity."""
        return int(getattr(self, f"cooldown_{severity.value.lower()}_seconds"))
