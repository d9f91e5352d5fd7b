"""What every alert channel promises, tried with a real server at the other end."""

from __future__ import annotations

import json
import logging
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from app.alerts.channels import Channel
from app.alerts.channels.alertmanager import AlertmanagerChannel
from app.alerts.channels.apprise_urls import AppriseChannel
from app.alerts.channels.email import EmailChannel
from app.alerts.channels.pagerduty import PagerDutyChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.webhook import WebhookChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.channels.whatsapp_meta import Meta
from app.alerts.channels.whatsapp_provider import Provider
from app.alerts.channels.whatsapp_twilio import Twilio
from app.alerts.model import Notice
from app.core.errors import DeliveryFailed
from app.testing import wait_until
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import (
    HttpServer,
    Mailbox,
    Script,
    answer,
    endless,
    one_byte_a_second,
    silent,
    smtp_server,
)

SECRET = "s3cr3t-T0ken-9f8e7d"
DEADLINE = 1.0
GRACE = 3.0  # Because other tests use the same two processors.
ALLOWED = "\n\t\u200b"  # Because a zero-width space is what makes a mention dead.
HOSTILE = {
    "line breaks": "down\r\nBcc: all@example.org\r\n\r\n<html>",
    "NUL": "down\x00\x1b[2J\x7f",
    "half a character": "down \ud800 \udfff",
    "mentions": "<!channel> <!here> <@U123> @channel @here @everyone",
    "markup": "<script>alert(1)</script> & *bold* _it_ `code` | {x} %s",
    "right to left": "\u202eevil\u2066\u200f",
    "100 kB": "&<>é😀" * 20_000,
    "nothing": "",
}


@dataclass
class Stand:
    """One channel with a server that it can be pointed at; `received` are the texts that arrived.

    is_idempotent: a repetition is folded into what is there, and need not say that it is one.
    is_blind: it learns of a failure neither its reason nor, before it sends, that there will be one.
    """

    make: Callable[[int], Channel]
    accept: Callable[[ExitStack], int]
    busy: Callable[[ExitStack], int]
    temporary: Callable[[ExitStack], int]
    permanent: Callable[[ExitStack], int]
    received: list[str] = field(default_factory=list)
    is_mail: bool = False
    is_idempotent: bool = False
    is_blind: bool = False


def http(*scripts: Script) -> Callable[[ExitStack], int]:
    """A server that answers so."""

    def start(stack: ExitStack) -> int:
        server = HttpServer(*scripts)
        stack.callback(server.close)
        return server.port

    return start


def plain(body: str) -> str:
    """A JSON body with its escapes resolved."""
    return json.dumps(json.loads(body), ensure_ascii=False)


def by_http(make: Callable[[int], Channel], accepted: Script, refused: Script, **more: bool) -> Stand:
    """A channel that posts JSON over HTTP and is judged by status."""
    busy, broken = answer(429, f"slow down {SECRET}", Retry_After="7"), answer(503, f"<html>{SECRET}")
    stand = Stand(make, http(), http(busy), http(broken), http(refused), **more)  # type: ignore[arg-type]
    stand.accept = keeping(stand, plain, accepted)
    return stand


def slack_webhook() -> Stand:
    """Slack by an incoming webhook."""

    def make(port: int) -> Channel:
        url = SecretStr(f"http://127.0.0.1:{port}/services/{SECRET}")
        return SlackChannel(style=ENGLISH, webhook_url=url, has_buttons=True, deadline_seconds=DEADLINE)

    return by_http(make, answer(200, "ok"), answer(404, "no_service"))


def slack_bot() -> Stand:
    """Slack as a bot."""

    def make(port: int) -> Channel:
        return SlackChannel(
            style=ENGLISH,
            bot_token=SecretStr(SECRET),
            channel="C1",
            api_url=f"http://127.0.0.1:{port}/api/",
            has_buttons=True,
            deadline_seconds=DEADLINE,
        )

    accepted = answer(200, json.dumps({"ok": True, "ts": "1.2", "channel": "C1"}))
    return by_http(make, accepted, answer(200, json.dumps({"ok": False, "error": "invalid_auth"})))


