"""Four channels, twelve faults of the other side, a restart in the middle: nothing is lost or too early."""

from __future__ import annotations

import json
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
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
from app.alerts.plan import EVERYBODY, Plan, RouteRule
from app.alerts.sender import Sender, attempt
from app.alerts.wording import WORDS
from app.core.errors import DeliveryFailed
from app.core.signal import Severity
from app.testing import FrozenClock

from .examples import ENGLISH, Room
from .servers import (
    HttpServer,
    Mailbox,
    Request,
    Script,
    SlackServer,
    TwilioServer,
    answer,
    one_byte_a_second,
    silent,
    smtp_server,
)

IMPATIENCE = 0.3
REPEATED = WORDS["en"]["repeated"]
ANA, BOB = "+5511987654321", "+5511912345678"


@dataclass(frozen=True)
class Fault:
    """How a web server and a mail server have it; `waits`: the seconds that the other side asks for.

    SMTP has no word for a time to wait, so there the usual pauses hold.
    """

    web: Script | None = None
    mail: Mapping[str, str] | None = None
    waits: float = 0
    for_good: bool = False


FAULTS = {
    "refused connection": Fault(),
    "no such name": Fault(),
    "no answer": Fault(silent),
    "slow": Fault(one_byte_a_second),
    "429": Fault(answer(429, "", Retry_After="60"), {"MAIL": "450 too many mails"}, waits=60),
    "500": Fault(answer(500), {"DATA": "451 try later"}),
    "503": Fault(answer(503, "", Retry_After="7"), {"MAIL": "421 too busy"}, waits=7),
    "400": Fault(answer(400), {"DATA": "554 no"}, for_good=True),
    "404": Fault(answer(404), {"RCPT": "550 no such user"}, for_good=True),
    "410": Fault(answer(410), {"MAIL": "550 gone"}, for_good=True),
    "wrong certificate": Fault(answer(200, "ok")),
    "taken, then dropped": Fault(lambda _: None),
}


def untrusted() -> ssl.SSLContext:
    """A server's certificate that nobody vouches for."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(trust)
    return trust


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def text_of(mail: EmailMessage) -> str:
    """Without its markup."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class End(ABC):
    """The other end of a channel: one that suffers from a fault, and later one that works.

    finds_again: it can be asked for what it may have been given. lane, plan: who is told by it.
    """

    finds_again = False
    lane = "slack"
    plan = EVERYBODY

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @abstractmethod
    def suffering(self, name: str) -> Channel:
        """The channel while the fault lasts."""

    @abstractmethod
    def working(self) -> Channel:
        """The channel when it is over."""

    @abstractmethod
    def asked(self) -> int:
        """How often the one that suffers was asked for something."""

    @abstractmethod
    def arrived(self) -> list[str]:
        """The texts that the one that works was given."""


class Web(End):
    """What the ends of HTTP have in common."""

    def suffering(self, name: str) -> Channel:
        fault = FAULTS[name]
        if fault.web is None:
            self._bad: HttpServer | None = None
            name_or_port = "nobody.invalid" if name == "no such name" else f"127.0.0.1:{closed_port()}"
            return self.channel(f"http://{name_or_port}")
        self._bad = self._faulty(name, fault.web)
        self._stack.callback(self._bad.close)
        impatient = fault.web in (silent, one_byte_a_second)
        return self.channel(self._bad.url, IMPATIENCE if impatient else 10)

    def asked(self) -> int:
        return len(self._bad.requests) if self._bad else 0

    def _faulty(self, name: str, script: Script) -> HttpServer:
        return HttpServer(script, trust=untrusted() if name == "wrong certificate" else None)

    @abstractmethod
    def channel(self, url: str, seconds: float = 10) -> Channel:
        """At an address."""


class SlackEnd(Web):
    """An incoming webhook."""

    def working(self) -> Channel:
        self._good = HttpServer(answer(200, "ok"))
        self._stack.callback(self._good.close)
        return self.channel(self._good.url)

    def arrived(self) -> list[str]:
        return [request.body.decode() for request in self._good.requests]

    def channel(self, url: str, seconds: float = 10) -> Channel:
        return SlackChannel(ENGLISH, SecretStr(f"{url}/services/x"), deadline_seconds=seconds)


