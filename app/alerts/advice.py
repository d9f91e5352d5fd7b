"""What an operator should know about channels that are half configured, or weaker than they could be."""

from __future__ import annotations

from collections.abc import Iterator

from .settings import AlertSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def advice(settings: AlertSettings) -> Iterator[tuple[str, str]]:
    """Facts and hints; none for what is whole or not wanted."""
    yield from _unfinished(settings)
    yield from _weak(settings)


def _unfinished(settings: AlertSettings) -> Iterator[tuple[str, str]]:
    """Settings that name a way, and nobody at its end."""
    has_slack = settings.slack_webhook_url or settings.slack_channel
    for begun, is_whole, name, missing in (
        (settings.smtp_host, settings.email_to, "SMTP_HOST", "ALERT_EMAIL_TO"),
        (settings.slack_bot_token, settings.slack_channel, "SLACK_BOT_TOKEN", "ALERT_SLACK_CHANNEL"),
        (settings.slack_signing_secret, has_slack, "SLACK_SIGNING_SECRET", "ALERT_SLACK_CHANNEL"),
        (settings.whatsapp_from, settings.whatsapp_to, "ALERT_WHATSAPP_FROM", "ALERT_WHATSAPP_TO"),
        (settings.meta_token, settings.whatsapp_to, "ALERT_META_TOKEN", "ALERT_WHATSAPP_TO"),
    ):
        if begun and not is_whole:
            yield (
                f"{name} is set, but not {missing}",
                f"Nobody is told that way; set {missing} if they should.",
            )


def _weak(settings: AlertSettings) -> Iterator[tuple[str, str]]:
    """What works, and could work better."""
    has_template = settings.meta_template if _is_meta(settings) else settings.whatsapp_content_sid
    if settings.whatsapp_to and not has_template:
        name = "ALERT_META_TEMPLATE" if _is_meta(settings) else "ALERT_WHATSAPP_CONTENT_SID"
        yield (
            "WhatsApp has no template",
            f"Set {name}: without it only those who wrote within 24 hours get anything.",
        )
    if settings.slack_bot_token and settings.slack_channel.startswith("#"):
        yield (
            "ALERT_SLACK_CHANNEL is a name",
            "Set the channel's id (C...), so that what a crash cut off is looked up and not repeated.",
        )
    if settings.webhook_url and not settings.webhook_secret:
        yield "the webhook is not signed", "Set ALERT_WEBHOOK_SECRET, or its receiver takes anybody's word."
    if settings.email_to and settings.smtp_security == "none" and settings.smtp_host not in _LOOPBACK:
        yield "mails travel in clear", "Set SMTP_SECURITY to starttls or tls."
    if not settings.dashboard_url and _tells_people(settings):
        yield "messages hold no links", "Set ALERT_DASHBOARD_URL to what /production/ is for their readers."


def _is_meta(settings: AlertSettings) -> bool:
    return settings.whatsapp_provider == "meta"


def _tells_people(settings: AlertSettings) -> bool:
    slack = settings.slack_webhook_url or settings.slack_channel
    return bool(settings.email_to or slack or settings.whatsapp_to)
