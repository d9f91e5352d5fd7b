"""The example host: Meta's WhatsApp Cloud API webhook, turned into conversations.

A conversation is a user's messages within 24 hours. Source of the payloads and of the handshake:
Meta's documentation, "WhatsApp Cloud API: Webhooks" (hub.challenge, X-Hub-Signature-256).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from .services.business_metrics import metrics
from .settings import WhatsAppSettings

SILENCE = timedelta(hours=24)
_log = logging.getLogger("webhook")

_schema = sa.MetaData()
_messages = sa.Table(
    "whatsapp_messages",
    _schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)
_conversations = sa.Table(
    "whatsapp_conversations",
    _schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    # for finding the open conversation of a user, of which there is at most one
    sa.Index("whatsapp_open", "user_id", unique=True, postgresql_where=sa.text("ended_at is null")),
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a user; `user_id` is a pseudonym, because a phone number is personal data."""

    id: str
    user_id: str
    type: str
    at: datetime


class WhatsApp:
    """The webhook with its two tables; without a database it answers 503, and Meta sends again."""

    def __init__(self, settings: WhatsAppSettings, database_url: str) -> None:
        self._verify_token = settings.verify_token.get_secret_value()
        self._secret = settings.app_secret.get_secret_value().encode()
        self.engine = _engine(database_url) if database_url else None
        self._has_tables = False

    def close(self) -> None:
        """Give the connections back."""
        if self.engine is not None:
            self.engine.dispose()

    def router(self) -> APIRouter:
        """GET and POST /webhook/whatsapp, as Meta calls them."""
        router = APIRouter(prefix="/webhook", tags=["webhook"])
        router.add_api_route("/whatsapp", self._handshake, methods=["GET"])
        router.add_api_route("/whatsapp", self._receive, methods=["POST"])
        return router

    async def close_silent_for_ever(self) -> None:
        """Each minute, end the conversations that have been silent for 24 hours."""
        while self.engine is not None:
            try:
                await run_in_threadpool(self.close_silent, datetime.now(UTC))
            except sa.exc.SQLAlchemyError as error:
                _log.warning("silent conversations stay open", extra={"error": type(error).__name__})
            await asyncio.sleep(60)

    def close_silent(self, now: datetime) -> int:
        """End what has been silent for 24 hours as of `now`; returns how many."""
        table = _conversations
        silent = table.update().where(table.c.ended_at.is_(None), table.c.last_message_at <= now - SILENCE)
        silent = silent.values(ended_at=table.c.last_message_at + SILENCE)
        with self._transaction() as connection:
            ended = connection.execute(silent.returning(table.c.id, table.c.user_id, table.c.ended_at)).all()
        for one in ended:
            metrics.conversation_ended(one.user_id, conversation_id=one.id, key=one.id, at=one.ended_at)
        return len(ended)

    async def _handshake(
        self,
        mode: str = Query("", alias="hub.mode"),
        token: str = Query("", alias="hub.verify_token"),
        challenge: str = Query("", alias="hub.challenge"),
    ) -> Response:
        if mode != "subscribe" or not _equal(token, self._verify_token):
            raise HTTPException(403, "the verify token is wrong or WHATSAPP_VERIFY_TOKEN is not set")
        return Response(challenge, media_type="text/plain")

    async def _receive(self, request: Request) -> dict[str, int]:
        body = await request.body()
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not self._secret or not _equal(request.headers.get("x-hub-signature-256", ""), expected):
            logging.getLogger("security").warning("webhook with a wrong signature refused")
            raise HTTPException(403, "X-Hub-Signature-256 is wrong or WHATSAPP_APP_SECRET is not set")
        try:
            messages = list(read_messages(json.loads(body), self._secret))
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("webhook with an unknown shape", extra={"bytes": len(body)})
            return {"messages": 0}
        fresh = 0
        for message in messages:
            fresh += await run_in_threadpool(self._accept, message)
        _log.info("webhook received", extra={"messages": len(messages), "new": fresh, "bytes": len(body)})
        return {"messages": fresh}

    def _accept(self, message: Message) -> bool:
        """Keep one message and its conversation; False when Meta had sent it before."""
        try:
            with self._transaction() as connection:
                # Because events count once per key, saying them before the commit neither loses one
                # when we die in between nor counts one twice when Meta sends the message again.
                _announce(message.user_id, *_keep(connection, message))
        except sa.exc.IntegrityError:
            return False
        except sa.exc.SQLAlchemyError as error:
            _log.error("message not kept", extra={"error": type(error).__name__})
            raise HTTPException(503, "the database does not answer; send it again") from error
        return True

    def _transaction(self) -> Any:
        if self.engine is None:
            raise HTTPException(
                503, "no database: set DATABASE_URL or start with scripts/start_production.sh"
            )
        if not self._has_tables:
            self._make_tables(self.engine)
        return self.engine.begin()

    def _make_tables(self, engine: sa.Engine) -> None:
        with engine.begin() as connection:
            # Because two workers that create a table at once fail on PostgreSQL's own catalogue.
            connection.execute(sa.text("select pg_advisory_xact_lock(hashtext('whatsapp_schema'))"))
            _schema.create_all(connection)
        self._has_tables = True


@dataclass(frozen=True, slots=True)
class _Moment:
    id: str
    at: datetime


def _keep(connection: sa.Connection, message: Message) -> tuple[_Moment, _Moment | None]:
    """The conversation that the message belongs to, and the one which it shows to be over."""
    connection.execute(
        _messages.insert().values(id=message.id, user_id=message.user_id, type=message.type, at=message.at)
    )
    table = _conversations
    mine = sa.and_(table.c.user_id == message.user_id, table.c.ended_at.is_(None))
    row = connection.execute(sa.select(table).where(mine).with_for_update()).first()
    if row is not None and message.at < row.last_message_at + SILENCE:
        latest = max(row.last_message_at, message.at)
        connection.execute(table.update().where(table.c.id == row.id).values(last_message_at=latest))
        return _Moment(row.id, row.started_at), None
    ended = None
    if row is not None:
        ended = _Moment(row.id, row.last_message_at + SILENCE)
        connection.execute(table.update().where(table.c.id == row.id).values(ended_at=ended.at))
    started = _Moment(f"wa-{message.user_id}-{int(message.at.timestamp())}", message.at)
    connection.execute(
        table.insert().values(
            id=started.id, user_id=message.user_id, started_at=started.at, last_message_at=started.at
        )
    )
    return started, ended


def _engine(database_url: str) -> sa.Engine:
    # Because plain "postgresql://" means psycopg 3 to SQLAlchemy.
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg2")
    return sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})


def _announce(user_id: str, started: _Moment, ended: _Moment | None) -> None:
    if ended is not None:
        metrics.conversation_ended(user_id, conversation_id=ended.id, key=ended.id, at=ended.at)
    metrics.conversation_started(
        user_id, conversation_id=started.id, key=started.id, at=started.at, channel="whatsapp"
    )


def read_messages(payload: dict[str, Any], secret: bytes) -> Iterator[Message]:
    """The users' messages in a webhook payload; delivery statuses and other fields hold none."""
    for entry in payload["entry"]:
        for change in entry["changes"]:
            for message in change["value"].get("messages", ()):
                at = datetime.fromtimestamp(int(message["timestamp"]), UTC)
                yield Message(message["id"], _pseudonym(message["from"], secret), message["type"], at)


def _pseudonym(phone: str, secret: bytes) -> str:
    return hmac.new(secret, phone.encode(), hashlib.sha256).hexdigest()[:16]


def _equal(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