def whatsapp(provider: Callable[[int], Provider]) -> Callable[[int], Channel]:
    """WhatsApp by a provider at a port."""
    return lambda port: WhatsAppChannel(
        provider=provider(port),
        recipients=("+5511987654321",),
        style=ENGLISH,
        deadline_seconds=DEADLINE,
    )


def twilio(content_sid: str = "") -> Stand:
    """WhatsApp through Twilio, as free text or by a template."""

    def provider(port: int) -> Provider:
        url = f"http://127.0.0.1:{port}"
        return Twilio("AC1", SecretStr(SECRET), "+14155238886", content_sid, api_url=url)

    accepted = answer(201, json.dumps({"sid": "SM1", "status": "queued", "error_code": None}))
    body = {"code": 21211, "message": f"no: {SECRET}", "status": 400, "more_info": "https://example.org"}
    stand = by_http(whatsapp(provider), accepted, answer(400, json.dumps(body)))
    name = "ContentVariables" if content_sid else "Body"
    stand.accept = keeping(stand, lambda body: parse_qs(body)[name][0], accepted)
    return stand


def meta(template: str = "") -> Stand:
    """WhatsApp through Meta, as free text or by a template."""

    def provider(port: int) -> Provider:
        return Meta("106540352242922", SecretStr(SECRET), template, api_url=f"http://127.0.0.1:{port}/v24.0")

    accepted = answer(200, json.dumps({"messages": [{"id": "wamid.1"}]}))
    body = {"error": {"code": 131026, "message": f"no: {SECRET}"}}
    return by_http(whatsapp(provider), accepted, answer(400, json.dumps(body)))


def webhook() -> Stand:
    """A receiver of the users' own, whose address is a secret."""

    def make(port: int) -> Channel:
        url = SecretStr(f"http://127.0.0.1:{port}/hooks/{SECRET}")
        return WebhookChannel(url, ENGLISH, secret=SecretStr(SECRET), deadline_seconds=DEADLINE)

    return by_http(make, answer(204), answer(410, SECRET))


def pagerduty() -> Stand:
    """PagerDuty's Events API."""

    def make(port: int) -> Channel:
        url = f"http://127.0.0.1:{port}"
        return PagerDutyChannel(SecretStr(SECRET), ENGLISH, api_url=url, deadline_seconds=DEADLINE)

    accepted = answer(202, json.dumps({"status": "success", "dedup_key": "x"}))
    refused = answer(400, json.dumps({"status": "invalid event", "errors": [SECRET]}))
    stand = by_http(make, accepted, refused, is_idempotent=True)

    def without_key(body: str) -> str:
        return json.dumps({**json.loads(body), "routing_key": ""}, ensure_ascii=False)

    stand.accept = keeping(stand, without_key, accepted)
    return stand


def alertmanager() -> Stand:
    """Prometheus's Alertmanager."""

    def make(port: int) -> Channel:
        url = f"http://127.0.0.1:{port}"
        return AlertmanagerChannel(url, ENGLISH, token=SecretStr(SECRET), deadline_seconds=DEADLINE)

    return by_http(make, answer(200), answer(400, SECRET), is_idempotent=True)


def apprise() -> Stand:
    """One of Apprise's services: a JSON receiver."""
    pytest.importorskip("apprise")

    def make(port: int) -> Channel:
        url = SecretStr(f"json://127.0.0.1:{port}/{SECRET}")
        return AppriseChannel(url, ENGLISH)

    return by_http(make, answer(200), answer(404), is_blind=True)


