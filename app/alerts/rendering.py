"""A message as text, as one line, as HTML and as Slack blocks, each within its limits and harmless."""

from __future__ import annotations

import re
from html import escape as escape_html
from typing import Any

from .message import Message

_HEADER, _TEXT, _DETAILS, _LINES = 150, 600, 2_000, 1_500
_NAME, _FACT = 40, 120
_MENTION = re.compile("@(?=here|channel|everyone)", re.IGNORECASE)
_CELL = "padding:3px 16px 3px 0;color:#666;vertical-align:top;white-space:nowrap"
_BUTTON = (
    "display:inline-block;margin:0 8px 8px 0;padding:10px 16px;border:1px solid #888;border-radius:6px;"
    "color:inherit;text-decoration:none"
)


def as_text(message: Message) -> str:
    """Plain text, as in a mail."""
    facts = "\n".join(f"{name}: {text}" for name, text in message.facts)
    lines = "\n".join([f"{message.lines_name}:", *message.lines]) if message.lines else ""
    links = "\n".join(f"{name}: {url}" for name, url in message.links)
    parts = [message.headline, message.details, facts, lines, message.note, links]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_line(message: Message, limit: int) -> str:
    """Details, facts and the acknowledge link on one line of at most `limit` characters."""
    facts = "; ".join(f"{name}: {text}" for name, text in message.facts)
    line = " ".join(f"{message.details} {facts} {message.note}".split())
    room = limit - len(message.acknowledge_url) - 1 if message.acknowledge_url else limit
    shown = line if len(line) <= room else f"{line[: room - 1]}…"
    return f"{shown} {message.acknowledge_url}".strip()


def as_html(message: Message) -> str:
    """HTML, as in a mail that is read on a telephone; every text is escaped."""
    rows = "".join(
        f'<tr><td style="{_CELL}">{escape_html(name)}</td>'
        f'<td style="padding:3px 0;word-break:break-word">{escape_html(text)}</td></tr>'
        for name, text in message.facts
    )
    links = "".join(
        f'<a href="{escape_html(url)}" style="{_BUTTON}">{escape_html(name)}</a>'
        for name, url in message.links
    )
    return (
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.4;max-width:640px;margin:0 auto;'
        'padding:12px">'
        f'<h2 style="font-size:19px">{message.mark} {escape_html(message.headline)}</h2>'
        f'<p style="white-space:pre-wrap;word-break:break-word">{escape_html(message.details)}</p>'
        f"<p>{links}</p>"
        f'<table style="border-collapse:collapse">{rows}</table>{_html_lines(message)}{_html_note(message)}'
        "</body></html>\n"
    )


def as_slack(message: Message, subject: str = "") -> tuple[str, list[dict[str, Any]]]:
    """The text for notifications and the blocks: under 10,000 characters, without a live mention.

    With a `subject` (what the buttons are about) they have buttons.
    """
    head = f"{message.mark} {message.headline}"
    header = {"type": "plain_text", "text": _fitted(head, _HEADER), "emoji": True}
    facts = [f"*{_fitted(name, _NAME)}:* {_fitted(text, _FACT)}" for name, text in message.facts]
    # Because backquotes would end the block that they stand in.
    lines = _fitted("\n".join(message.lines).replace("`", "'"), _LINES)
    # Because a button says it better.
    left = [one for one in message.links if not subject or one[1] != message.acknowledge_url]
    links = " · ".join(f"<{_slack_url(url)}|{escape_slack(name)}>" for name, url in left)
    sections = [
        _fitted(message.details, _DETAILS),
        "\n".join(facts),
        f"*{message.lines_name}:*\n```{lines}```" if lines else "",
        links,
    ]
    blocks: list[dict[str, Any]] = [{"type": "header", "text": header}]
    blocks += [_section(text) for text in sections if text.strip()]
    if message.note:
        note = {"type": "mrkdwn", "text": escape_slack(message.note)}
        blocks.append({"type": "context", "elements": [note]})
    if subject and message.buttons:
        blocks.append({"type": "actions", "elements": [_button(*one, subject) for one in message.buttons]})
    return _fitted(head, _TEXT), blocks


def escape_slack(text: str) -> str:
    """The text with nothing in it that Slack takes for a mention, a link or an entity."""
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", shown)


def defused(text: str) -> str:
    """The text with no live mention of everybody or of somebody in it, for services that have no escapes."""
    return _MENTION.sub("@\u200b", text).replace("<@", "<\u200b@").replace("<!", "<\u200b!")


def _fitted(text: str, limit: int) -> str:
    """The text escaped and at most `limit` characters long, never cut within an entity."""
    while len(shown := escape_slack(text)) > limit:
        text = f"{text[: min(len(text) - 2, len(text) * limit // len(shown))]}…"
    return shown


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _button(verb: str, name: str, subject: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": name}
    return {"type": "button", "action_id": verb, "text": text, "value": subject}


def _slack_url(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _html_lines(message: Message) -> str:
    if not message.lines:
        return ""
    shown = escape_html("\n".join(message.lines))
    return (
        f"<p>{escape_html(message.lines_name)}:</p>"
        f'<pre style="white-space:pre-wrap;word-break:break-word;font-size:13px">{shown}</pre>'
    )


def _html_note(message: Message) -> str:
    return f"<p><em>{escape_html(message.note)}</em></p>" if message.note else ""
