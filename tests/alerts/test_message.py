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

from app.alerts.headings import HEADINGS, details_of
from app.alerts.message import Style, compose, sparkline
from app.alerts.model import Alert, Digest, Item, Kind, Notice
from app.alerts.rendering import as_slack, as_text
from app.alerts.state import resolve
from app.alerts.wording import CATEGORIES, KINDS, SEVERITIES, WORDS, Language
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
    "from": "02:11",
    "until": "02:14",
    "rule": "available",
    "event": "booking",
    "window": "1h",
    "objective": "99.9 %",
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
        "Dashboard: https://shop.example/production/\n"
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
        (Kind.ACKNOWLEDGED, "Somebody is on it: High CPU use"),
        (Kind.ESCALATED, "CRITICAL, and nobody is on it: High CPU use"),
        (Kind.FLAPPING, "Comes and goes: High CPU use"),
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


def test_acknowledgement_names_who_it_was() -> None:
    """And when, and why if that was said."""
    alert = replace(a_notice().alert, acknowledged_by="ana", acknowledged_at=NOON, reason="looking")
    text = as_text(compose(Notice("k", Kind.ACKNOWLEDGED, alert), PORTUGUESE))
    assert text.startswith("ana está cuidando: Gateway refuses\n")
    assert "Em cuidado desde: 2026-11-23 12:00:00 UTC\nMotivo: looking\n" in text


def a_digest(total: int = 2, kind: Kind = Kind.FIRED) -> Notice:
    """A notice about two alerts and more."""
    alerts = [
        a_notice(title=title, severity=severity).alert
        for title, severity in (("Disk", Severity.CRITICAL), ("Gateway", Severity.HIGH))
    ]
    items = (Item(kind, alerts[0]), Item(kind, alerts[1], count=3))
    counts = {Severity.HIGH: total - 1, Severity.CRITICAL: 1}
    return Notice("k", Kind.DIGEST, alerts[0], digest=Digest(items, total, counts, {kind: total}, NOON))


def test_digest_says_how_many_and_the_worst_of_them() -> None:
    """With what was left out, since when, and where the rest is."""
    message = compose(a_digest(37), ENGLISH)
    assert message.headline == "37 alerts: 1 CRITICAL, 36 HIGH"
    assert message.details == "🔴 CRITICAL: Disk\n🟠 HIGH: Gateway (3x)\nand 35 more"
    assert message.subject == "[shop-1] 37 alerts since 2026-11-23 12:00:00 UTC"
    assert (message.mark, message.links) == ("🔴", (("Dashboard", "https://shop.example/production/"),))


def test_a_small_digest_tells_what_each_alert_says() -> None:
    """As a line below its title; a large one has no room for that."""
    said = replace(a_notice(title="Gateway refuses").alert, message="status 502\nfor an hour")
    counts, kinds = {Severity.HIGH: 1}, {Kind.FIRED: 1}
    items = (Item(Kind.FIRED, said),)
    for total, line in ((1, "\n    status 502 for an hour"), (37, "\nand 36 more")):
        notice = Notice("k", Kind.DIGEST, said, digest=Digest(items, total, counts, kinds, NOON))
        assert compose(notice, ENGLISH).details.endswith(f"Gateway refuses{line}")


def test_digest_of_ends_is_good_news() -> None:
    """In Portuguese too."""
    message = compose(a_digest(kind=Kind.RESOLVED), PORTUGUESE)
    assert (message.mark, message.headline) == ("✅", "2 alertas: 1 CRÍTICO, 1 ALTO")
    assert "✅ Encerrado: Disk" in message.details


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"),
        ([5, 5, 5], "▁▁▁"),
        ([0, 100], "▁█"),
        ([1, float("nan"), 2], "▁█"),
        ([-1.7e308, 1.7e308], "▁█"),
        ([0, 5e-324], "▁▁"),
        ([1], ""),
        ([], ""),
    ],
)
def test_sparkline(values: list[float], drawn: str) -> None:
    """From the lowest bar to the highest, whatever the numbers."""
    assert sparkline(values) == drawn


@given(st.lists(st.floats(), max_size=60))
def test_sparkline_is_short(values: list[float]) -> None:
    """A bar for each of the last thirty numbers at most."""
    assert len(sparkline(values)) <= 30