def keeping(stand: Stand, text_of: Callable[[str], str], script: Script) -> Callable[[ExitStack], int]:
    """A server that accepts, whose requests become `stand.received` when it ends."""

    def start(stack: ExitStack) -> int:
        server = HttpServer(script)
        stack.callback(server.close)
        stack.callback(
            lambda: stand.received.extend(text_of(request.body.decode()) for request in server.requests)
        )
        return server.port

    return start


def email() -> Stand:
    """Mail, signed in with a password."""
    mailbox = Mailbox()

    def make(port: int) -> Channel:
        return EmailChannel(
            host="127.0.0.1",
            port=port,
            security="none",
            sender="atalaia@example.org",
            recipients=("ops@example.org",),
            style=ENGLISH,
            deadline_seconds=DEADLINE,
        )

    def serve(reply: str) -> Callable[[ExitStack], int]:
        def start(stack: ExitStack) -> int:
            if reply:
                mailbox.replies["DATA"] = reply
            stack.callback(lambda: stand.received.extend(map(shown, mailbox.mails)))
            return stack.enter_context(smtp_server(mailbox))

        return start

    stand = Stand(
        make, serve(""), serve(f"451 later {SECRET}"), serve(f"452 full {SECRET}"), serve(f"554 no {SECRET}"),
        is_mail=True,
    )  # fmt: skip
    return stand


def shown(mail: EmailMessage) -> str:
    """What a mail program shows."""
    body = mail.get_body()
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


