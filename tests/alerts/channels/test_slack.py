"""Slack's answers, as Slack gives them."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from pydantic import SecretStr

from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.slack_client import is_signed, reply
from app.alerts.model import Digest, Item, Kind, Notice
from app.core.errors import DeliveryFailed
from app.core.signal import Severity
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, NOON, a_notice
from tests.alerts.servers import HttpServer, Script, answer


def webhook(server: HttpServer, **changes: Any) -> SlackChannel:
    """A channel by its webhook."""
    return SlackChannel(style=ENGLISH, webhook_url=SecretStr(f"{server.url}/services/T/B/x"), **changes)


def bot(server: HttpServer, channel: str = "C0123456", **changes: Any) -> SlackChannel:
    """A channel by its bot."""
    api_url = f"{server.url}/api/"
    return SlackChannel(
        style=ENGLISH, bot_token=SecretStr("xoxb-1"), channel=channel, api_url=api_url, **changes
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


POSTED = said(True, ts="1700000000.1", channel="C0123456")
FIRST = "C0123456:1700000000.1"


def of(kind: Kind, reference: str = FIRST) -> Notice:
    """A later notice of an episode whose first one stands there."""
    return replace(a_notice(kind), reference=reference)


def calls(server: HttpServer) -> list[str]:
    """The methods of the API that were called."""
    return [urlsplit(request.line.split()[1]).path.removeprefix("/api/") for request in server.requests]


def test_bot_posts_into_its_channel(serve: Serve) -> None:
    """With its token in a header; the receipt says where the message stands, the message whose it is."""
    server = serve(POSTED)
    notice = a_notice()
    assert bot(server, "#ops").deliver(notice).reference == FIRST
    request = server.requests[0]
    assert request.line.startswith("POST /api/chat.postMessage")
    assert request.headers["authorization"] == "Bearer xoxb-1"
    assert request.json()["channel"] == "#ops"
    assert request.json()["metadata"] == {
        "event_type": "atalaia_notice",
        "event_payload": {"key": notice.key},
    }


@pytest.mark.parametrize("kind", [Kind.ACKNOWLEDGED, Kind.RESOLVED])
def test_first_message_says_how_it_stands(serve: Serve, kind: Kind) -> None:
    """It is edited in place, and the news stands in its thread, without a button there."""
    server = serve(POSTED)
    bot(server, has_buttons=True).deliver(of(kind))
    assert calls(server) == ["chat.update", "chat.postMessage"]
    edit, reply = (request.json() for request in server.requests)
    assert (edit["channel"], edit["ts"]) == ("C0123456", "1700000000.1")
    assert (reply["thread_ts"], reply["reply_broadcast"]) == ("1700000000.1", False)
    assert "actions" not in [block["type"] for block in reply["blocks"]]


def test_what_got_worse_is_shown_in_the_channel_too(serve: Serve) -> None:
    """Because nobody watches a thread; a reminder stays in it, and edits nothing."""
    server = serve(POSTED)
    bot(server).deliver(of(Kind.WORSE))
    assert server.requests[1].json()["reply_broadcast"] is True
    bot(server).deliver(of(Kind.REMINDER))
    assert calls(server) == ["chat.update", "chat.postMessage", "chat.postMessage"]
    assert server.requests[2].json()["reply_broadcast"] is False


def test_message_that_cannot_be_edited_is_answered(serve: Serve) -> None:
    """It is too old, or somebody deleted it: then the news stands in the channel."""
    server = serve(said(False, error="edit_window_closed"), POSTED)
    bot(server).deliver(of(Kind.RESOLVED))
    assert calls(server) == ["chat.update", "chat.postMessage"]
    server = serve(said(False, error="message_not_found"), said(False, error="thread_not_found"), POSTED)
    bot(server).deliver(of(Kind.RESOLVED))
    assert "thread_ts" not in server.requests[2].json()


def test_edit_that_slack_has_no_time_for_is_tried_again(serve: Serve) -> None:
    """Before anything is posted, so that nothing is said twice."""
    server = serve(answer(429, json.dumps({"ok": False, "error": "ratelimited"}), Retry_After="30"))
    with pytest.raises(DeliveryFailed) as caught:
        bot(server).deliver(of(Kind.RESOLVED))
    assert (caught.value.retry_after, caught.value.permanent) == (30, False)
    assert calls(server) == ["chat.update"]


def test_digest_is_neither_edited_nor_about_one_alert(serve: Serve) -> None:
    """What comes later stands below it; it has no buttons."""
    alert = a_notice().alert
    digest = Digest((Item(Kind.FIRED, alert),), 37, {Severity.HIGH: 37}, {Kind.FIRED: 37}, NOON)
    server = serve(POSTED)
    receipt = bot(server, has_buttons=True).deliver(Notice("k", Kind.DIGEST, alert, digest=digest))
    assert receipt.reference == f"{FIRST}:digest"
    assert "actions" not in [block["type"] for block in server.requests[0].json()["blocks"]]
    bot(server).deliver(of(Kind.RESOLVED, receipt.reference))
    assert calls(server) == ["chat.postMessage"] * 2
    assert server.requests[1].json()["thread_ts"] == "1700000000.1"


def test_bot_writes_to_people(serve: Serve) -> None:
    """Each once, although one of them had to be tried again."""
    server = serve(POSTED, said(False, error="ratelimited"), POSTED)
    channel, notice = bot(server), replace(a_notice(), recipients=("U1", "U2"))
    with pytest.raises(DeliveryFailed):
        channel.deliver(notice)
    channel.deliver(notice)
    assert [request.json()["channel"] for request in server.requests] == ["U1", "U2", "U2"]


def test_person_whom_slack_does_not_know_is_reported(serve: Serve) -> None:
    """The other has it."""
    server = serve(said(False, error="channel_not_found"), POSTED)
    receipt = bot(server).deliver(replace(a_notice(), recipients=("U1", "U2")))
    assert receipt.refused == ("Slack answered 200 (channel_not_found)",)
    assert len(server.requests) == 2


def history(*keys: str, cursor: str = "") -> Script:
    """A page of messages with these keys."""
    messages = [{"ts": "1.0", "text": "of somebody"}] + [
        {"ts": f"{number}.5", "metadata": {"event_type": "atalaia_notice", "event_payload": {"key": key}}}
        for number, key in enumerate(keys)
    ]
    return said(True, messages=messages, response_metadata={"next_cursor": cursor})


def test_bot_finds_what_it_may_have_sent(serve: Serve) -> None:
    """By the key in the message, page after page, since the alert began."""
    notice = a_notice()
    server = serve(history("other", cursor="next"), history("another", notice.key))
    found = bot(server).look_up(notice)
    assert found is not None
    assert found.reference == "C0123456:1.5"
    first, second = (parse_qs(request.body.decode()) for request in server.requests)
    assert calls(server) == ["conversations.history"] * 2
    assert (first["channel"], first["include_all_metadata"]) == (["C0123456"], ["true"])
    assert float(first["oldest"][0]) < notice.alert.started_at.timestamp()
    assert second["cursor"] == ["next"]


def test_bot_knows_what_it_has_not_sent(serve: Serve) -> None:
    """Then it is sent, and not called a repetition; of a thread the thread is asked."""
    server = serve(history("other"))
    assert bot(server).look_up(a_notice()) is None
    assert bot(server).look_up(of(Kind.RESOLVED)) is None
    assert calls(server) == ["conversations.history", "conversations.replies"]


def test_bot_asks_each_person_s_own_conversation(serve: Serve) -> None:
    """After a crash between two of them, only the other one is written to."""
    notice = replace(a_notice(), recipients=("U1", "U2"))
    opened = [said(True, channel={"id": name}) for name in ("D1", "D2")]
    server = serve(*opened, history(notice.key), history("other"), POSTED)
    channel = bot(server)
    assert channel.look_up(notice) is None
    channel.deliver(notice)
    asked = [parse_qs(request.body.decode()) for request in server.requests[:4]]
    assert [one.get("users") or one["channel"] for one in asked] == [["U1"], ["U2"], ["D1"], ["D2"]]
    assert [request.json()["channel"] for request in server.requests[4:]] == ["U2"]


def test_who_cannot_tell_says_so(serve: Serve) -> None:
    """A webhook, a channel known by its name only, a history without an end, a missing scope."""
    endless_pages = serve(history("other", cursor="more"))
    no_scope = serve(said(False, error="missing_scope"))
    for channel in (webhook(endless_pages), bot(endless_pages, "#ops"), bot(endless_pages), bot(no_scope)):
        with pytest.raises(DeliveryFailed):
            channel.look_up(a_notice())


def test_signature_is_that_of_slack() -> None:
    """The example of Slack's own documentation, which is too old; nonsense is no failure of ours."""
    body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J"
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert not is_signed("8f742231b10e8888abcd99yyyzzz85a5", body, "1531420618", signature)
    assert not is_signed("secret", b"\xff", "now", "")


def test_reply_is_seen_by_who_pressed_the_button(serve: Serve) -> None:
    """And leaves the message as it is."""
    server = serve(answer(200, "ok"))
    reply(f"{server.url}/actions", "acknowledged by ana")
    said = server.requests[0].json()
    assert said == {"response_type": "ephemeral", "replace_original": False, "text": "acknowledged by ana"}


def test_buttons_need_a_signing_secret(serve: Serve) -> None:
    """Else nobody could press them."""
    server = serve(answer(200, "ok"))
    webhook(server).deliver(a_notice())
    webhook(server, has_buttons=True).deliver(a_notice())
    last = [request.json()["blocks"][-1]["type"] for request in server.requests]
    assert last == ["section", "actions"]


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
