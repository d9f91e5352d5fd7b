"""Twilio's answers, as Twilio gives them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from pydantic import SecretStr

from app.alerts.channels.whatsapp import WhatsAppChannel, code_of
from app.alerts.channels.whatsapp_twilio import Twilio
from app.alerts.model import Delivery, Digest, Item, Kind, Limits, Progress
from app.core.errors import DeliveryFailed
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, Request, Script, TwilioServer, answer

ANA, BOB = "+5511987654321", "+5511912345678"
TEMPLATE = "HX" + "0" * 32


def channel(server: HttpServer, *recipients: str, **changes: Any) -> WhatsAppChannel:
    """Messages to Ana, if nobody else is named."""
    provider = Twilio("AC1", SecretStr("t0ken"), "+14155238886", api_url=server.url, **changes)
    return WhatsAppChannel(provider=provider, recipients=recipients or (ANA,), style=ENGLISH)


def accepted(sid: str = "SM1") -> Script:
    """Twilio has queued the message."""
    return answer(201, json.dumps({"sid": sid, "status": "queued"}))


def refused(code: int, status: int = 400) -> Script:
    """Twilio has not."""
    return answer(status, json.dumps({"code": code, "message": "no", "status": status}))


def fields(request: Request) -> dict[str, str]:
    """The form that was posted."""
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def test_message_goes_to_the_account_by_basic_auth(serve: Serve) -> None:
    """From and to WhatsApp numbers, with the text in its body."""
    server = serve(accepted())
    receipt = channel(server).deliver(a_notice())
    assert (receipt.reference, receipt.is_final) == ("SM1", False)
    (request,) = server.requests
    assert request.line.startswith("POST /2010-04-01/Accounts/AC1/Messages.json")
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"AC1:t0ken"
    sent = fields(request)
    assert (sent["From"], sent["To"]) == ("whatsapp:+14155238886", f"whatsapp:{ANA}")
    assert "HIGH: Gateway refuses" in sent["Body"]


def test_template_has_variables_and_no_body(serve: Serve) -> None:
    """Each of one line and none empty, as WhatsApp asks for."""
    server = serve(accepted())
    notice = a_notice(message="a\nb")
    channel(server, content_sid=TEMPLATE).deliver(notice)
    sent = fields(server.requests[0])
    variables = json.loads(sent["ContentVariables"])
    assert (sent["ContentSid"], "Body" in sent) == (TEMPLATE, False)
    assert list(variables) == ["1", "2", "3", "4"]
    assert all(text and "\n" not in text for text in variables.values())
    assert (variables["3"], variables["4"]) == ("shop-1", f"{notice.alert.id} {code_of(notice.key)}")


def test_text_ends_with_its_code(serve: Serve) -> None:
    """Also when it had to be cut."""
    for message in ("short", "é" * 9_000):
        server, notice = serve(accepted()), a_notice(message=message)
        channel(server).deliver(notice)
        assert fields(server.requests[0])["Body"].endswith(f"\n\n{code_of(notice.key)}")


def test_body_is_cut_to_what_twilio_takes(serve: Serve) -> None:
    """1,600 characters."""
    server = serve(accepted())
    channel(server).deliver(a_notice(message="é" * 9_000))
    assert len(fields(server.requests[0])["Body"]) <= 1_600


@pytest.mark.parametrize(
    ("code", "status", "permanent"),
    [
        (20003, 401, True),
        (21211, 400, True),
        (63007, 400, True),
        (63016, 400, True),
        (63018, 400, False),
        (20429, 429, False),
        (20500, 500, False),
    ],
)
def test_refusals(serve: Serve, code: int, status: int, permanent: bool) -> None:
    """By Twilio's own number where the status does not tell; each is sent once only."""
    server = serve(refused(code, status))
    with pytest.raises(DeliveryFailed) as caught:
        channel(server).deliver(a_notice())
    assert caught.value.permanent is permanent
    assert str(code) in caught.value.fact
    assert len(server.requests) == 1


def test_recipient_refused_for_good_is_reported(serve: Serve) -> None:
    """The other has it."""
    server = serve(refused(21211), accepted())
    receipt = channel(server, ANA, BOB).deliver(a_notice())
    assert (receipt.reference, receipt.refused) == ("SM1", ("Twilio answered 400 (error 21211)",))


