"""Mails through a real SMTP server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from app.alerts.channels.email import EmailChannel
from app.alerts.model import Digest, Item, Kind, Notice
from app.core.errors import DeliveryFailed
from app.core.signal import Severity
from tests.alerts.examples import ENGLISH, NOON, PORTUGUESE, a_notice
from tests.alerts.servers import HttpServer, Mailbox, silent, smtp_server


@pytest.fixture
def mailbox() -> Mailbox:
    """What the server has received."""
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    """A plain server without passwords."""
    with smtp_server(mailbox) as number:
        yield number


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate, for those who trust it."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    """A server's TLS with a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def channel(port: int, **changes: Any) -> EmailChannel:
    """Mails from Atalaia to two operators."""
    said: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "security": "none",
        "sender": "atalaia@example.org",
        "recipients": ("ana@example.org", "bob@example.org"),
        "style": ENGLISH,
        "deadline_seconds": 5.0,
    }
    return EmailChannel(**{**said, **changes})


def test_mails_of_an_episode_are_one_thread(mailbox: Mailbox, port: int) -> None:
    """The same subject and root, different ids; what became of it stands in a header and the body."""
    fired = a_notice()
    over = replace(fired, kind=Kind.RESOLVED, key=f"{fired.alert.id}.resolved.email")
    for notice in (fired, over):
        channel(port).deliver(notice)
    first, second = mailbox.mails
    root = f"<{fired.alert.id}@example.org>"
    assert [mail["References"] for mail in mailbox.mails] == [root, root]
    assert [mail["Subject"] for mail in mailbox.mails] == ["[shop-1] Gateway refuses"] * 2
    assert [mail["X-Alert-State"] for mail in mailbox.mails] == ["fired", "resolved"]
    assert first["Message-ID"] == f"<{fired.key}@example.org>" != second["Message-ID"]


def test_message_id_stands_on_one_line(port: int) -> None:
    """However long the notice's key: some readers take a folded one for another."""
    notice = replace(a_notice(), key=f"{'k' * 90}.fired.email")
    raw = channel(port)._mail(notice, ("ana@example.org",)).as_bytes()
    assert f"\nMessage-ID: <{notice.key}@example.org>\r\n".encode() in raw


def test_mail_is_text_and_html(mailbox: Mailbox, port: int) -> None:
    """In the language of the settings, and automatic, so that no absence notice answers it."""
    channel(port, style=PORTUGUESE).deliver(a_notice(title="Pagamento não responde"))
    mail = mailbox.mails[0]
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert "ALTO: Pagamento não responde" in plain.get_content()
    assert "<h2" in html.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["To"] == "ana@example.org, bob@example.org"


def test_title_adds_no_header(mailbox: Mailbox, port: int) -> None:
    """A line break in it is a space."""
    channel(port).deliver(a_notice(title="down\r\nBcc: all@example.org\nX-Evil: 1"))
    mail = mailbox.mails[0]
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["Subject"] == "[shop-1] down Bcc: all@example.org X-Evil: 1"
    assert mailbox.recipients == [["ana@example.org", "bob@example.org"]]


def test_recipient_refused_for_good_is_reported(mailbox: Mailbox, port: int) -> None:
    """The others have it; trying again would not help."""
    mailbox.refused["bob@example.org"] = "550 no such user"
    assert channel(port).deliver(a_notice()).refused == ("bob@example.org",)
    assert mailbox.recipients == [["ana@example.org"]]


def test_recipient_refused_for_now_is_tried_again_alone(mailbox: Mailbox, port: int) -> None:
    """Nobody else gets the mail twice."""
    mailbox.refused["bob@example.org"] = "451 greylisted"
    mails = channel(port)
    notice = a_notice()
    with pytest.raises(DeliveryFailed) as caught:
        mails.deliver(notice)
    assert not caught.value.permanent
    mailbox.refused.clear()
    mails.deliver(notice)
    assert mailbox.recipients == [["ana@example.org"], ["bob@example.org"]]


@pytest.mark.parametrize(("reply", "permanent"), [("550 unknown", True), ("450 later", False)])
def test_refusal_of_every_recipient(mailbox: Mailbox, port: int, reply: str, permanent: bool) -> None:
    """Is the failure of the mail, for good or for now."""
    mailbox.refused.update({"ana@example.org": reply, "bob@example.org": reply})
    with pytest.raises(DeliveryFailed) as caught:
        channel(port).deliver(a_notice())
    assert caught.value.permanent is permanent


