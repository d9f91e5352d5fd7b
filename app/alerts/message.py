"""What a notice says: composed once, then rendered as text, HTML, Slack blocks or one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape as escape_html
from typing import Any
from zoneinfo import ZoneInfo

from ..core.signal import Severity
from .model import Kind, Notice
from .wording import CATEGORIES, HEADINGS, KINDS, SEVERITIES, WORDS, Language, details_of, heading_of

_SUBJECT, _LABELS = 150, 8
_SLACK_HEADER, _SLACK_DETAILS, _SLACK_NAME, _SLACK_FACT = 150, 2_500, 40, 120
_MARKS = {Severity.LOW: "🔵", Severity.MEDIUM: "🟡", Severity.HIGH: "🟠", Severity.CRITICAL: "🔴"}
_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """How this installation speaks: `zone` None is that of the process."""

    language: Language
    host: str
    dashboard_url: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message.

    `subject` is the same in every message of one episode, because mail programs thread by it; what
    has changed stands in `headline`. `facts` are pairs of a name and a text of one line.
    """

    subject: str
    headline: str
    mark: str
    details: str
    facts: tuple[tuple[str, str], ...]
    note: str = ""
    link: str = ""
    link_name: str = ""


def compose(notice: Notice, style: Style) -> Message:
    """The message of a notice in the language of the style."""
    alert, words = notice.alert, WORDS[style.language]
    heading = heading_of(alert.code, alert.labels, alert.title, style.language)
    severity = SEVERITIES[style.language][alert.severity]
    is_good = notice.kind in (Kind.RESOLVED, Kind.LATE, Kind.NOTED, Kind.TEST)
    return Message(
        subject=f"[{style.host}] {heading}"[:_SUBJECT],
        headline=KINDS[style.language][notice.kind].format(severity=severity, heading=heading),
        mark="✅" if is_good else _MARKS[alert.severity],
        details=details_of(alert.code, alert.labels, alert.message, style.language),
        facts=tuple(_facts(notice, style)),
        note=words["repeated"] if notice.possibly_repeated else "",
        link=style.dashboard_url,
        link_name=words["dashboard"],
    )


def as_text(message: Message) -> str:
    """Plain text, as in a mail."""
    facts = "\n".join(f"{name}: {text}" for name, text in message.facts)
    parts = [message.headline, message.details, facts, message.note, message.link]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_line(message: Message) -> str:
    """The details and facts on one line, the name of each before it."""
    facts = "; ".join(f"{name}: {text}" for name, text in message.facts)
    return " ".join(f"{message.details} {facts} {message.note}".split())


def as_html(message: Message) -> str:
    """HTML, as in a mail; every text is escaped."""
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0;color:#666">{escape_html(name)}</td>'
        f"<td>{escape_html(text)}</td></tr>"
        for name, text in message.facts
    )
    link = f'<p><a href="{escape_html(message.link)}">{message.link_name}</a></p>' if message.link else ""
    note = f"<p><em>{escape_html(message.note)}</em></p>" if message.note else ""
    return (
        '<!doctype html><html><body style="font-family:sans-serif;font-size:15px">'
        f'<h2 style="font-size:18px">{message.mark} {escape_html(message.headline)}</h2>'
        f'<p style="white-space:pre-wrap">{escape_html(message.details)}</p>'
        f'<table style="border-collapse:collapse">{rows}</table>{note}{link}</body></html>\n'
    )


def as_slack(message: Message) -> tuple[str, list[dict[str, Any]]]:
    """The text for notifications and the blocks: under 10,000 characters, without a live mention."""
    head = f"{message.mark} {message.headline}"
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _fitted(head, _SLACK_HEADER), "emoji": True},
        }
    ]
    if message.details:
        blocks.append(_section(_fitted(message.details, _SLACK_DETAILS)))
    facts = [f"*{_fitted(name, _SLACK_NAME)}:* {_fitted(text, _SLACK_FACT)}" for name, text in message.facts]
    blocks.append(_section("\n".join(facts)))
    if message.note:
        blocks.append(
            {"type": "context", "elements": [{"type": "mrkdwn", "text": escape_slack(message.note)}]}
        )
    if message.link:
        blocks.append(_section(f"<{message.link}|{message.link_name}>"))
    return _fitted(head, _SLACK_DETAILS), blocks


def escape_slack(text: str) -> str:
    """The text with nothing in it that Slack takes for a mention, a link or an entity."""
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", shown)


def _fitted(text: str, limit: int) -> str:
    """The text escaped and at most `limit` characters long, never cut within an entity."""
    while len(shown := escape_slack(text)) > limit:
        text = f"{text[: min(len(text) - 2, len(text) * limit // len(shown))]}…"
    return shown


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _facts(notice: Notice, style: Style) -> Iterator[tuple[str, str]]:
    alert, words = notice.alert, WORDS[style.language]
    for name, number in (("value", alert.value), ("threshold", alert.threshold)):
        if number is not None:
            yield words[name], _number(number, alert.code, style.language)
    yield from list(alert.labels.items())[:_LABELS]
    yield words["since"], _moment(alert.started_at, style)
    if alert.resolved_at is not None and not alert.noted:
        yield words["over"], _moment(alert.resolved_at, style)
        if alert.reason:
            yield words["reason"], alert.reason
    if notice.repeats:
        yield words["repeats"], words["times"].format(count=notice.repeats)
    yield words["category"], f"{CATEGORIES[style.language][alert.category]} · {alert.source}"
    yield words["host"], style.host
    yield words["id"], alert.id


def _number(number: float, code: str, language: Language) -> str:
    unit = HEADINGS[code].unit if code in HEADINGS else ""
    text = f"{number:.4g}" if abs(number) < 10_000 else f"{number:.0f}"
    shown = text.replace(".", ",") if language == "pt-BR" else text
    return f"{shown} {unit}".rstrip()


def _moment(moment: datetime, style: Style) -> str:
    return moment.astimezone(style.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
