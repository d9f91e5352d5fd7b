"""Twelve faults of the other side, with a restart in the middle: nothing is lost, and nobody waits long."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from app.alerts.channels import Channel
from app.alerts.channels.email import EmailChannel
from app.alerts.channels.recording import RecordingChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.channels.whatsapp_twilio import Twilio
from app.core.signal import Severity
from app.testing import FrozenClock

from .examples import ENGLISH, Room
from .servers import (
    HttpServer,
    Mailbox,
    Script,
    answer,
    one_byte_a_second,
    silent,
    smtp_server,
)

PATIENCE, IMPATIENCE = 10.0, 0.3
SILENT = ("no answer", "slow")
GOOD = {"slack": answer(200, "ok"), "whatsapp": answer(201, '{"sid": "SM1", "status": "queued"}')}
DELIVERED = answer(200, '{"sid": "SM1", "status": "delivered"}')
BY_HTTP: dict[str, Script] = {
    "no answer": silent,
    "slow": one_byte_a_second,
    "429": answer(429, "", Retry_After="60"),
    "500": answer(500),
    "503": answer(503),
    "dropped": lambda _: None,
    "400": answer(400),
    "404": answer(404),
    "410": answer(410),
}
BY_SMTP = {
    "451": {"DATA": "451 try later"},
    "421": {"MAIL": "421 too busy"},
    "550": {"DATA": "550 no"},
    "554": {"MAIL": "554 no"},
}
FOR_GOOD = ("400", "404", "410", "550", "554")


def slack(url: str, seconds: float = PATIENCE) -> Channel:
    """Slack at an address."""
    return SlackChannel(ENGLISH, SecretStr(f"{url}/services/x"), deadline_seconds=seconds)


def whatsapp(url: str, seconds: float = PATIENCE) -> Channel:
    """WhatsApp through a Twilio at an address."""
    provider = Twilio("AC1", SecretStr("t"), "+5511900000000", api_url=url)
    return WhatsAppChannel(
        provider, ("+5511987654321",), ENGLISH, minimum_severity=Severity.LOW, deadline_seconds=seconds
    )


def mail(port: int) -> Channel:
    """Mail by a server on a port."""
    return EmailChannel("127.0.0.1", port, "none", "a@example.org", ("b@example.org",), ENGLISH)


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Stand:
    """A room that is restarted: the channel under test, and another one to fall back on."""

    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self._folder, self._clock = folder, clock
        self.other = RecordingChannel("other", Severity.CRITICAL)
        self.room: Room | None = None

    def start(self, channel: Channel) -> Room:
        """A process begins, with the channel as it is configured now."""
        self.stop()
        channels = [channel, self.other]
        self.room = Room(self._folder, self._clock, channels, group_wait_high_seconds=0)  # type: ignore[arg-type]
        return self.room

    def stop(self) -> None:
        """It ends."""
        if self.room is not None:
            self.room.close()


@pytest.fixture
def stand(tmp_path: Path, clock: FrozenClock) -> Iterator[Stand]:
    """Nothing runs yet."""
    made = Stand(tmp_path / "alerts", clock)
    yield made
    made.stop()


def suffers(stand: Stand, channel: Channel, good: Channel, *, for_good: bool, waits: float = 0) -> Room:
    """It fires, fails, a process dies while sending, and another goes on with a channel that works."""
    room = stand.start(channel)
    room.observe()
    room.deliver()
    first = room.rows()[0]
    assert (first["state"], first["attempts"]) == ("dead" if for_good else "pending", 1)
    if for_good:
        room.pass_time(seconds=10)
        assert ("fired", "Gateway refuses") in stand.other.said()
    room.clock.advance(seconds=waits)
    room.outbox.claim(channel.name)
    with room.database.write() as connection:
        connection.execute("update outbox set lease_owner = '4194305-1' where state = 'sending'")
    room = stand.start(good)
    # Because a channel that refused for good is tried again after its cooldown, while it still fires.
    for _ in range(16 if for_good else 2):
        room.pass_time(minutes=1)
    return room


@pytest.mark.parametrize("fault", BY_HTTP)
@pytest.mark.parametrize("make", [slack, whatsapp])
def test_fault_of_a_web_server_loses_nothing(stand: Stand, make: Callable[..., Channel], fault: str) -> None:
    """What passes is delivered after the restart, and what does not goes another way within ten seconds."""
    bad, good = HttpServer(BY_HTTP[fault]), HttpServer(GOOD[make.__name__], DELIVERED)
    seconds = IMPATIENCE if fault in SILENT else PATIENCE
    room = suffers(stand, make(bad.url, seconds), make(good.url), for_good=fault in FOR_GOOD)
    bad.close()
    good.close()
    assert good.requests
    assert [r["state"] for r in room.rows() if r["channel"] == make.__name__][-1] in ("sent", "accepted")


def test_time_that_was_asked_for_is_given_over_a_restart(stand: Stand) -> None:
    """Not one request before the sixty seconds are over, whoever runs."""
    server = HttpServer(answer(429, "", Retry_After="60"), answer(200, "ok"))
    room = stand.start(slack(server.url))
    room.observe()
    room.deliver()
    room = stand.start(slack(server.url))
    for _ in range(59):
        room.pass_time(seconds=1)
    assert len(server.requests) == 1
    room.pass_time(seconds=1)
    assert len(server.requests) == 2
    server.close()


@pytest.mark.parametrize("fault", BY_SMTP)
def test_fault_of_a_mail_server_loses_nothing(stand: Stand, fault: str) -> None:
    """The same for mail."""
    bad, good = Mailbox(replies=BY_SMTP[fault]), Mailbox()
    with smtp_server(bad) as bad_port, smtp_server(good) as port:
        suffers(stand, mail(bad_port), mail(port), for_good=fault in FOR_GOOD)
    assert len(good.mails) == 1


def test_mail_that_was_taken_and_then_denied_comes_again_as_itself(stand: Stand) -> None:
    """The same Message-ID, so that a reader's program can tell, and it says that it may be a repetition."""
    rude, good = Mailbox(drop_after_data=True), Mailbox()
    with smtp_server(rude) as bad_port, smtp_server(good) as port:
        suffers(stand, mail(bad_port), mail(port), for_good=False)
    ids = {str(mail["Message-ID"]) for mail in (*rude.mails, *good.mails)}
    assert (len(rude.mails) >= 1, len(good.mails), len(ids)) == (True, 1, 1)


