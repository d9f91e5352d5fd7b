"""What a notice says, in two languages and four shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts.message import Style, as_html, as_line, as_slack, as_text, compose, escape_slack
from app.alerts.model import Kind, Notice
from app.alerts.state import resolve
from app.alerts.wording import CATEGORIES, HEADINGS, KINDS, SEVERITIES, WORDS, Language, details_of
from app.core.signal import Category, Severity

from .examples import ENGLISH, NOON, PORTUGUESE, a_notice

CODES = [code for code in HEADINGS if code not in ("test", "worker_died")]
LABELS = {
    "route": "/pay",
    "service": "openai",
    "type": "ValueError",
    "where": "pay",
    "place": "fold",
    "channel": "slack",
}


def a_cpu_notice(kind: Kind = Kind.FIRED, **changes: Any) -> Notice:
    """The CPU was at 97.25 %."""
    said: dict[str, Any] = {
        "title": "CPU is high", "code": "cpu_high", "value": 97.25, "threshold": 95.0,
        "severity": Severity.CRITICAL, "category": Category.PERFORMANCE, "source": "performance",
    }  # fmt: skip
    return a_notice(kind, **{**said, **changes})


def test_english_text_says_what_where_since_when_and_where_to_look() -> None:
    """Value and limit with their unit, labels, host, id and link."""
    notice = a_cpu_notice(labels={"core": "3"}, message="for 5 minutes")
    assert as_text(compose(notice, ENGLISH)) == (
        "CRITICAL: High CPU use\n\nfor 5 minutes\n\n"
        "Value: 97.25 %\nLimit: 95 %\ncore: 3\nSince: 2026-11-23 12:00:00 UTC\n"
        f"Category: performance · performance\nServer: shop-1\nId: {notice.alert.id}\n\n"
        "https://shop.example/production/\n"
    )


def test_portuguese_text_is_portuguese() -> None:
    """Words, severity, decimal comma, and the local time of the reader."""
    style = replace(PORTUGUESE, zone=ZoneInfo("America/Sao_Paulo"))
    text = as_text(compose(a_cpu_notice(), style))
    assert text.startswith("CRÍTICO: Uso alto de CPU\n")
    assert "Valor: 97,25 %\nLimite: 95 %\nDesde: 2026-11-23 09:00:00 -03\n" in text
    assert "Servidor: loja-1" in text


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_heading(code: str, language: Language) -> None:
    """With its labels in it, in each language, and not the title that its source gave in English."""
    message = compose(a_notice(code=code, labels=LABELS, title="raw title"), Style(language, "h"))
    assert "raw title" not in message.headline
    assert "{" not in message.headline


@pytest.mark.parametrize("language", get_args(Language))
def test_every_word_is_there(language: Language) -> None:
    """No message fails for want of one."""
    assert set(KINDS[language]) == set(Kind)
    assert set(SEVERITIES[language]) == set(Severity)
    assert set(CATEGORIES[language]) == set(Category)
    assert set(WORDS[language]) == set(WORDS["en"])


def test_unknown_code_shows_the_title() -> None:
    """An alert of the application is in the words of the application."""
    assert compose(a_notice(title="Gateway refuses"), PORTUGUESE).headline == "ALTO: Gateway refuses"


def test_known_code_without_its_labels_shows_the_title() -> None:
    """Half a heading says less."""
    assert "title" in compose(a_notice(code="response_time_high", title="title"), ENGLISH).headline


@pytest.mark.parametrize(
    ("kind", "headline"),
    [
        (Kind.FIRED, "CRITICAL: High CPU use"),
        (Kind.WORSE, "Worse, now CRITICAL: High CPU use"),
        (Kind.REMINDER, "Still CRITICAL: High CPU use"),
        (Kind.RESOLVED, "Over: High CPU use"),
        (Kind.LATE, "Was CRITICAL, is over: High CPU use"),
    ],
)
def test_headline_says_what_became_of_it(kind: Kind, headline: str) -> None:
    """While the subject stays as it is through the whole episode."""
    message = compose(a_cpu_notice(kind), ENGLISH)
    assert (message.headline, message.subject) == (headline, "[shop-1] High CPU use")


def test_end_says_when_and_why() -> None:
    """And how often it was seen since the last message."""
    over = resolve(a_notice().alert, NOON + timedelta(minutes=3), "ana", "restarted the gateway").alert
    assert over is not None
    text = as_text(compose(Notice("k", Kind.RESOLVED, over, repeats=37), ENGLISH))
    assert "Over at: 2026-11-23 12:03:00 UTC\nBecause: restarted the gateway\nSeen again: 37 times" in text


def test_possible_repetition_is_said() -> None:
    """In the language of the reader."""
    notice = replace(a_notice(), possibly_repeated=True)
    assert "pode ser repetida" in as_text(compose(notice, PORTUGUESE))
    assert "pode ser repetida" in json.dumps(as_slack(compose(notice, PORTUGUESE)), ensure_ascii=False)


def test_html_is_escaped() -> None:
    """What others wrote stays text."""
    html = as_html(compose(a_notice(title="<b>x</b>", message="<script>", labels={"<i>": "&"}), ENGLISH))
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_line_has_no_line_breaks() -> None:
    """As a template's variable must be."""
    assert "\n" not in as_line(compose(a_notice(message="a\nb\n\nc"), ENGLISH))