def test_recipient_refused_for_now_is_tried_again_alone(serve: Serve) -> None:
    """Nobody gets the message twice."""
    server = serve(accepted(), refused(63018), accepted("SM2"))
    phones, notice = channel(server, ANA, BOB), a_notice()
    with pytest.raises(DeliveryFailed):
        phones.deliver(notice)
    phones.deliver(notice)
    sent = [fields(request)["To"] for request in server.requests]
    assert sent == [f"whatsapp:{ANA}", f"whatsapp:{BOB}", f"whatsapp:{BOB}"]


def test_wrong_password_is_the_failure_of_all(serve: Serve) -> None:
    """And says what to look at, not that recipients are unknown."""
    with pytest.raises(DeliveryFailed) as caught:
        channel(serve(refused(20003, 401)), ANA, BOB).deliver(a_notice())
    assert "TWILIO_AUTH_TOKEN" in caught.value.hint


def test_answer_that_is_no_json_passes(serve: Serve) -> None:
    """A proxy's page is no delivery, and no refusal either."""
    with pytest.raises(DeliveryFailed) as caught:
        channel(serve(answer(201, "<html>"))).deliver(a_notice())
    assert not caught.value.permanent


def test_check_reads_the_account(serve: Serve) -> None:
    """And sends nothing."""
    server = serve(answer(200, json.dumps({"sid": "AC1", "status": "active"})))
    channel(server).check()
    assert server.requests[0].line.startswith("GET /2010-04-01/Accounts/AC1.json")


def state(status: str, code: int | None = None) -> Script:
    """What Twilio says of a message."""
    return answer(200, json.dumps({"sid": "SM1", "status": status, "error_code": code}))


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("queued", Progress.PENDING),
        ("sent", Progress.PENDING),
        ("delivered", Progress.DELIVERED),
        ("read", Progress.DELIVERED),
    ],
)
def test_accepted_is_not_delivered(serve: Serve, status: str, progress: Progress) -> None:
    """So Twilio is asked what became of it."""
    server = serve(state(status))
    assert channel(server).status("SM1") == Delivery(progress)
    assert server.requests[0].line.startswith("GET /2010-04-01/Accounts/AC1/Messages/SM1.json")


@pytest.mark.parametrize(
    ("code", "permanent"), [(63016, True), (63049, True), (63024, True), (63018, False), (None, True)]
)
def test_message_that_was_not_delivered_says_why(serve: Serve, code: int | None, permanent: bool) -> None:
    """By Twilio's number, which says whether again would help."""
    found = channel(serve(state("undelivered", code))).status("SM1")
    assert (found.progress, found.permanent) == (Progress.FAILED, permanent)
    assert str(code or 0) in found.reason


def test_message_to_several_is_delivered_when_somebody_has_it(serve: Serve) -> None:
    """And the others are known to fail; until then it is on its way."""
    ends = serve(state("delivered"), state("failed", 63024))
    assert channel(ends).status("SM1,SM2").progress is Progress.DELIVERED
    waits = serve(state("failed", 63024), state("queued"))
    found = channel(waits).status("SM1,SM2")
    assert (found.progress, "63024" in found.reason) == (Progress.PENDING, True)


def test_state_that_cannot_be_asked_is_asked_again(serve: Serve) -> None:
    """Twilio is down, or answers nonsense."""
    for script in (answer(503), answer(200, "<html>")):
        with pytest.raises(DeliveryFailed) as caught:
            channel(serve(script)).status("SM1")
        assert not caught.value.permanent


def listed(*messages: tuple[str, str, str]) -> Script:
    """What Twilio has sent: id, text, state."""
    names = ("sid", "body", "status")
    found = [dict(zip(names, message, strict=True)) for message in messages]
    return answer(200, json.dumps({"messages": found, "next_page_uri": None}))


def test_message_is_looked_up_by_its_code(serve: Serve) -> None:
    """Among those to this number, whatever its words are by now; what failed was not sent."""
    notice = a_notice()
    words = f"🟠 LOW: Other words ... {code_of(notice.key)}"
    server = serve(listed(("SM1", words, "failed"), ("SM2", "other", "sent"), ("SM3", words, "sent")))
    found = channel(server).look_up(notice)
    assert found is not None
    assert (found.reference, found.is_final) == ("SM3", False)
    assert f"To=whatsapp:{ANA}" in unquote(server.requests[0].line)