STANDS: dict[str, Callable[[], Stand]] = {
    "email": email,
    "slack webhook": slack_webhook,
    "slack bot": slack_bot,
    "twilio text": twilio,
    "twilio template": lambda: twilio("HX" + "0" * 32),
    "meta text": meta,
    "meta template": lambda: meta("alert"),
    "webhook": webhook,
    "pagerduty": pagerduty,
    "alertmanager": alertmanager,
    "apprise": apprise,
}


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest) -> Stand:
    """Each channel in turn."""
    return STANDS[request.param]()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends the servers of a test."""
    with ExitStack() as servers:
        yield servers


def hurried(channel: Any, deadline: float = DEADLINE) -> Any:
    """One that has less time than it may need to deliver on a busy machine."""
    return replace(channel, deadline_seconds=deadline)


def deadline_of(channel: Any) -> float:
    """The seconds in which it has to be done."""
    return float(channel.deadline_seconds)


def failure(channel: Channel, notice: Notice | None = None) -> DeliveryFailed:
    """The failure of a delivery, in time and without a secret in anything that it says."""
    began = time.monotonic()
    with pytest.raises(DeliveryFailed) as caught:
        channel.deliver(notice or a_notice())
    assert time.monotonic() - began < deadline_of(channel) + GRACE
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!s}{error!r}{vars(error)}"
        error = error.__cause__
    assert caught.value.fact
    return caught.value


def test_notice_is_delivered(stand: Stand, stack: ExitStack) -> None:
    """Once, with its title in it."""
    receipt = stand.make(stand.accept(stack)).deliver(a_notice(title="Gateway refuses"))
    stack.close()
    assert receipt.refused == ()
    assert len(stand.received) == 1
    assert "Gateway refuses" in stand.received[0]


def test_refused_connection_passes(stand: Stand, stack: ExitStack) -> None:
    """Nobody listens now; somebody may later."""
    with ExitStack() as soon:
        port = stand.accept(soon)
    assert not failure(stand.make(port)).permanent


@pytest.mark.parametrize(
    ("script", "deadline"),
    [(silent, DEADLINE / 4), (one_byte_a_second, DEADLINE)],
    ids=["silent", "one_byte_a_second"],
)
def test_deadline_is_kept(stand: Stand, stack: ExitStack, script: Script, deadline: float) -> None:
    """In all, whatever the server does with single reads, and nothing of it is left running."""
    server = HttpServer(script)
    stack.callback(server.close)
    assert not failure(hurried(stand.make(server.port), deadline)).permanent
    wait_until(lambda: not any(thread.name.startswith("atalaia-") for thread in threading.enumerate()))


def test_endless_answer_is_left(stand: Stand, stack: ExitStack) -> None:
    """Nobody reads it to an end that never comes."""
    server = HttpServer(endless)
    stack.callback(server.close)
    channel = hurried(stand.make(server.port))
    began = time.monotonic()
    with suppress(DeliveryFailed):
        channel.deliver(a_notice())
    assert time.monotonic() - began < deadline_of(channel) + GRACE


def test_busy_server_says_when(stand: Stand, stack: ExitStack) -> None:
    """Too many requests pass; the time that was asked for is handed on."""
    error = failure(stand.make(stand.busy(stack)))
    assert not error.permanent
    assert error.retry_after == (None if stand.is_mail or stand.is_blind else 7)


def test_error_of_the_server_passes(stand: Stand, stack: ExitStack) -> None:
    """A 5xx of HTTP and a 4xx of SMTP are tried again."""
    assert not failure(stand.make(stand.temporary(stack))).permanent


def test_refusal_is_permanent(stand: Stand, stack: ExitStack) -> None:
    """What was refused for what it is will be refused again."""
    error = failure(stand.make(stand.permanent(stack)))
    assert error.permanent is not stand.is_blind
    assert error.hint


def test_channel_shows_no_secret(stand: Stand) -> None:
    """Neither as text nor in what a debugger prints."""
    channel = stand.make(1)
    assert SECRET not in f"{channel!r}{channel!s}"


def test_no_secret_is_logged(stand: Stand, stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at DEBUG, when the vendor's libraries talk."""
    caplog.set_level(logging.DEBUG)
    stand.make(stand.accept(stack)).deliver(a_notice())
    failure(stand.make(stand.temporary(stack)))
    ours = [record for record in caplog.records if record.name != "mail.log"]  # Because that is the server's.
    assert SECRET not in "".join(f"{record.getMessage()}{record.__dict__}" for record in ours)


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_delivered_tamely(stand: Stand, stack: ExitStack, title: str) -> None:
    """No exception, no control character, no live mention, no message over its channel's limits."""
    notice = a_notice(title=title, message=title, labels={"where": title, title: "x"}, key=title)
    stand.make(stand.accept(stack)).deliver(notice)
    stack.close()
    (text,) = stand.received
    assert not any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") and sign not in ALLOWED for sign in text)
    if isinstance(stand.make(1), SlackChannel | AppriseChannel):
        assert not any(live in text for live in ("<!", "<@", "@channel", "@here", "@everyone"))
        assert len(text) < 10_000 * 1.5
    if isinstance(stand.make(1), WhatsAppChannel):
        assert len(text) <= 1_600 * 2


def test_same_notice_can_be_delivered_again(stand: Stand, stack: ExitStack) -> None:
    """After a crash it comes a second time, and says that it may be a repetition."""
    channel = stand.make(stand.accept(stack))
    notice = a_notice()
    channel.deliver(notice)
    channel.deliver(replace(notice, possibly_repeated=True))
    stack.close()
    assert len(stand.received) == 2
    assert stand.is_idempotent or "may have been sent before" in stand.received[1]


def test_check_finds_what_is_wrong(stand: Stand, stack: ExitStack) -> None:
    """Before an alert has to: nobody listens."""
    with ExitStack() as soon:
        port = stand.accept(soon)
    if stand.is_blind:
        stand.make(port).check()
        return
    with pytest.raises(DeliveryFailed) as caught:
        stand.make(port).check()
    assert caught.value.hint


def test_check_sends_nothing(stand: Stand, stack: ExitStack) -> None:
    """A good channel passes, and nobody gets a message."""
    good = http(answer(200, json.dumps({"ok": True, "sid": "AC1"})))
    channel = stand.make((stand.accept if stand.is_mail else good)(stack))
    channel.check()
    stack.close()
    assert stand.received == []
