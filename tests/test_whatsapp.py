"""The example host turns Meta's webhook into conversations; payloads are shaped as Meta documents them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.journal import read_new
from app.core.postgres import EmbeddedPostgres
from app.services.business_metrics import metrics
from app.settings import WhatsAppSettings
from app.testing import FrozenClock
from app.whatsapp import WhatsApp

SECRET = "an app secret"
PHONE = "16315551181"
SETTINGS = WhatsAppSettings(verify_token=SecretStr("verify me"), app_secret=SecretStr(SECRET))


class Meta:
    """Calls the webhook as Meta does."""

    def __init__(self, whatsapp: WhatsApp) -> None:
        app = FastAPI()
        app.include_router(whatsapp.router())
        self._transport = httpx.ASGITransport(app)

    def get(self, **query: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", params={f"hub.{name}": value for name, value in query.items()}))

    def post(self, body: bytes, secret: str = SECRET) -> httpx.Response:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-hub-signature-256": signature, "content-type": "application/json"}
        return asyncio.run(self._ask("POST", content=body, headers=headers))

    async def _ask(self, method: str, **given: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://agent") as client:
            return await client.request(method, "/webhook/whatsapp", **given)


def text_message(wamid: str, at: str, phone: str = PHONE) -> bytes:
    moment = int(datetime.fromisoformat(at).timestamp())
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "Sheena Nelson"}, "wa_id": phone}],
        "messages": [
            {
                "from": phone,
                "id": wamid,
                "timestamp": str(moment),
                "type": "text",
                "text": {"body": "Does it come in another color?"},
            }
        ],
    }
    return payload(value)


def delivery_status(at: str) -> bytes:
    status = {
        "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MTFDRjY2RUMy",
        "status": "delivered",
        "timestamp": str(int(datetime.fromisoformat(at).timestamp())),
        "recipient_id": PHONE,
    }
    return payload({"messaging_product": "whatsapp", "metadata": {}, "statuses": [status]})


def payload(value: dict) -> bytes:
    change = {"value": value, "field": "messages"}
    entry = {"id": "102290129340398", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


@pytest.fixture
def host(postgres: EmbeddedPostgres):
    whatsapp = WhatsApp(SETTINGS, postgres.url)
    yield whatsapp
    with whatsapp.engine.begin() as connection:
        connection.execute(sa.text("drop table if exists whatsapp_messages, whatsapp_conversations"))
    whatsapp.close()


@pytest.fixture
def meta(host: WhatsApp) -> Meta:
    return Meta(host)


@pytest.fixture
def events(tmp_path: Path, clock: FrozenClock):
    metrics.journal.open(tmp_path, clock)

    def read() -> list[tuple[str, str]]:
        lines = [json.loads(line) for chunk in read_new(tmp_path, {}) for line in chunk.lines]
        return [(line["name"], line["key"]) for line in lines]

    yield read
    metrics.journal.close()


def test_the_handshake_echoes_the_challenge(meta: Meta) -> None:
    """GET with the right verify token answers the challenge as plain text."""
    answer = meta.get(mode="subscribe", verify_token="verify me", challenge="1158201444")
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert meta.get(mode="subscribe", verify_token="no", challenge="1").status_code == 403


def test_a_wrong_signature_is_refused(meta: Meta, events) -> None:
    """A POST that Meta did not sign changes nothing."""
    body = text_message("wamid.1", "2026-11-18T10:00:00Z")
    assert meta.post(body, secret="another").status_code == 403
    assert events() == []


def test_messages_within_24_hours_are_one_conversation(meta: Meta, events) -> None:
    """A second message of the same user within 24 hours starts no second conversation."""
    assert meta.post(text_message("wamid.1", "2026-11-18T10:00:00Z")).json() == {"messages": 1}
    assert meta.post(text_message("wamid.2", "2026-11-19T09:59:00Z")).json() == {"messages": 1}
    assert len(set(events())) == 1
    assert {name for name, _ in events()} == {"conversation_started"}


def test_a_message_after_24_hours_starts_another(meta: Meta, events) -> None:
    """The silent conversation ends, and a new one starts."""
    meta.post(text_message("wamid.1", "2026-11-18T10:00:00Z"))
    meta.post(text_message("wamid.2", "2026-11-19T10:00:01Z"))
    assert [name for name, _ in events()] == [
        "conversation_started",
        "conversation_ended",
        "conversation_started",
    ]
    assert len(set(events())) == 3


def test_what_meta_sends_twice_counts_once(meta: Meta, events) -> None:
    """A repeated message id is accepted and not counted again."""
    body = text_message("wamid.1", "2026-11-18T10:00:00Z")
    assert meta.post(body).json() == {"messages": 1}
    assert meta.post(body).json() == {"messages": 0}
    assert len(events()) == 1


def test_delivery_statuses_start_nothing(meta: Meta, events) -> None:
    """A status of a message of ours is no conversation."""
    assert meta.post(delivery_status("2026-11-18T10:00:00Z")).json() == {"messages": 0}
    assert events() == []


def test_an_unknown_shape_is_taken_quietly(meta: Meta, events) -> None:
    """A signed body of another shape answers 200, because Meta would repeat it for days."""
    assert meta.post(b'{"object":"page"}').status_code == 200
    assert meta.post(b"[]").status_code == 200
    assert events() == []


def test_a_silent_conversation_ends_by_itself(meta: Meta, host: WhatsApp, events) -> None:
    """24 hours after its last message a conversation ends, once, at that moment."""
    meta.post(text_message("wamid.1", "2026-11-18T10:00:00Z"))
    assert host.close_silent(datetime(2026, 11, 19, 9, 59, tzinfo=UTC)) == 0
    assert host.close_silent(datetime(2026, 11, 19, 10, 0, tzinfo=UTC)) == 1
    assert host.close_silent(datetime(2026, 11, 19, 10, 1, tzinfo=UTC)) == 0
    assert [name for name, _ in events()] == ["conversation_started", "conversation_ended"]


def test_a_phone_number_is_kept_nowhere(meta: Meta, host: WhatsApp, events, tmp_path: Path) -> None:
    """Tables and journals hold a pseudonym of the user."""
    meta.post(text_message("wamid.1", "2026-11-18T10:00:00Z"))
    with host.engine.begin() as connection:
        rows = connection.execute(sa.text("select * from whatsapp_messages")).all()
    assert rows
    assert PHONE not in repr(rows)
    assert all(PHONE not in path.read_text() for path in tmp_path.glob("*.jsonl"))


def test_without_a_database_meta_is_asked_to_send_again() -> None:
    """No database, no 200: the message must come again."""
    meta = Meta(WhatsApp(SETTINGS, ""))
    assert meta.post(text_message("wamid.1", "2026-11-18T10:00:00Z")).status_code == 503


def test_a_database_that_is_down_answers_503() -> None:
    """A wrong DATABASE_URL makes the webhook answer 503 and lose nothing."""
    whatsapp = WhatsApp(SETTINGS, "postgresql://nobody@127.0.0.1:1/none")
    assert Meta(whatsapp).post(text_message("wamid.1", "2026-11-18T10:00:00Z")).status_code == 503
    whatsapp.close()