def test_connection_that_ends_after_the_mail_was_taken_may_be_repeated(mailbox: Mailbox, port: int) -> None:
    """Nobody knows whether it arrived: the same Message-ID comes again."""
    mailbox.drop_after_data = True
    with pytest.raises(DeliveryFailed) as caught:
        channel(port).deliver(a_notice())
    assert (caught.value.permanent, caught.value.uncertain) == (False, True)


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_refused_mail_has_certainly_not_arrived(mailbox: Mailbox, port: int, command: str) -> None:
    """Before or after it was handed over: the server said so."""
    mailbox.replies[command] = "451 later"
    with pytest.raises(DeliveryFailed) as caught:
        channel(port).deliver(a_notice())
    assert (caught.value.permanent, caught.value.uncertain) == (False, False)


def test_somebody_else_gets_the_mail(mailbox: Mailbox, port: int) -> None:
    """Where a notice names its recipients, nobody else is told, or named in it."""
    channel(port).deliver(replace(a_notice(), recipients=("eva@example.org",)))
    assert (mailbox.recipients, mailbox.mails[0]["To"]) == ([["eva@example.org"]], "eva@example.org")


def test_digest_is_a_mail_of_its_own(mailbox: Mailbox, port: int) -> None:
    """In no thread, because it is about many."""
    alert = a_notice().alert
    digest = Digest((Item(Kind.FIRED, alert),), 37, {Severity.HIGH: 37}, {Kind.FIRED: 37}, NOON)
    channel(port).deliver(Notice("k.digest", Kind.DIGEST, alert, digest=digest))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[shop-1] 37 alerts since 2026-11-23 12:00:00 UTC"
    assert (mail["References"], mail["X-Alert-Id"], mail["X-Alert-State"]) == (None, None, "digest")
    assert mail["Message-ID"] == "<k.digest@example.org>"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_trusted_server_gets_the_mail(
    mailbox: Mailbox, server_side: ssl.SSLContext, ca_file: str, security: str
) -> None:
    """Encrypted from the first byte or from STARTTLS on."""
    with smtp_server(mailbox, security=security, trust=server_side) as port:
        mails = channel(port, security=security, ca_file=ca_file)
        mails.check()
        mails.deliver(a_notice())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_server_that_nobody_vouches_for_gets_nothing(
    mailbox: Mailbox, server_side: ssl.SSLContext, security: str
) -> None:
    """Neither mail nor password."""
    with smtp_server(mailbox, security=security, trust=server_side, login=True) as port:
        mails = channel(port, security=security, username="ana", password=SecretStr("right"))
        with pytest.raises(DeliveryFailed) as caught:
            mails.deliver(a_notice())
    assert "certificate" in caught.value.fact
    assert (mailbox.mails, mailbox.logins) == ([], [])


def test_missing_starttls_is_not_passed_over(mailbox: Mailbox, port: int) -> None:
    """A server (or somebody before it) that hides STARTTLS gets nothing in clear."""
    with pytest.raises(DeliveryFailed) as caught:
        channel(port, security="starttls").deliver(a_notice())
    assert caught.value.permanent
    assert mailbox.mails == []


@pytest.mark.parametrize(("password", "is_let_in"), [("right", True), ("wrong", False)])
def test_login(mailbox: Mailbox, password: str, is_let_in: bool) -> None:
    """A refused one is permanent, and found by check() before an alert has to."""
    with smtp_server(mailbox, login=True) as port:
        mails = channel(port, username="ana", password=SecretStr(password))
        if is_let_in:
            mails.check()
            mails.deliver(a_notice())
            return
        for act in (mails.check, lambda: mails.deliver(a_notice())):
            with pytest.raises(DeliveryFailed) as caught:
                act()
            assert caught.value.permanent
            assert "SMTP_PASSWORD" in caught.value.hint


def test_plain_client_on_a_tls_port_ends(mailbox: Mailbox, server_side: ssl.SSLContext) -> None:
    """Where both sides wait for the other to begin, the deadline ends it."""
    with smtp_server(mailbox, security="tls", trust=server_side) as port, pytest.raises(DeliveryFailed):
        channel(port, deadline_seconds=0.5).deliver(a_notice())


def test_handshake_that_never_ends_is_ended() -> None:
    """A server that accepts TLS connections and says nothing."""
    server = HttpServer(silent)
    try:
        with pytest.raises(DeliveryFailed):
            channel(server.port, security="tls", deadline_seconds=0.5).deliver(a_notice())
    finally:
        server.close()
