"""What an answer of Slack means: for webhooks by its status, for bots by a word in an answer of 200."""

from __future__ import annotations

import re

from ...core.errors import DeliveryFailed
from .http import Answer, refusal

WHO = "Slack"
_LAYOUT = (
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "msg_blocks_too_long",
    "msg_too_long",
)
_THREAD = (
    "thread_not_found",
    "message_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
)
_TEMPORARY = (
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
)
_WORD = re.compile("[a-z_]{2,60}")
_UNREADABLE = "unreadable"
_HINTS = {
    "no_service": "The webhook was removed: make a new one and set SLACK_WEBHOOK_URL.",
    "invalid_auth": "Check SLACK_BOT_TOKEN.",
    "not_in_channel": "Invite the bot into the channel.",
    "channel_not_found": "Check ALERT_SLACK_CHANNEL.",
    "missing_scope": "Give the bot the scopes chat:write and channels:history (groups:history if private),"
    " im:write and im:history for people.",
}


class LayoutRefused(DeliveryFailed):
    """Slack does not take these blocks; plain text it may take."""


class ThreadRefused(DeliveryFailed):
    """The message to answer or to edit is not there any more."""


def refused(answer: Answer, said: str) -> DeliveryFailed:
    """The failure that an answer means, by its status and the word that Slack said."""
    word = said.strip() if _WORD.fullmatch(said.strip()) else _UNREADABLE
    if word in _LAYOUT:
        return LayoutRefused(f"{WHO} refused the message ({word})", permanent=True)
    if word in _THREAD:
        return ThreadRefused(f"{WHO} refused the thread ({word})", permanent=True)
    failure = refusal(WHO, answer, word, _HINTS.get(word, ""))
    if answer.is_good:
        failure.permanent = word not in (*_TEMPORARY, _UNREADABLE)
    return failure
