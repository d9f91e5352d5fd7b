"""Twilio's answers, as Twilio gives them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from app.alerts.channels.whatsapp import WhatsAppChannel
from app.core.errors import DeliveryFailed
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, Request, Script, answer

Serve = Callable[..., HttpServer]
ANA, BOB = "+5511987654321", "+5511912345678"
TEMPLATE = "HX" + "0" * 32


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers with a script each, and ends them."""
    servers: list[HttpServer] = []

    def start(*scripts: Script) -> HttpServer:
        servers.append(HttpServer(*scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def channel(server: HttpServer, *recipients: str, **changes: Any) -> WhatsAppChannel:
    """Messages to Ana, if nobody else is named."""
    return WhatsAppChannel(
        account_sid="AC1",
        auth_token=SecretStr("t0ken"),
        sender="+14155238886",
        recipients=recipients or (ANA,),
        style=ENGLISH,
        api_url=server.url,
        **changes,
    )


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
    assert channel(server).deliver(a_notice()).reference == "SM1"
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
    assert (variables["3"], variables["4"]) == ("shop-1", notice.alert.id)


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
