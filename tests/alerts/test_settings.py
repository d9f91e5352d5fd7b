"""The knobs of the alerts room."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.alerts.channels.email import EmailChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.settings import AlertSettings
from app.core.section import knobs
from app.core.signal import Severity

EMAIL: dict[str, Any] = {
    "smtp_host": "mail",
    "email_from": "a@example.org",
    "email_to": "b@example.org,c@example.org",
}
SLACK = {"slack_webhook_url": "https://hooks.slack.com/services/x"}
BOT = {"slack_bot_token": "xoxb-1", "slack_channel": "#ops"}
WHATSAPP = {
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "t",
    "whatsapp_from": "+14155238886",
    "whatsapp_to": "+5511987654321",
}


def test_nothing_has_to_be_set() -> None:
    """Without channels everything else works."""
    settings = AlertSettings()
    for kind in (EmailChannel, SlackChannel, WhatsAppChannel):
        assert kind.from_settings(settings) is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", ""),
        ("https://shop.example", "https://shop.example/production/"),
        ("https://shop.example/", "https://shop.example/production/"),
        ("https://shop.example/ops/", "https://shop.example/ops/"),
    ],
)
def test_the_applications_address_leads_to_the_dashboard(given: str, meant: str) -> None:
    """One with a path is the dashboard's own."""
    assert AlertSettings(dashboard_url=given).dashboard_url == meant


def test_cooldowns_grow_as_severity_falls() -> None:
    """5 minutes, 15 minutes, an hour, 4 hours."""
    settings = AlertSettings()
    assert [settings.cooldown_seconds(severity) for severity in reversed(Severity)] == [300, 900, 3600, 14400]


@pytest.mark.parametrize(
    ("kind", "given"),
    [(EmailChannel, EMAIL), (SlackChannel, SLACK), (SlackChannel, BOT), (WhatsAppChannel, WHATSAPP)],
)
def test_channel_is_on_when_it_is_configured(kind: Any, given: dict[str, Any]) -> None:
    """By its own settings and those that the world has names for."""
    assert kind.from_settings(AlertSettings(**given)) is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"email_to": "b@example.org"}, "ALERT_EMAIL_TO is set, but not SMTP_HOST and ALERT_EMAIL_FROM"),
        ({"slack_channel": "#ops"}, "SLACK_BOT_TOKEN"),
        ({"whatsapp_to": "+5511987654321"}, "TWILIO_ACCOUNT_SID"),
        ({"email_from": "Atalaia"}, "'Atalaia' is no e-mail address"),
        ({"email_to": "nobody"}, "'nobody' is no e-mail address"),
        ({"whatsapp_to": "5511987654321"}, "'5511987654321' is no number like"),
        ({"timezone": "Brazil"}, "is no IANA time zone"),
        ({"slack_webhook_url": "hooks.slack.com/s3cr3t"}, "no address beginning with https://"),
        ({"whatsapp_content_sid": "sid"}, "pattern"),
        ({"cooldown_low_seconds": -1}, "greater than or equal to 0"),
    ],
)
def test_mistake_is_named(given: dict[str, Any], said: str) -> None:
    """In words that an operator can act on, without the value of a secret."""
    with pytest.raises(ValidationError) as caught:
        AlertSettings(**given)
    messages = "".join(error["msg"] for error in caught.value.errors())
    assert said in messages
    assert "s3cr3t" not in messages


@pytest.mark.parametrize(
    "given", [{"smtp_host": "mail"}, {"twilio_account_sid": "AC1", "twilio_auth_token": "t"}]
)
def test_names_that_the_host_uses_for_itself_switch_nothing_on(given: dict[str, Any]) -> None:
    """An application that sends mails of its own is not asked for alert recipients."""
    AlertSettings(**given)


def test_every_secret_is_a_secret() -> None:
    """So that its value is never shown."""
    secret = {knob.variable for knob in knobs(AlertSettings) if knob.secret}
    words = ("PASSWORD", "TOKEN", "SECRET", "ROUTING_KEY", "WEBHOOK_URL", "HEARTBEAT_URL", "APPRISE_URLS")
    named = {knob.variable for knob in knobs(AlertSettings) if knob.variable.endswith(words)}
    assert secret == named
    assert {"SMTP_PASSWORD", "SLACK_WEBHOOK_URL", "SLACK_BOT_TOKEN", "TWILIO_AUTH_TOKEN"} < secret