def test_message_is_found_behind_others() -> None:
    """A hundred newer ones are more than a page, and more than an answer is usually read of."""
    server, notice = TwilioServer(), a_notice()
    phones = channel(server)
    for one in (notice, *[a_notice(title="another", message="ã" * 1_000)] * 100):
        phones.deliver(one)
    found = phones.look_up(notice)
    assert found is not None
    assert found.reference == "SM" + "0" * 32
    assert phones.look_up(a_notice(title="never sent", key="never")) is None
    server.close()


def test_search_ends_where_the_alert_began(serve: Serve) -> None:
    """What was sent before cannot be about it."""
    old = {"sid": "SM1", "body": "other", "status": "sent", "date_sent": "Sun, 22 Nov 2026 12:00:00 +0000"}
    server = serve(answer(200, json.dumps({"messages": [old] * 50, "next_page_uri": "/2010-04-01/n.json"})))
    assert channel(server).look_up(a_notice()) is None
    assert len(server.requests) == 2


def test_list_that_is_too_long_to_read_tells_nothing(serve: Serve) -> None:
    """What is not on the pages that were read may be on the others."""
    page = [{"sid": "SM1", "body": "other", "status": "sent"}] * 50
    server = serve(answer(200, json.dumps({"messages": page, "next_page_uri": "/2010-04-01/next.json"})))
    with pytest.raises(DeliveryFailed) as caught:
        channel(server).look_up(a_notice())
    assert caught.value.permanent
    assert len(server.requests) == 21


def test_only_those_who_have_nothing_get_it_again(serve: Serve) -> None:
    """After a crash between two recipients."""
    notice = a_notice()
    words = f"🟠 HIGH: Gateway refuses {code_of(notice.key)}"
    server = serve(listed(("SM1", words, "sent")), listed(), accepted("SM2"))
    phones = channel(server, ANA, BOB)
    assert phones.look_up(notice) is None
    phones.deliver(notice)
    assert [fields(request)["To"] for request in server.requests[2:]] == [f"whatsapp:{BOB}"]


@pytest.mark.parametrize("changes", [{}, {"content_sid": TEMPLATE}])
def test_messages_of_the_same_words_are_told_apart(changes: dict[str, str]) -> None:
    """The first reminder is no second one, and one digest no other, as text and as a template."""
    server, reminder = TwilioServer(), a_notice(Kind.REMINDER)
    item = Item(Kind.FIRED, reminder.alert)
    many = Digest((item, item), 2, {reminder.alert.severity: 2}, {Kind.FIRED: 2}, reminder.alert.started_at)
    phones = channel(server, **changes)
    for notice in (reminder, replace(reminder, key="digest.1", kind=Kind.DIGEST, digest=many)):
        phones.deliver(notice)
        assert phones.look_up(notice) is not None
        assert phones.look_up(replace(notice, key=f"{notice.key}.later")) is None
    server.close()


def test_somebody_else_is_told_instead(serve: Serve) -> None:
    """Where a notice names its recipients."""
    server = serve(accepted())
    channel(server).deliver(replace(a_notice(), recipients=(BOB,)))
    assert [fields(request)["To"] for request in server.requests] == [f"whatsapp:{BOB}"]


def test_sandbox_is_slow() -> None:
    """One message each three seconds; a number of one's own takes eighty a second."""
    assert Twilio("AC1", SecretStr("t"), "+14155238886").limits == Limits(1, 3.0)
    assert Twilio("AC1", SecretStr("t"), "+551130000000").limits.seconds < 0.1


def test_template_is_within_what_whatsapp_takes(serve: Serve) -> None:
    """1,024 characters with its own words, of which about a hundred are left to it."""
    server = serve(accepted())
    channel(server, content_sid=TEMPLATE).deliver(a_notice(title="t" * 400, message="m" * 9_000))
    variables = json.loads(fields(server.requests[0])["ContentVariables"])
    assert sum(map(len, variables.values())) <= 900
