from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.logs.context import RequestContext
from app.logs.format import CORE_FIELDS, JsonLines
from app.services.production_logger import ProductionLogger

from .conftest import formatted, only_our_handler, records

log = logging.getLogger("app.hostile")


class BadText:
    """Raises whatever one asks of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class NoText:
    __str__ = None


class TalksBack:
    """Logs itself while it is being shown."""

    def __str__(self) -> str:
        log.info("shown %s", self, extra={"nested": True})
        return "talkative"


class FakeText(str):
    """A text that lies about itself."""

    __slots__ = ()

    def lower(self) -> str:
        raise RuntimeError


class NoClass:
    @property
    def __class__(self) -> type:
        raise RuntimeError


class BadMapping(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError


class BadList(list[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def extra(**fields: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ("hostile",), {"extra": fields}


HOSTILE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "cycle": extra(value=cycle()),
    "cyclic list": extra(value=BadList([1])),
    "3,000 levels": extra(value=deep(3_000)),
    "__repr__ raises": extra(value=BadText()),
    "__repr__ raises in a list": extra(value=[1, {"a": BadText()}]),
    "__str__ is None": extra(value=NoText()),
    "__class__ raises": extra(value=NoClass()),
    "logs itself": extra(value=TalksBack()),
    "a text that lies": extra(value=FakeText("x" * 20)),
    "items() raises": extra(value=BadMapping(a=1)),
    "not a number": extra(value=float("nan")),
    "infinity": extra(value=[float("inf"), -float("inf")]),
    "2**70": extra(value=2**70),
    "10**5000": extra(value=10**5_000),
    "bytes": extra(value=b"\x00\xff"),
    "lone surrogate": extra(value="a\ud800"),
    "lone surrogate in a name": ((("hostile"),), {"extra": {"a\ud800": 1}}),
    "tuple as a key": extra(value={(1, 2): 3}),
    "None and bytes as keys": extra(value={None: 1, b"x": 2, 1.5: 3}),
    "number as a field's name": (("hostile",), {"extra": {7: 1}}),
    "megabyte": extra(value="x" * 1_000_000),
    "a megabyte in many": extra(value=["x" * 10_000] * 100),
    "100,000 items": extra(value=list(range(100_000))),
    "1,000 fields": extra(**{f"f{number}": number for number in range(1_000)}),
    "core fields": extra(timestamp=0, level="CRITICAL", logger="x", pid=1, seq=1, line=0, exception="x"),
    "record attributes": (("hostile",), {"extra": {"name": 1, "message": 2, "args": 3, "exc_info": 4}}),
    "context fields": extra(request_id="spoofed", user_id="spoofed", trace_id="spoofed"),
    "extra is no mapping": (("hostile",), {"extra": ["a", "b"]}),
    "extra is a text": (("hostile",), {"extra": "abc"}),
    "a new line in the message": (('x\n{"level":"CRITICAL"}\r\n',), {}),
    "terminal codes in the message": (("\x1b[2J\x9b2J\x07\x7f\x85",), {}),
    "directions in the message": (("\u202egnp.exe \u2066x\u2069 \u200f",), {}),
    "line separators in the message": (("a\u2028b\u2029c\ufeff",), {}),
    "nul in the message": (("a\x00b",), {}),
    "lone surrogate in the message": (("a\udfff",), {}),
    "a megabyte as the message": (("x" * 1_000_000,), {}),
    "too few arguments": (("%s %s", 1), {}),
    "too many arguments": (("%s", 1, 2), {}),
    "arguments of a wrong type": (("%d", "x"), {}),
    "an argument that raises": (("%s", BadText()), {}),
    "a message that raises": ((BadText(),), {}),
    "None as the message": ((None,), {}),
    "a mapping as the message": (({"a": 1, "level": "CRITICAL"},), {}),
    "a lying text as the message": ((FakeText("x" * 20),), {}),
    "exc_info outside of an exception": (("hostile",), {"exc_info": True}),
    "an exception that cannot be shown": (
        ("hostile",),
        {"exc_info": type("Bad", (BadText, ValueError), {})()},
    ),
    "a stack": (("hostile",), {"stack_info": True}),
    "a generator": extra(value=(number for number in range(3))),
    "a class": extra(value=BadText),
    "a module": extra(value=json),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_value_loses_raises_or_spoofs(case: str, page: ProductionLogger, tmp_path: Path):
    """Whatever is logged becomes one line of strict JSON with its own level and logger."""
    args, kwargs = HOSTILE[case]
    with only_our_handler():
        log.info(*args, **kwargs)
    page.stop()
    raw = (tmp_path / "logs" / "app.log").read_bytes()
    (record,) = [line for line in records(tmp_path / "logs" / "app.log") if "nested" not in line]
    assert (record["level"], record["logger"], record["function"]) == (
        "INFO",
        "app.hostile",
        "test_no_value_loses_raises_or_spoofs",
    )
    assert "request_id" not in record
    assert len(raw) < 300_000
    assert not set(raw.decode()) & set("\x1b\x07\x7f\x85\x9b\u202e\u2066\u2069\u200f\u2028\u2029\ufeff\x00")


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