def test_recent_values_are_drawn() -> None:
    """And not shown as the label that they came in; nonsense is left out."""
    facts = dict(compose(a_notice(labels={"recent_values": "1, 2,8"}), ENGLISH).facts)
    assert facts["Lately"] == "▁▂█"
    assert "recent_values" not in facts
    assert "Lately" not in dict(compose(a_notice(labels={"recent_values": "1,x"}), ENGLISH).facts)


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("https://wiki.example/runbooks/disk?x=1#top", True),
        ("javascript:alert(1)", False),
        ("https://ok.example/ https://evil.example", False),
        ("https://bank.example@evil.example/", False),
        ("https://x/|click>", False),
        ("", False),
    ],
)
def test_runbook_is_a_link_if_it_can_be_one(url: str, is_linked: bool) -> None:
    """What a label says may come from anywhere."""
    links = compose(a_notice(labels={"runbook": url}), ENGLISH).links
    assert (("What to do", url) in links) is is_linked


def test_news_hold_log_lines_and_the_acknowledge_link() -> None:
    """Printable and short; the end of it holds neither."""
    style = replace(
        ENGLISH,
        acknowledge_url=lambda alert: f"https://a/{alert.id}",
        recent_lines=lambda _: ["a\x1bb", "c" * 900],
    )
    message = compose(a_notice(), style)
    assert message.lines == ("a b", "c" * 200)
    assert message.links[0] == ("I am on it", f"https://a/{a_notice().alert.id}")
    over = resolve(a_notice().alert, NOON, "ana", "").alert
    assert over is not None
    message = compose(Notice("k", Kind.RESOLVED, over), style)
    assert (message.lines, message.acknowledge_url, message.buttons) == ((), "", ())


def test_acknowledged_alert_offers_no_acknowledging() -> None:
    """But the two others."""
    alert = replace(a_notice().alert, acknowledged_at=NOON, acknowledged_by="ana")
    verbs = [verb for verb, _ in compose(Notice("k", Kind.ACKNOWLEDGED, alert), ENGLISH).buttons]
    assert verbs == ["resolve", "silence"]


def broken(_: Alert) -> str:
    """Something that a message asks for fails."""
    raise OSError


def test_message_does_without_what_fails() -> None:
    """A log that cannot be read, a key that cannot be made."""
    style = replace(ENGLISH, acknowledge_url=broken, recent_lines=broken)
    assert compose(a_notice(), style).headline == "HIGH: Gateway refuses"


def test_message_that_cannot_be_worded_is_bare() -> None:
    """An ugly message is better than none: here its language has no words."""
    style = replace(ENGLISH, language="tlh")  # type: ignore[arg-type]
    message = compose(a_notice(message="why"), style)
    assert message.headline == "HIGH (fired): Gateway refuses"
    assert as_text(message) == "HIGH (fired): Gateway refuses\n\nwhy\n"


def test_every_code_of_the_other_pages_is_worded() -> None:
    """The kinds of conditions that Atalaia itself observes."""
    assert set(CODES) == {
        "cpu_high", "memory_high", "disk_high", "response_time_high", "error_rate_high",
        "database_connections_high", "database_unreachable", "external_unreachable", "event_loop_blocked",
        "backup_failed", "backup_succeeded", "backup_overdue", "backup_damaged",
        "backup_drill_failed", "backup_not_drillable", "backup_shrunken", "backup_offsite_failed",
        "backup_archiving_fails",
        "unhandled_exception", "new_error",
        "events_refused", "events_quarantined", "events_conflicts",
        "internal_failure", "access_attack", "logs_dropped", "events_dropped", "channel_failed", "was_down",
        "slo_burn", "business_anomaly", "rule_no_data", "rule_failed",
    }  # fmt: skip


@pytest.mark.parametrize("code", sorted(set(HEADINGS) - {"unhandled_exception", "test"}))
def test_what_happened_is_told_in_portuguese_too(code: str) -> None:
    """The English message is replaced or introduced; only an exception's own words stay alone."""
    names = (
        "path",
        "route",
        "service",
        "where",
        "backup_id",
        "place",
        "client",
        "channel",
        "rule",
        "event",
        "window",
        "objective",
        "pid",
        "from",
        "until",
    )
    told = details_of(code, dict.fromkeys(names, "x"), "the message", "pt-BR")
    assert told != "the message"
    assert details_of(code, {}, "the message", "en") == "the message"
    assert details_of(code, {}, "", "pt-BR") == ""


def test_headings_carry_no_values() -> None:
    """Because mail programs thread by a subject that must stay the same."""
    for heading in HEADINGS.values():
        assert "{value}" not in heading.en + heading.pt


def test_a_note_of_something_bad_is_not_marked_as_good() -> None:
    """That Atalaia was down is over when it is told, and no reason to be glad."""
    assert compose(a_notice(Kind.NOTED, severity=Severity.HIGH), ENGLISH).mark != "✅"
    assert compose(a_notice(Kind.NOTED, severity=Severity.LOW), ENGLISH).mark == "✅"