class DroppingSlack(SlackServer):
    """Takes a message and never says so, while `drops`."""

    drops = True

    def _script_for(self, request: Request) -> Script:
        script = super()._script_for(request)
        return (lambda _: None) if self.drops else script


class SlackBotEnd(Web):
    """A bot that writes to two people, each in a conversation of their own."""

    finds_again = True
    lane = "slack:team"
    plan = Plan(
        people={"team": {"slack": ("U1", "U2")}},
        routes=(RouteRule(match={"source": ("app",)}, to=("team",)),),
    )

    def working(self) -> Channel:
        self._good = self._bad if isinstance(self._bad, DroppingSlack) else DroppingSlack()
        self._good.drops = False
        self._stack.callback(self._good.close)
        return self.channel(self._good.url)

    def arrived(self) -> list[str]:
        told = {who: [one for one in self._good.messages if one["channel"] == who] for who in ("D1", "D2")}
        assert len(told["D1"]) == len(told["D2"]), "everybody is told as often"
        return [json.dumps(one) for one in told["D1"]]

    def channel(self, url: str, seconds: float = 10) -> Channel:
        return SlackChannel(
            ENGLISH,
            bot_token=SecretStr("xoxb-1"),
            channel="C0123456",
            api_url=f"{url}/api/",
            deadline_seconds=seconds,
        )

    def _faulty(self, name: str, script: Script) -> HttpServer:
        return DroppingSlack() if name == "taken, then dropped" else super()._faulty(name, script)


class DroppingTwilio(TwilioServer):
    """Takes a message and never says so, while `drops`."""

    drops = True

    def _script_for(self, request: Request) -> Script:
        script = super()._script_for(request)
        return (lambda _: None) if self.drops else script


class WhatsAppEnd(Web):
    """A Twilio, which is the same one before and after where it has taken something."""

    finds_again = True
    lane = "whatsapp"

    def working(self) -> Channel:
        self._good = self._bad if isinstance(self._bad, DroppingTwilio) else DroppingTwilio()
        self._good.drops = False
        self._stack.callback(self._good.close)
        return self.channel(self._good.url)

    def arrived(self) -> list[str]:
        return self._good.sent()

    def channel(self, url: str, seconds: float = 10) -> Channel:
        provider = Twilio("AC1", SecretStr("t"), "+5511900000000", api_url=url)
        return WhatsAppChannel(
            provider, (ANA,), ENGLISH, minimum_severity=Severity.LOW, deadline_seconds=seconds
        )

    def _faulty(self, name: str, script: Script) -> HttpServer:
        return DroppingTwilio() if name == "taken, then dropped" else super()._faulty(name, script)


class MailEnd(End):
    """A mail server."""

    lane = "email"

    def suffering(self, name: str) -> Channel:
        self._bad, fault = Mailbox(), FAULTS[name]
        if name in ("refused connection", "no such name"):
            place = "nobody.invalid" if name == "no such name" else "127.0.0.1"
            return self._channel(closed_port(), host=place)
        if fault.web in (silent, one_byte_a_second):
            server = HttpServer(fault.web)
            self._stack.callback(server.close)
            return self._channel(server.port, deadline_seconds=IMPATIENCE)
        self._bad.drop_after_data = name == "taken, then dropped"
        self._bad.replies = dict(fault.mail or {})
        if reply := self._bad.replies.get("RCPT"):
            self._bad.refused[BOB] = reply
        security = "starttls" if name == "wrong certificate" else "none"
        trust = untrusted() if security == "starttls" else None
        port = self._stack.enter_context(smtp_server(self._bad, security=security, trust=trust))
        return self._channel(port, security=security)

    def working(self) -> Channel:
        self._good = Mailbox()
        return self._channel(self._stack.enter_context(smtp_server(self._good)))

    def asked(self) -> int:
        return len(self._bad.mails)

    def arrived(self) -> list[str]:
        assert {str(mail["Message-ID"]) for mail in self._bad.mails} <= {
            str(mail["Message-ID"]) for mail in self._good.mails
        }, "a mail that comes again comes as itself"
        return [text_of(mail) for mail in self._good.mails]

    def _channel(
        self, port: int, host: str = "localhost", security: str = "none", deadline_seconds: float = 10
    ) -> Channel:
        return EmailChannel(
            host, port, security, "a@example.org", (BOB,), ENGLISH, deadline_seconds=deadline_seconds
        )


