"""Slack's answers, as Slack gives them."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from app.alerts.channels.slack import SlackChannel
from app.core.errors import DeliveryFailed
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, Script, answer

Serve = Callable[..., HttpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers with a script each, and ends them."""
    servers: list[HttpServer] = []

    def start(*scripts: Script, trust: ssl.SSLContext | None = None) -> HttpServer:
        servers.append(HttpServer(*scripts, trust=trust))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def webhook(server: HttpServer, **changes: Any) -> SlackChannel:
    """A channel by its webhook."""
    return SlackChannel(style=ENGLISH, webhook_url=SecretStr(f"{server.url}/services/T/B/x"), **changes)


def bot(server: HttpServer) -> SlackChannel:
    """A channel by its bot."""
    return SlackChannel(
        style=ENGLISH, bot_token=SecretStr("xoxb-1"), channel="C1", api_url=f"{server.url}/api/"
    )


def said(ok: bool, **more: Any) -> Script:
    """An answer of Slack's API."""
    return answer(200, json.dumps({"ok": ok, **more}))


def test_webhook_gets_text_and_blocks(serve: Serve) -> None:
    """The text is what the notification on a telephone shows."""
    server = serve(answer(200, "ok"))
    webhook(server).deliver(a_notice())
    sent = server.requests[0].json()
    assert sent["text"] == "🟠 HIGH: Gateway refuses"
    assert sent["blocks"][0]["type"] == "header"


def test_bot_posts_into_its_channel(serve: Serve) -> None:
    """With its token in a header, and Slack's time stamp as the receipt."""
    server = serve(said(True, ts="1700000000.1"))
    assert bot(server).deliver(a_notice()).reference == "1700000000.1"
    request = server.requests[0]
    assert request.line.startswith("POST /api/chat.postMessage")
    assert request.headers["authorization"] == "Bearer xoxb-1"
    assert request.json()["channel"] == "C1"


@pytest.mark.parametrize("word", ["invalid_blocks", "msg_blocks_too_long", "invalid_payload"])
def test_layout_that_slack_refuses_becomes_plain_text(serve: Serve, word: str) -> None:
    """An ugly alert is better than none."""
    for make, scripts in (
        (webhook, (answer(400, word), answer(200, "ok"))),
        (bot, (said(False, error=word), said(True))),
    ):
        server = serve(*scripts)
        make(server).deliver(a_notice())
        assert ["blocks" in request.json() for request in server.requests] == [True, False]


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (400, "user_not_found", True),
        (403, "action_prohibited", True),
        (404, "no_service", True),
        (410, "channel_is_archived", True),
        (302, "", True),
        (408, "", False),
        (500, "rollup_error", False),
    ],
)
def test_webhook_refusals(serve: Serve, status: int, body: str, permanent: bool) -> None:
    """What Slack documents, and what proxies answer; each is sent once only."""
    server = serve(answer(status, body))
    with pytest.raises(DeliveryFailed) as caught:
        webhook(server).deliver(a_notice())
    assert caught.value.permanent is permanent
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("word", "permanent"),
    [
        ("channel_not_found", True),
        ("not_in_channel", True),
        ("is_archived", True),
        ("token_revoked", True),
        ("missing_scope", True),
        ("ratelimited", False),
        ("internal_error", False),
        ("fatal_error", False),
        ("service_unavailable", False),
    ],
)
def test_refusals_of_the_api_have_status_200(serve: Serve, word: str, permanent: bool) -> None:
    """And a word that says what it is."""
    with pytest.raises(DeliveryFailed) as caught:
        bot(serve(said(False, error=word))).deliver(a_notice())
    assert caught.value.permanent is permanent
    assert word in caught.value.fact


def test_answer_that_is_no_json_passes(serve: Serve) -> None:
    """A proxy's page with status 200 is no delivery, and no refusal either."""
    with pytest.raises(DeliveryFailed) as caught:
        bot(serve(answer(200, "<html>please sign in</html>"))).deliver(a_notice())
    assert not caught.value.permanent


def test_redirect_is_not_followed(serve: Serve) -> None:
    """The message and its credential go nowhere else."""
    elsewhere = serve(answer(200, "ok"))
    server = serve(answer(302, "", Location=elsewhere.url))
    with pytest.raises(DeliveryFailed):
        webhook(server).deliver(a_notice())
    assert elsewhere.requests == []


def test_server_that_nobody_vouches_for_gets_nothing(serve: Serve) -> None:
    """Over https the certificate is verified."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(trust)
    server = serve(answer(200, "ok"), trust=trust)
    with pytest.raises(DeliveryFailed) as caught:
        webhook(server).deliver(a_notice())
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.fact
    assert server.requests == []


def test_webhook_is_checked_without_a_message(serve: Serve) -> None:
    """A living one complains that nothing was said; a dead one does not know itself."""
    webhook(serve(answer(400, "no_text"))).check()
    with pytest.raises(DeliveryFailed) as caught:
        webhook(serve(answer(404, "no_service"))).check()
    assert "SLACK_WEBHOOK_URL" in caught.value.hint


def test_bot_is_checked_by_its_token(serve: Serve) -> None:
    """auth.test sends nothing."""
    server = serve(said(True))
    bot(server).check()
    assert server.requests[0].line.startswith("POST /api/auth.test")
    with pytest.raises(DeliveryFailed):
        bot(serve(said(False, error="invalid_auth"))).check()
