"""Titles that try to break out, rendered for every channel (in a soak ten thousand); some are really sent."""

from __future__ import annotations

import json
import multiprocessing
import random
import secrets
import smtplib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from app.alerts.channels.alertmanager import AlertmanagerChannel
from app.alerts.channels.email import EmailChannel
from app.alerts.channels.pagerduty import PagerDutyChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.webhook import WebhookChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.channels.whatsapp_twilio import Twilio
from app.alerts.message import compose
from app.alerts.model import Kind, Notice
from app.alerts.rendering import as_html, as_slack, as_text, defused
from app.core.guard import failures
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, PORTUGUESE, a_notice
from tests.alerts.servers import Mailbox, answer, smtp_server

FORK = multiprocessing.get_context("fork")
TITLES, SENT = 10_000, 40
SOME = TITLES // 10
NASTY = (
    "\r\nBcc: all@example.org\r\n\r\n", "\n.\n", "\x00\x1b[2J\x07\x7f\x85", "\ud800", "\udfff\ud800",
    "<!channel>", "<!here|x>", "<@U024BE7LH>", "@everyone @here", "<https://evil.example|click>",
    "\u202eevil\u2066", "\u2028\u2029", "{severity}{0}{", "%s%(x)s%", "<script>alert(1)</script>",
    "&amp;&lt;", "```", "*_~`", "=?utf-8?b?4oKs?=", "\ufeff\u200b\u200d", "e\u0301" * 40, "ﷺ" * 40,
    "a" * 100_000, "é" * 2_000, "&" * 3_000, "😀" * 60, "", " \t ", "{{ .Labels }}", "' OR 1=1 --",
    "\\u0000", "\U000e0041", "https://shop.example/@channel",
)  # fmt: skip
ALLOWED_HEADERS = {
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
    "x-alert-id",    "x-alert-state", "x-alert-severity", "mime-version", "content-type",
}  # fmt: skip
LIVE = ("<!", "<@", "@channel", "@here", "@everyone", "<https://evil")
WHOLE = (pytest.mark.soak, pytest.mark.timeout(900))
KINDS = [kind for kind in Kind if kind is not Kind.DIGEST]


@pytest.fixture(scope="module")
def seed() -> int:
    """Another one each time; it is printed when a test fails."""
    chosen = secrets.randbelow(1 << 32)
    print(f"seed {chosen}")  # noqa: T201 because pytest shows it only beside a failure
    return chosen


def hostile_notices(seed: int, count: int) -> Iterator[Notice]:
    """Notices whose every text is made of what breaks things."""
    chance = random.Random(seed)
    for _ in range(count):
        title, message, name, label = (
            "".join(chance.choices(NASTY, k=chance.randint(1, 3))) for _ in range(4)
        )
        labels = {name[:900]: label, "runbook": label, "recent_values": label[:99], "where": title}
        kind = chance.choice(KINDS)
        notice = a_notice(kind, title=title, message=message, labels=labels, key=title[:50])
        alert = replace(notice.alert, acknowledged_by=chance.choice(["", "ana"]))
        yield replace(notice, alert=alert, possibly_repeated=chance.random() < 0.1)


HOSTILE_STYLE = replace(ENGLISH, recent_lines=lambda alert: [alert.labels.get("where", ""), "``` <!channel>"])
SERVED: dict[str, Any] = {"style": HOSTILE_STYLE}


@pytest.mark.parametrize("count", [SOME, pytest.param(TITLES, marks=WHOLE)])
def test_text_html_and_slack_are_tame(seed: int, count: int) -> None:
    """No live mention, nothing unprintable, no markup of others, nothing over a limit, no failure."""
    failed = failures.snapshot().get("alerts.compose")
    for notice in hostile_notices(seed, count):
        message = compose(notice, HOSTILE_STYLE)
        text, html = as_text(message), as_html(message)
        assert not any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text)
        assert "<script" not in html
        assert not any(live in defused(text) for live in ("<!", "<@", "@channel", "@here", "@everyone"))
        shown, blocks = as_slack(message, "a b")
        said = json.dumps([shown, blocks], ensure_ascii=False)
        said.encode()
        assert not any(live in said for live in LIVE), said
        texts = [block["text"]["text"] for block in blocks if "text" in block]
        assert len(shown) + sum(map(len, texts)) <= 10_000
        assert len(blocks) <= 45
        assert len(texts[0]) <= 150
        assert all(0 < len(one) <= 3_000 for one in texts)
    assert failures.snapshot().get("alerts.compose") == failed


