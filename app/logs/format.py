"""One log record as one line of JSON, whatever is in the record."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.msgspec import MsgspecFormatter

from ..core.guard import guard
from .context import CONTEXT_FIELDS, RequestContext
from .exceptions import described
from .redact import redact_text, redact_value
from .tidy import LONGEST_TEXT, cut, text_of, tidy

CORE_FIELDS = (
    *("timestamp", "level", "logger", "message"),
    *CONTEXT_FIELDS,
    *("pid", "seq", "module", "function", "line", "exception", "stack"),
)
"""The fields that only Atalaia writes; an extra of such a name is kept as extra_<name>."""

RECORD_ATTRIBUTES = frozenset((*RESERVED_ATTRS, "taskName"))
"""What the standard library keeps in a record; everything else there is an extra."""

_CORE = frozenset(CORE_FIELDS)
_NOT_EXTRAS = RECORD_ATTRIBUTES | {"color_message"}  # Because uvicorn says its message again, in colours.
_IDS = frozenset(("request_id", "trace_id", "span_id"))  # Because an id that was changed finds nothing.
_FEW = 100
_LONGEST_LINE = 262_144
_PLAIN = frozenset((bool, int, type(None)))
# Because terminals obey C1 codes and DEL, marks of direction reorder what people read, and some
# programs take U+2028 for the end of a line.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Line(NamedTuple):
    """A line of JSON in two parts: its file's `pid` and `seq` go between them."""

    head: bytes
    tail: bytes


class JsonLines(MsgspecFormatter):
    """Formats records as lines of JSON; with `redact`, without secrets and personal data."""

    def __init__(self, *, redact: bool = True) -> None:
        super().__init__()
        self._redacts = redact
        self._second = (0, b"")
        self._named = lru_cache(maxsize=1_024)(self._encoded_name)
        self._placed = lru_cache(maxsize=4_096)(self._encoded_place)

    def line(self, record: logging.LogRecord, context: RequestContext | None = None) -> Line:
        """The line of a record, whatever it holds."""
        with guard("logs.format"):
            return self._line(record, context)
        return Line(self._opening(record) + b'"[this record cannot be shown]"', b'"line":%d}' % record.lineno)

    def format(self, record: logging.LogRecord) -> str:
        """The line as text, for other handlers than ours; without context and `seq`."""
        line = self.line(record)
        return (b'%b,"pid":%d,%b' % (line.head, record.process or 0, line.tail)).decode()

    def _line(self, record: logging.LogRecord, context: RequestContext | None) -> Line:
        about, bound = self._about(context) if context is not None else (b"", {})
        head = self._opening(record) + self._encoded(self._message(record)) + about
        tail = self._placed(record.module, record.funcName, record.lineno)
        fields = self._fields(record, bound)
        return Line(head, tail + (b"," + self._encoded(fields)[1:] if fields else b"}"))

    def _opening(self, record: logging.LogRecord) -> bytes:
        second = int(record.created)
        known, text = self._second
        if second != known:
            moment = datetime.fromtimestamp(second, UTC)
            text = moment.strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.').encode()
            self._second = (second, text)
        name = self._named(record.levelname, record.name)
        return b'%b%06dZ",%b' % (text, (record.created - second) * 1_000_000, name)

    def _encoded_name(self, level: str, logger: str) -> bytes:
        return b'"level":%b,"logger":%b,"message":' % (self._encoded(level), self._encoded(logger))

    def _encoded_place(self, module: str, function: str, line: int) -> bytes:
        return self._encoded({"module": module, "function": function, "line": line})[1:-1]

    def _about(self, context: RequestContext) -> tuple[bytes, Mapping[str, Any]]:
        """The context's own fields, encoded once for all of its records, and the others."""
        fields, encoded = context.fields, context.encoded
        if encoded is None or encoded[0] is not fields:
            given = {name: value for name, value in fields.items() if value is not None}
            known = {name: given.pop(name) for name in CONTEXT_FIELDS if name in given}
            ids = {name: value for name, value in known.items() if name in _IDS}
            about = b"," + self._encoded({**self._safe(known), **ids})[1:-1] if known else b""
            context.encoded = encoded = (fields, about, given)
        return encoded[1], encoded[2]

    def _message(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, dict) and not record.args:
            return ""
        text: str | None = record.msg if type(record.msg) is str and not record.args else None
        if text is None:
            with guard("logs.message"):
                text = record.getMessage()
        if text is None:
            text = f"{text_of(record.msg)} [arguments that do not fit: {text_of(record.args)}]"
        return redact_text(cut(text)) if self._redacts else cut(text)

    def _fields(self, record: logging.LogRecord, bound: Mapping[str, Any]) -> Mapping[Any, Any]:
        """What the caller said beside the message, then the exception and the stack."""
        extras = {name: value for name, value in record.__dict__.items() if name not in _NOT_EXTRAS}
        if isinstance(record.msg, dict) and not record.args:
            extras = {**record.msg, **extras}  # Because python-json-logger takes such a dict for fields.
        if bound:
            extras = {**bound, **extras}
        fields = self._safe(_renamed(extras)) if extras else extras
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = self._redacted(described(record.exc_info[1]))
        if record.stack_info:
            fields["stack"] = self._redacted(cut(record.stack_info))
        return fields

    def _safe(self, extras: dict[Any, Any]) -> dict[Any, Any]:
        plain: dict[Any, Any] = extras if _is_plain(extras) else tidy(extras)
        return redact_value(plain) if self._redacts else plain

    def _redacted(self, value: Any) -> Any:
        return redact_value(value) if self._redacts else value

    def _encoded(self, value: Any) -> bytes:
        """JSON of one line that is safe to show; by the fast way if it can be."""
        try:
            text = self._encoder.encode(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            text = self._encoder.encode(tidy(value))
        if len(text) > _LONGEST_LINE:
            text = self._encoder.encode(tidy(value))
        return text if text.isascii() and b"\x7f" not in text else _escaped(text)


def _renamed(extras: dict[Any, Any]) -> dict[Any, Any]:
    if _CORE.isdisjoint(extras):
        return extras
    result: dict[Any, Any] = {}
    for name, value in extras.items():
        while name in _CORE or name in result:
            name = f"extra_{name}"  # noqa: PLW2901 because it is the same name, out of the way
        result[name] = value
    return result


def _is_plain(extras: dict[Any, Any]) -> bool:
    """Whether the fast encoder can take all of it as it is."""
    for name, value in extras.items():
        kind = type(value)
        if kind is str:
            plain = len(value) <= LONGEST_TEXT
        else:
            plain = kind in _PLAIN or (kind is float and isfinite(value))
        if not plain or type(name) is not str:
            return False
    return len(extras) <= _FEW


def _escaped(text: bytes) -> bytes:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text.decode()).encode()
