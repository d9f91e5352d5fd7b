"""Meta's answers, as its Cloud API gives them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.channels.whatsapp_meta import Meta
from app.alerts.model import Progress
from app.core.errors import DeliveryFailed
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, Script, answer

ANA, BOB = "+5511987654321", "+5511912345678"


def channel(server: HttpServer, *recipients: str, **changes: Any) -> WhatsAppChannel:
    """Messages to Ana, if nobody else is named."""
    provider = Meta("1065", SecretStr("EAAt0ken"), api_url=f"{server.url}/v24.0", **changes)
    return WhatsAppChannel(provider=provider, recipients=recipients or (ANA,), style=ENGLISH)


def accepted(name: str = "wamid.1") -> Script:
    """Meta has taken the message."""
    return answer(200, json.dumps({"messaging_product": "whatsapp", "messages": [{"id": name}]}))


def refused(code: int, status: int = 400, **headers: str) -> Script:
    """Meta has not."""
    return answer(status, json.dumps({"error": {"message": "(#x) no", "code": code}}), **headers)


def test_text_goes_to_the_number_by_its_sender(serve: Serve) -> None:
    """With the token in a header, and the notice's key for Meta's webhook."""
    server, notice = serve(accepted()), a_notice()
    receipt = channel(server).deliver(notice)
    assert (receipt.reference, receipt.is_final) == ("wamid.1", True)
    (request,) = server.requests
    assert request.line.startswith("POST /v24.0/1065/messages")
    assert request.headers["authorization"] == "Bearer EAAt0ken"
    sent = request.json()
    assert (sent["messaging_product"], sent["to"], sent["type"]) == ("whatsapp", "5511987654321", "text")
    assert "HIGH: Gateway refuses" in sent["text"]["body"]
    assert sent["biz_opaque_callback_data"] == notice.key


def test_template_has_four_variables(serve: Serve) -> None:
    """Of one line each, in the language of the template."""
    server = serve(accepted())
    channel(server, template="alert", language="en_US").deliver(a_notice(message="a\nb\t     c"))
    template = server.requests[0].json()["template"]
    assert (template["name"], template["language"]) == ("alert", {"code": "en_US"})
    (component,) = template["components"]
    texts = [parameter["text"] for parameter in component["parameters"]]
    assert (component["type"], len(texts)) == ("body", 4)
    assert all(text and "\n" not in text and "\t" not in text and "     " not in text for text in texts)


@pytest.mark.parametrize(
    ("code", "status", "permanent"),
    [
        (190, 401, True),
        (10, 403, True),
        (100, 400, True),
        (131026, 400, True),
        (131047, 400, True),
        (131049, 400, True),
        (132001, 404, True),
        (4, 400, False),
        (80007, 400, False),
        (130429, 400, False),
        (131048, 400, False),
        (131056, 400, False),
        (131016, 500, False),
        (2, 503, False),
    ],
)
def test_refusals(serve: Serve, code: int, status: int, permanent: bool) -> None:
    """By Meta's own number where the status does not tell; each is sent once only."""
    server = serve(refused(code, status))
    with pytest.raises(DeliveryFailed) as caught:
        channel(server).deliver(a_notice())
    assert caught.value.permanent is permanent
    assert str(code) in caught.value.fact
    assert len(server.requests) == 1


def test_pair_that_got_too_many_waits_six_seconds(serve: Serve) -> None:
    """Unless Meta says how long."""
    for script, seconds in ((refused(131056), 6), (refused(131056, Retry_After="40"), 40)):
        with pytest.raises(DeliveryFailed) as caught:
            channel(serve(script)).deliver(a_notice())
        assert caught.value.retry_after == seconds


def test_recipient_refused_for_good_is_reported(serve: Serve) -> None:
    """The other has it."""
    receipt = channel(serve(refused(131026), accepted()), ANA, BOB).deliver(a_notice())
    assert (receipt.reference, receipt.refused) == ("wamid.1", ("Meta answered 400 (error 131026)",))


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", json.dumps({"messages": []})])
def test_answer_that_cannot_be_read_passes(serve: Serve, body: str) -> None:
    """A proxy's page is no delivery, and no refusal either."""
    with pytest.raises(DeliveryFailed) as caught:
        channel(serve(answer(200, body))).deliver(a_notice())
    assert not caught.value.permanent


def test_check_reads_the_number(serve: Serve) -> None:
    """And sends nothing."""
    server = serve(answer(200, json.dumps({"id": "1065"})))
    channel(server).check()
    assert server.requests[0].line.startswith("GET /v24.0/1065?fields=id")


def test_meta_cannot_be_asked_afterwards(serve: Serve) -> None:
    """It tells by its webhook only."""
    phones = channel(serve(accepted()))
    assert phones.status("wamid.1").progress is Progress.PENDING
    with pytest.raises(DeliveryFailed):
        phones.look_up(a_notice())