def test_mail_has_only_its_own_headers(seed: int) -> None:
    """As it is on the wire, read by another parser."""
    mails = EmailChannel("localhost", 25, "none", "a@example.org", ("b@example.org",), **SERVED)
    for notice in hostile_notices(seed, SOME // 4):
        raw = mails._mail(notice, mails.recipients).as_bytes()
        mail = message_from_bytes(raw, policy=policy.default)
        assert has_only_our_headers(mail), mail
        assert all("\n" not in str(value) for value in mail.values())


@pytest.mark.parametrize("count", [SOME, pytest.param(TITLES, marks=WHOLE)])
def test_json_channels_stay_within_their_limits(seed: int, count: int) -> None:
    """WhatsApp's 1,600 characters and one-line variables, PagerDuty's 1,024, and UTF-8 everywhere."""
    phones = WhatsAppChannel(
        Twilio("AC1", SecretStr("t"), "+14155238886"), ("+5511987654321",), HOSTILE_STYLE
    )
    pager = PagerDutyChannel(SecretStr("r"), HOSTILE_STYLE)
    manager = AlertmanagerChannel("http://x", HOSTILE_STYLE)
    hook = WebhookChannel(SecretStr("http://x"), HOSTILE_STYLE)
    for notice in hostile_notices(seed, count):
        content = phones._content(notice)
        assert len(content.body) <= 1_600
        assert all(text and len(text.splitlines()) == 1 for text in content.variables)
        assert sum(map(len, content.variables)) <= 900
        event = pager._event("trigger", notice, compose(notice, HOSTILE_STYLE))
        assert 0 < len(event["payload"]["summary"]) <= 1_024
        for said in (event, manager._alert(notice), hook._content(notice)):
            json.dumps(said, ensure_ascii=False).encode()


@dataclass
class Censor(Mailbox):
    """An SMTP server that judges each mail as it comes, and keeps of those that are right only the number."""

    right: int = 0
    wrong: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(bytes(envelope.content or b""))
        if envelope.rcpt_tos == ["b@example.org"] and has_only_our_headers(mail):
            self.right += 1
        else:
            self.wrong.append(mail)
        return "250 OK"


def has_only_our_headers(mail: Message) -> bool:
    """And the two parts of text and HTML below them, without which a header ended too early."""
    return {name.lower() for name in mail} <= ALLOWED_HEADERS and len(mail.get_payload()) == 2


def with_less_below(notice: Notice) -> Notice:
    """The same title; long bodies would only take their time."""
    alert = notice.alert
    labels = {name[:50]: text[:100] for name, text in alert.labels.items()}
    return replace(notice, alert=replace(alert, message=alert.message[:200], labels=labels))


def send_all(port: int, seed: int, count: int) -> None:
    """Hostile mails, one after the other by one connection, as the channel writes them."""
    mails = EmailChannel("localhost", port, "none", "a@example.org", ("b@example.org",), PORTUGUESE)
    with smtplib.SMTP("127.0.0.1", port) as server:
        for notice in map(with_less_below, hostile_notices(seed, count)):
            server.send_message(mails._mail(notice, mails.recipients), mails.sender, mails.recipients)


def test_real_mail_server_sees_one_mail_each(seed: int) -> None:
    """With the headers that we set, to whom we sent it."""
    mailbox = Censor()
    with smtp_server(mailbox) as port:
        mails = EmailChannel("localhost", port, "none", "a@example.org", ("b@example.org",), PORTUGUESE)
        for notice in hostile_notices(seed, SENT):
            mails.deliver(notice)
    assert (mailbox.wrong, mailbox.right) == ([], SENT)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_real_mail_server_sees_ten_thousand(seed: int) -> None:
    """From two processes, as many as the build has processors: by their connections come these mails and
    no others, each with our headers and no more.
    """
    mailbox, senders = Censor(), 2
    with smtp_server(mailbox) as port:
        orders = [(port, seed + number, TITLES // senders) for number in range(senders)]
        with FORK.Pool(senders) as pool:
            pool.starmap(send_all, orders)
    assert (mailbox.wrong, mailbox.right) == ([], TITLES)


def test_everything_arrives_over_http(seed: int, serve: Serve) -> None:
    """Well-formed, once, without a failure on the way."""
    server = serve(answer(200, "ok"))
    hook = SecretStr(f"{server.url}/hook")
    channels = (SlackChannel(webhook_url=hook, **SERVED), WebhookChannel(hook, HOSTILE_STYLE))
    for notice in hostile_notices(seed, SENT):
        for channel in channels:
            channel.deliver(notice)
    assert len(server.requests) == 2 * SENT
    assert all(isinstance(request.json(), dict) for request in server.requests)