ENDS = {"mail": MailEnd, "slack": SlackEnd, "slack bot, two people": SlackBotEnd, "whatsapp": WhatsAppEnd}


class Stand:
    """A room that is restarted: the channel under test, and another one to fall back on."""

    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self._folder, self._clock = folder, clock
        self.other = RecordingChannel("other", Severity.CRITICAL)
        self.room: Room | None = None

    def start(self, channel: Channel, plan: Plan = EVERYBODY) -> Room:
        """A process begins, with the channel as it is configured now."""
        self.stop()
        channels = [channel, self.other]
        settings = {"group_wait_high_seconds": 0, "fallback": ("other",)}
        self.room = Room(self._folder, self._clock, channels, plan, **settings)  # type: ignore[arg-type]
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


def die_while_sending(room: Room, lane: str, *, heard_a_refusal: bool = False) -> None:
    """A process takes the notice and is gone, in one case with a refusal that nobody has written down."""
    claim = room.outbox.claim(lane)
    assert claim is not None
    if heard_a_refusal:
        outcome = attempt(sender_of(room, lane)._channel, claim.notice)
        assert isinstance(outcome, DeliveryFailed)
        assert outcome.permanent
    with room.database.write() as connection:
        connection.execute("update outbox set lease_owner = '4194305-1' where state = 'sending'")


def sender_of(room: Room, lane: str) -> Sender:
    """Who delivers there."""
    return next(sender for sender in room.senders if sender._channel.name == lane)


@pytest.mark.parametrize("fault", [name for name in FAULTS if not FAULTS[name].for_good])
@pytest.mark.parametrize("end", ENDS)
def test_fault_that_passes_loses_nothing(stand: Stand, end: str, fault: str) -> None:
    """It fails, not asked once before its time over a restart; a process dies while sending, and the next
    one delivers: one message, which says so where it may be a repetition, and none where that was looked up.
    """
    with ExitStack() as stack:
        other_end = ENDS[end](stack)
        channel, plan = other_end.suffering(fault), other_end.plan
        room = stand.start(channel, plan)
        room.observe()
        room.deliver()
        assert [(row["state"], row["attempts"]) for row in room.rows()] == [("pending", 1)]
        asked, waits = other_end.asked(), 0.0 if end == "mail" else FAULTS[fault].waits
        room = stand.start(channel, plan)
        for _ in range(int(waits) - 1):
            room.pass_time(seconds=1)
        assert other_end.asked() == asked, "asked before its time"
        room.clock.advance(seconds=2)
        die_while_sending(room, other_end.lane)
        room = stand.start(other_end.working(), plan)
        for _ in range(3):
            room.pass_time(minutes=1)
        (row,) = room.rows()
        assert row["state"] == "sent"
        (text,) = other_end.arrived()
        assert (REPEATED in text) is not other_end.finds_again
    assert stand.other.said() == []


@pytest.mark.parametrize("restarts", ["when it is known", "when it is heard"])
@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name].for_good])
@pytest.mark.parametrize("end", ENDS)
def test_refusal_goes_another_way_at_once(stand: Stand, end: str, fault: str, restarts: str) -> None:
    """The other channel is told within ten seconds, also by the next process, and also if the one that was
    refused died before it could say so; and the refusing channel is tried again after its cooldown, while
    it still fires.
    """
    with ExitStack() as stack:
        other_end = ENDS[end](stack)
        channel, plan = other_end.suffering(fault), other_end.plan
        room = stand.start(channel, plan)
        room.observe()
        if restarts == "when it is known":
            sender_of(room, other_end.lane).deliver_next()
            channel = other_end.working()
        else:
            die_while_sending(room, other_end.lane, heard_a_refusal=True)
        room = stand.start(channel, plan)
        for _ in range(10):
            room.pass_time(seconds=1)
        assert ("fired", "Gateway refuses") in stand.other.said()
        assert room.rows()[0]["state"] == "dead"
        room = stand.start(channel if restarts == "when it is known" else other_end.working(), plan)
        for _ in range(16):
            room.pass_time(minutes=1)
        assert any("Gateway refuses" in text for text in other_end.arrived())


