"""Notices as JSON, signed as standard-webhooks asks for it."""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from typing import Any

import pytest
from pydantic import SecretStr

from app.alerts.channels.webhook import WebhookChannel, signature
from app.alerts.model import Kind
from app.core.errors import DeliveryFailed
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def channel(server: HttpServer, secret: str = SECRET, **changes: Any) -> WebhookChannel:
    """One that is signed."""
    return WebhookChannel(SecretStr(f"{server.url}/hooks"), ENGLISH, secret=SecretStr(secret), **changes)


def test_signature_is_that_of_the_standard() -> None:
    """The example of the specification's own libraries."""
    said = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_notice_is_posted_with_its_signature(serve: Serve) -> None:
    """Under the notice's key and the time of the attempt, so that a receiver can tell old from new."""
    server, notice = serve(answer(204)), a_notice(Kind.FIRED, message="why")
    channel(server, secret="plain words").deliver(notice)
    (request,) = server.requests
    assert request.line.startswith("POST /hooks")
    key, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    assert (key, abs(int(moment) - time.time()) < 30) == (notice.key, True)
    digest = hmac.digest(b"plain words", f"{key}.{moment}.".encode() + request.body, "sha256")
    assert request.headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"


def test_document_says_everything(serve: Serve) -> None:
    """What it is, in words, and the alert as the API shows it."""
    server, notice = serve(answer(200)), a_notice(message="why", labels={"a": "b"})
    channel(server).deliver(notice)
    said = server.requests[0].json()
    assert (said["type"], said["server"], said["headline"]) == (
        "alert.fired",
        "shop-1",
        "HIGH: Gateway refuses",
    )
    assert said["alert"] == notice.alert.document()


def test_without_a_secret_nothing_is_signed(serve: Serve) -> None:
    """There is nothing to sign it with."""
    server = serve(answer(200))
    channel(server, secret="").deliver(a_notice())
    assert "webhook-signature" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(301, True), (308, True), (304, True), (400, True), (410, True), (429, False), (502, False)],
)
def test_only_2xx_is_success(serve: Serve, status: int, permanent: bool) -> None:
    """A redirect is refused, and not followed."""
    elsewhere = serve(answer(200))
    server = serve(answer(status, "", Location=elsewhere.url))
    with pytest.raises(DeliveryFailed) as caught:
        channel(server).deliver(a_notice())
    assert caught.value.permanent is permanent
    assert elsewhere.requests == []


def test_check_is_named_so(serve: Serve) -> None:
    """A receiver can tell it from a notice."""
    server = serve(answer(200))
    channel(server).check()
    assert server.requests[0].json() == {"type": "check", "server": "shop-1"}
