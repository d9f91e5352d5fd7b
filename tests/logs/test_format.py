from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from app.logs.context import RequestContext
from app.logs.format import CORE_FIELDS, JsonLines

from .conftest import formatted


def made(message: object = "hello", *args: object, **attributes: Any) -> logging.LogRecord:
    """A record as a logger makes it, with extras."""
    record = logging.LogRecord("app.orders", logging.INFO, "/x/orders.py", 17, message, args, None, "pay")
    record.__dict__.update(attributes)
    return record


def test_core_fields_come_first_and_in_order():
    """Each line begins with the core fields in one order, then come the record's own."""
    context = RequestContext(
        dict.fromkeys(("span_id", "trace_id", "session_id", "user_id", "request_id"), "x")
    )
    line = JsonLines().line(made(order=7), context)
    names = list(json.loads(line.head + b',"pid":1,"seq":1,' + line.tail))
    assert names == [name for name in CORE_FIELDS if name not in ("exception", "stack")] + ["order"]


def test_timestamps_are_utc_with_microseconds():
    """The moment of the call is RFC 3339 in UTC, also in the next second."""
    lines = JsonLines()
    for second in (0, 1):
        moment = datetime(2026, 11, 23, 2, 0, second, 123456, UTC)
        assert f'"2026-11-23T02:00:0{second}.123456Z"' in lines.format(made(created=moment.timestamp()))


def test_absent_context_is_left_out():
    """A field of the context that is not known is not there, rather than null."""
    line = JsonLines().line(made(), RequestContext({"user_id": None, "request_id": "r"}))
    assert b'"request_id":"r"' in line.head
    assert b"user_id" not in line.head


def test_fields_bound_to_the_context_are_extras():
    """What is bound beside the known fields is in every record, under the record's own extras."""
    line = JsonLines().line(made(order=8), RequestContext({"order": 7, "shop": "sp"}))
    assert b'"order":8,"shop":"sp"' in line.tail


def test_what_is_bound_later_is_in_later_records():
    """Encoding a context once does not freeze it."""
    lines, context = JsonLines(), RequestContext({"request_id": "r"})
    assert b"u1" not in lines.line(made(), context).head
    context.bind(user_id="u1")
    assert b'"user_id":"u1"' in lines.line(made(), context).head


def test_clashing_extras_keep_their_value_under_another_name():
    """An extra with a core field's name becomes extra_<name>, and none overwrites another."""
    record = formatted(made(level=1, extra_level=2, seq=3))
    assert (record["extra_level"], record["extra_extra_level"], record["extra_seq"]) == (1, 2, 3)


def test_exceptions_are_documents():
    """An exception is told as type, message and frames, and keeps its place behind the extras."""
    error = ValueError("bad")
    record = formatted(made(exc_info=(ValueError, error, None), order=7))
    assert record["exception"] == {"type": "ValueError", "message": "bad", "stacktrace": []}


def test_secrets_do_not_reach_a_line():
    """Messages, arguments, extras at any depth, exceptions, notes and context are redacted."""
    secret = "hunter2secret"
    error = ValueError(f"password={secret}")
    error.add_note(f"token={secret}")
    record = made(
        "login with password=%s",
        secret,
        exc_info=(ValueError, error, None),
        headers={"authorization": secret, "list": [{"api_key": secret}]},
        url=f"https://user:{secret}@host/?token={secret}",
        note=f"Bearer {secret}",
    )
    line = JsonLines().line(record, RequestContext({"user_id": f"senha={secret}", "cookie": secret}))
    assert secret.encode() not in line.head + line.tail


def test_ids_of_a_request_stay_and_those_of_people_do_not():
    """A request is found by its id even where that looks like a phone; a user's phone is redacted."""
    line = JsonLines().line(
        made(), RequestContext({"request_id": "5511987654321", "user_id": "5511987654321"})
    )
    assert b'"request_id":"5511987654321","user_id":"[phone]"' in line.head


def test_redaction_can_be_switched_off():
    """With LOG_REDACT=false a record is written as it is."""
    record = formatted(made("to maria@example.com", password="x"), redact=False)
    assert (record["message"], record["password"]) == ("to maria@example.com", "x")


def test_letters_stay_readable():
    """Only characters that can harm a terminal or a reader are escaped."""
    line = JsonLines().line(made("São Paulo \u202e 東京 🙂"))
    assert "São Paulo \\u202e 東京 🙂".encode() in line.head


def test_other_handlers_may_use_the_formatter():
    """format() gives the line as text, as any formatter does."""
    record = json.loads(JsonLines().format(made()))
    assert record["message"] == "hello"
    assert record["pid"] > 0