def test_mail_that_was_partly_refused_is_delivered_and_says_so(stand: Stand) -> None:
    """Who was not reached stands in the history, also when another one has to wait and it comes later."""
    mailbox = Mailbox(refused={"bob@example.org": "550 no such user", "eve@example.org": "450 later"})
    people = ("ana@example.org", "bob@example.org", "eve@example.org")
    with smtp_server(mailbox) as port:
        room = stand.start(EmailChannel("127.0.0.1", port, "none", "a@example.org", people, ENGLISH))
        room.observe(severity=Severity.CRITICAL)
        room.deliver()
        del mailbox.refused["eve@example.org"]
        room.pass_time(minutes=1)
    assert mailbox.recipients == [["ana@example.org"], ["eve@example.org"]]
    assert any("bob@example.org" in why for why in room.reasons("delivered"))


def test_mail_that_was_partly_refused_says_after_a_restart_that_it_may_be_a_repetition(stand: Stand) -> None:
    """Nobody knows then who had it."""
    mailbox = Mailbox(refused={"bob@example.org": "450 later"})
    with smtp_server(mailbox) as port:
        mails = ("127.0.0.1", port, "none", "a@example.org", ("ana@example.org", "bob@example.org"), ENGLISH)
        room = stand.start(EmailChannel(*mails))
        room.observe()
        room.deliver()
        mailbox.refused.clear()
        stand.start(EmailChannel(*mails)).pass_time(minutes=1)
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert REPEATED in text_of(second)


def test_message_that_was_partly_refused_reaches_the_others_once(stand: Stand) -> None:
    """WhatsApp finds after a restart who has it already. A webhook of Slack has no recipients."""
    twilio = ChoosyTwilio()
    provider = Twilio("AC1", SecretStr("t"), "+5511900000000", api_url=twilio.url)
    room = stand.start(WhatsAppChannel(provider, (ANA, BOB), ENGLISH))
    room.observe()
    room.deliver()
    twilio.refuses = ""
    stand.start(WhatsAppChannel(provider, (ANA, BOB), ENGLISH)).pass_time(minutes=1)
    twilio.close()
    assert sorted(message["to"] for message in twilio.messages) == [f"whatsapp:{BOB}", f"whatsapp:{ANA}"]


def test_bot_that_was_refused_by_one_person_writes_to_the_others_once(stand: Stand) -> None:
    """It finds after a restart in whose conversation the message stands already."""
    slack = ChoosySlack()
    bot = {"bot_token": SecretStr("xoxb-1"), "channel": "C0123456", "api_url": f"{slack.url}/api/"}
    room = stand.start(SlackChannel(ENGLISH, **bot), SlackBotEnd.plan)  # type: ignore[arg-type]
    room.observe()
    room.deliver()
    slack.refuses = ""
    stand.start(SlackChannel(ENGLISH, **bot), SlackBotEnd.plan).pass_time(minutes=1)  # type: ignore[arg-type]
    slack.close()
    assert [message["channel"] for message in slack.messages] == ["D1", "D2"]
    assert REPEATED not in json.dumps(slack.messages)


class ChoosyTwilio(TwilioServer):
    """A Twilio that has no time for one recipient just now."""

    refuses = BOB

    def _script_for(self, request: Request) -> Script:
        if self.refuses and self.refuses.removeprefix("+").encode() in request.body:
            return answer(429, '{"code": 63018}', Retry_After="5")
        return super()._script_for(request)


class ChoosySlack(SlackServer):
    """A Slack that has no time for one person just now."""

    refuses = '"U2"'

    def _script_for(self, request: Request) -> Script:
        if self.refuses and self.refuses.encode() in request.body:
            return answer(429, '{"ok": false, "error": "ratelimited"}', Retry_After="5")
        return super()._script_for(request)