@pytest.mark.parametrize("place", ["refused", "no such name", "wrong certificate"])
def test_server_that_cannot_be_reached_loses_nothing(stand: Stand, place: str) -> None:
    """No port, no name, no trust."""
    good = HttpServer(answer(200, "ok"))
    with ExitStack() as stack:
        suffers(stand, slack(unreachable(place, stack)), slack(good.url), for_good=False)
    good.close()
    assert len(good.requests) == 1


def unreachable(place: str, stack: ExitStack) -> str:
    """The address of a server that cannot be used."""
    if place == "no such name":
        return "http://nobody.invalid"
    if place == "refused":
        return f"http://127.0.0.1:{closed_port()}"

    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(trust)
    server = HttpServer(answer(200, "ok"), trust=trust)
    stack.callback(server.close)
    return server.url


def test_mail_that_was_partly_refused_is_delivered_and_says_so(stand: Stand) -> None:
    """Who was not reached stands in the history."""
    mailbox = Mailbox(refused={"bob@example.org": "550 no such user"})
    with smtp_server(mailbox) as port:
        channel = EmailChannel(
            "127.0.0.1", port, "none", "a@example.org", ("ana@example.org", "bob@example.org"), ENGLISH
        )
        room = stand.start(channel)
        room.observe(severity=Severity.CRITICAL)
        room.deliver()
    assert mailbox.recipients == [["ana@example.org"]]
    assert any("bob@example.org" in why for why in room.reasons("delivered"))