def test_slack_mentions_are_dead() -> None:
    """None of the ways to call a whole channel survives."""
    shown = escape_slack("<!channel> <@U1> <http://x|y> @here @channel @Everyone a@b.c &amp;")
    assert "<" not in shown
    assert not any(f"@{word}" in shown for word in ("here", "channel", "Everyone"))
    assert "a@b.c" in shown
    assert shown.endswith("&amp;amp;")


@given(
    st.text(max_size=3_000),
    st.text(max_size=15_000),
    st.dictionaries(st.text(max_size=300), st.text(max_size=600), max_size=40),
)
def test_slack_message_is_within_the_limits(title: str, message: str, labels: dict[str, str]) -> None:
    """150 for the header, 3,000 for a section, 10,000 and 45 blocks in all, whatever is said."""
    text, blocks = as_slack(compose(a_notice(title=title, message=message, labels=labels), ENGLISH))
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    assert all(1 <= len(shown) <= 3_000 for shown in texts)
    assert len(texts[0]) <= 150
    assert len(text) + sum(map(len, texts)) < 10_000
    assert len(blocks) <= 45


@given(st.sampled_from("&<>@x😀"), st.integers(140, 160))
def test_cut_never_splits_an_entity(sign: str, length: int) -> None:
    """A header of a hundred ampersands is still a header."""
    _, blocks = as_slack(compose(a_notice(title=sign * length), ENGLISH))
    shown = blocks[0]["text"]["text"].rstrip("…")
    assert shown.count("&") == sum(shown.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


def test_every_code_of_the_other_pages_is_worded() -> None:
    """The kinds of conditions that Atalaia itself observes."""
    assert set(CODES) == {
        "cpu_high", "memory_high", "disk_high", "response_time_high", "error_rate_high",
        "database_connections_high", "database_unreachable", "external_unreachable", "event_loop_blocked",
        "backup_failed", "backup_succeeded", "backup_overdue", "backup_damaged",
        "backup_drill_failed", "backup_not_drillable", "backup_shrunken", "backup_offsite_failed",
        "unhandled_exception", "new_error",
        "events_refused", "events_quarantined", "events_conflicts",
        "internal_failure", "access_attack", "logs_dropped", "events_dropped", "channel_failed",
    }  # fmt: skip


@pytest.mark.parametrize("code", sorted(set(HEADINGS) - {"unhandled_exception", "test"}))
def test_what_happened_is_told_in_portuguese_too(code: str) -> None:
    """The English message is replaced or introduced; only an exception's own words stay alone."""
    names = ("path", "route", "service", "where", "backup_id", "place", "client", "channel", "pid")
    told = details_of(code, dict.fromkeys(names, "x"), "the message", "pt-BR")
    assert told != "the message"
    assert details_of(code, {}, "the message", "en") == "the message"
    assert details_of(code, {}, "", "pt-BR") == ""


def test_headings_carry_no_values() -> None:
    """Because mail programs thread by a subject that must stay the same."""
    for heading in HEADINGS.values():
        assert "{value}" not in heading.en + heading.pt
