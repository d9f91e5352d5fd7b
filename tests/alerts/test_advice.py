"""What an operator is told about channels that are half configured."""

from __future__ import annotations

from typing import Any

import pytest

from app.alerts.advice import advice
from app.alerts.settings import AlertSettings

EMAIL: dict[str, Any] = {"smtp_host": "mail", "email_from": "a@b.c", "email_to": "d@e.f"}
BOT = {"slack_bot_token": "xoxb-1", "slack_channel": "C0123456"}
TWILIO = {
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "t",
    "whatsapp_from": "+14155238886",
    "whatsapp_to": "+5511987654321",
}
META = {
    "whatsapp_provider": "meta",
    "meta_token": "t",
    "meta_phone_number_id": "1",
    "whatsapp_to": "+5511987654321",
}
LINKED = {"dashboard_url": "https://shop.example/production/"}


def said(**given: Any) -> str:
    """Facts and hints."""
    return " ".join(f"{fact}: {hint}" for fact, hint in advice(AlertSettings(**given)))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {**LINKED, **EMAIL, **BOT, "slack_signing_secret": "s"},
        {**LINKED, **TWILIO, "whatsapp_content_sid": "HX1"},
        {**LINKED, **META, "meta_template": "alert"},
        {"webhook_url": "https://x", "webhook_secret": "s"},
        {"twilio_account_sid": "AC1", "twilio_auth_token": "t"},
    ],
)
def test_nothing_is_said_about_what_is_whole_or_not_wanted(given: dict[str, Any]) -> None:
    """Nor about what the host has for itself."""
    assert said(**given) == ""


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"smtp_host": "mail"}, "ALERT_EMAIL_TO"),
        ({"slack_bot_token": "xoxb-1"}, "ALERT_SLACK_CHANNEL"),
        ({"slack_signing_secret": "s"}, "ALERT_SLACK_CHANNEL"),
        ({"whatsapp_from": "+14155238886"}, "ALERT_WHATSAPP_TO"),
        ({"meta_token": "t"}, "ALERT_WHATSAPP_TO"),
        (TWILIO, "ALERT_WHATSAPP_CONTENT_SID"),
        (META, "ALERT_META_TEMPLATE"),
        ({**BOT, "slack_channel": "#ops"}, "channel's id"),
        ({"webhook_url": "https://x"}, "ALERT_WEBHOOK_SECRET"),
        ({**EMAIL, "smtp_security": "none"}, "SMTP_SECURITY"),
        (EMAIL, "ALERT_DASHBOARD_URL"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], name: str) -> None:
    """With what it is good for."""
    assert name in said(**given)
