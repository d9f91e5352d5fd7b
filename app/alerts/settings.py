"""The knobs of the alerts room."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr, field_validator, model_validator

from ..core.section import CommaList, Section, knob, knobs
from ..core.signal import Severity
from .matching import FIELDS

_URL = r"^https?://\S+$"
_URL_OR_NOTHING = r"^(https?://\S+)?$"
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_NEEDED = {
    "ALERT_EMAIL_TO": ("SMTP_HOST", "ALERT_EMAIL_FROM"),
    "ALERT_SLACK_CHANNEL": ("SLACK_BOT_TOKEN",),
    "ALERT_WEBHOOK_SECRET": ("ALERT_WEBHOOK_URL",),
    "ALERT_ALERTMANAGER_TOKEN": ("ALERT_ALERTMANAGER_URL",),
}
_NEEDED_FOR_WHATSAPP = {
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "ALERT_WHATSAPP_FROM"),
    "meta": ("ALERT_META_TOKEN", "ALERT_META_PHONE_NUMBER_ID"),
}


class AlertSettings(Section):
    """Who is told what, how often, and how."""

    prefix: ClassVar[str] = "ALERT_"
    title: ClassVar[str] = "Alerts"

    language: Literal["en", "pt-BR"] = knob("en", "Language of the messages: en or pt-BR")
    timezone: str = knob("", "IANA time zone of times in messages, like America/Sao_Paulo; empty: TZ")
    host_name: str = knob("", "What messages call this server; empty: its own name")
    dashboard_url: str = knob(
        "",
        "Address at which readers of messages reach the application or its page, for the links in them",
        pattern=_URL_OR_NOTHING,
    )
    acknowledge_link_hours: int = knob(
        72, "How long the acknowledge link of a message works; 0: no such link", unit="hours", ge=0, le=8760
    )
    log_lines: int = knob(5, "How many matching log lines a message quotes at most", ge=0, le=20)
    cooldown_critical_seconds: int = knob(
        300, "Shortest time between two messages about one CRITICAL alert", unit="seconds", ge=0
    )
    cooldown_high_seconds: int = knob(900, "The same for HIGH", unit="seconds", ge=0)
    cooldown_medium_seconds: int = knob(3600, "The same for MEDIUM", unit="seconds", ge=0)
    cooldown_low_seconds: int = knob(14400, "The same for LOW", unit="seconds", ge=0)
    group_wait_high_seconds: float = knob(
        5,
        "How long a HIGH alert waits for others that go into the same message; CRITICAL never waits",
        unit="seconds",
        ge=0,
    )
    group_wait_medium_seconds: float = knob(30, "The same for MEDIUM", unit="seconds", ge=0)
    group_wait_low_seconds: float = knob(300, "The same for LOW", unit="seconds", ge=0)
    group_by: CommaList = knob(
        ("category", "severity"),
        "What alerts of one message have in common, separated by commas: category, severity, source, code or"
        " labels.<name>",
    )
    burst: int = knob(
        4, "Messages that a channel gets at once; what comes faster is put together", unit="messages", ge=1
    )
    refill_seconds: float = knob(
        60, "How long it takes until there may be one more of them", unit="seconds", ge=0
    )
    fallback: CommaList = knob(
        (),
        "Channels that are told, in this order, what another one refused for good; empty: any other one",
    )
    announce_acknowledgements: bool = knob(
        True, "Whether those who were told of an alert are told who is on it"
    )
    settle_seconds: float = knob(
        10,
        "How long after a start what is less than CRITICAL and was waiting before goes on waiting, so that"
        " everything has been looked at once",
        unit="seconds",
        ge=0,
    )
    lag_seconds: int = knob(
        300, "How late a notice may be before the status is degraded", unit="seconds", ge=1
    )
    heartbeat_url: SecretStr = knob(
        SecretStr(""), "An address that is called while alerts are delivered (healthchecks.io or its like)"
    )
    heartbeat_seconds: int = knob(60, "How often", unit="seconds", ge=10)
    canary: Literal["off", "check", "message", "all"] = knob(
        "check",
        "What each channel is tried with once a day: off, check (signs in), message (a real one where that"
        " costs nothing, else check), all (a real one everywhere)",
    )
    canary_time: str = knob("09:00", "When, in ALERT_TIMEZONE", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    config_file: str = knob(
        "config/alerts.yaml",
        "Rules, objectives, routes, people, escalation, quiet hours, maintenance, inhibition",
    )
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
    slack_signing_secret: SecretStr = knob(
        SecretStr(""), "The app's signing secret: messages get buttons", variable="SLACK_SIGNING_SECRET"
    )
    slack_api_url: str = knob(
        "https://slack.com/api/",
        "Slack's API, or a proxy for it; used with a bot token",
        variable="SLACK_API_URL",
        pattern=_URL,
    )

    whatsapp_provider: Literal["twilio", "meta"] = knob(
        "twilio", "Who delivers WhatsApp messages: twilio or meta (the Cloud API)"
    )
    twilio_account_sid: str = knob("", "Twilio account", variable="TWILIO_ACCOUNT_SID")
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
    meta_phone_number_id: str = knob("", "The sender's id at Meta, a number", pattern=r"^\d*$")
    meta_token: SecretStr = knob(SecretStr(""), "A system user's token for Meta's Cloud API")
    meta_template: str = knob(
        "", "The approved template's name, without which only recent contacts get the text", pattern=r"^\w*$"
    )
    meta_template_language: str = knob("pt_BR", "Its language, like pt_BR or en_US", pattern=r"^\w{2,8}$")
    meta_api_url: str = knob("https://graph.facebook.com/v24.0", "Meta's API with its version", pattern=_URL)

    webhook_url: SecretStr = knob(SecretStr(""), "Where each notice is posted as JSON")
    webhook_secret: SecretStr = knob(SecretStr(""), "What it is signed with: whsec_... or any long text")
    webhook_minimum_severity: Severity = knob(Severity.LOW, "The webhook is called from this severity on")

    pagerduty_routing_key: SecretStr = knob(
        SecretStr(""), "Integration key of a PagerDuty service (Events v2)"
    )
    pagerduty_api_url: str = knob(
        "https://events.pagerduty.com", "PagerDuty's API (EU: another)", pattern=_URL
    )
    pagerduty_minimum_severity: Severity = knob(Severity.HIGH, "PagerDuty is used from this severity on")

    alertmanager_url: str = knob(
        "", "A Prometheus Alertmanager, like http://host:9093", pattern=_URL_OR_NOTHING
    )
    alertmanager_token: SecretStr = knob(SecretStr(""), "A bearer token, if a proxy before it asks for one")
    alertmanager_minimum_severity: Severity = knob(Severity.LOW, "Alertmanager is told from this severity on")

    apprise_urls: SecretStr = knob(
        SecretStr(""), "Apprise URLs separated by spaces, a channel each; needs the extra more-channels"
    )
    apprise_minimum_severity: Severity = knob(Severity.HIGH, "They are used from this severity on")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f"{name!r} is no IANA time zone (like America/Sao_Paulo)") from error
        return name

    @field_validator("dashboard_url")
    @classmethod
    def _leads_to_the_dashboard(cls, url: str) -> str:
        """An address without a path is the application's; the dashboard is where it always is."""
        return f"{url.rstrip('/')}/production/" if url and not urlsplit(url).path.strip("/") else url

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

    @field_validator("slack_webhook_url", "webhook_url", "heartbeat_url")
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
        whatsapp = {"ALERT_WHATSAPP_TO": _NEEDED_FOR_WHATSAPP[self.whatsapp_provider]}
        for recipients, needed in {**_NEEDED, **whatsapp}.items():
            missing = [name for name in needed if not given[name]]
            if given[recipients] and missing:
                raise ValueError(f"{recipients} is set, but not {' and '.join(missing)}")
        return self

    @field_validator("group_by")
    @classmethod
    def _are_fields(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in FIELDS and not name.startswith("labels."):
                raise ValueError(f"{name!r} is none of {', '.join(FIELDS)} or labels.<name>")
        return names

    def group_wait_seconds(self, severity: Severity) -> float:
        """How long a notice of that severity waits for others."""
        if severity is Severity.CRITICAL:
            return 0.0
        return float(getattr(self, f"group_wait_{severity.value.lower()}_seconds"))

    def cooldown_seconds(self, severity: Severity) -> int:
        """The cooldown of a severity."""
        return int(getattr(self, f"cooldown_{severity.value.lower()}_seconds"))
