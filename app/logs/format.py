"""One log record as one line of JSON, whatever is in the record."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.msgspec import MsgspecFormatter

from ..core.guard import guard
from .about import About
from .callsite import CallSites
from .context import CONTEXT_FIELDS, RequestContext
from .encoding import PLAIN, TEXTUAL, Encoding
from .presets import PLACE, PRESETS, FieldNames
from .redact import STANDARD, Redaction
from .tidy import cut, text_of

CORE_FIELDS = (
    *("timestamp", "level", "logger", "message"),
    *CONTEXT_FIELDS,
    *("pid", "seq", *PLACE, "exception", "stack"),
)
"""The fields that only Atalaia writes; an extra of such a name is kept as extra_<name>."""

RECORD_ATTRIBUTES = frozenset((*RESERVED_ATTRS, "taskName"))
"""What the standard library keeps in a record; everything else there is an extra."""

_NOT_EXTRAS = RECORD_ATTRIBUTES | {"color_message"}  # Because uvicorn says its message again, in colours.
*_BEFORE, _LAST = vars(logging.LogRecord("", 0, "", 0, "", None, None))
_ARGUMENTS = PLAIN | TEXTUAL | {float}
_MICROS = 1_000_000


class Line(NamedTuple):
    """A line of JSON in two parts: its file's `pid` and `seq` go between them."""

    head: bytes
    tail: bytes


class JsonLines(MsgspecFormatter):
    """Formats records as lines of JSON; with a `redaction`, without secrets and personal data.

    `names` chooses what the core fields are called.
    """

    def __init__(self, redaction: Redaction | None = STANDARD, names: FieldNames = "default") -> None:
        super().__init__()
        self._preset = preset = PRESETS[names]
        constant = (preset.constant or ())[:1]
        reserved = frozenset((*CORE_FIELDS, *preset.core.values(), preset.place, *constant))
        self.encoding = Encoding(self._encoder.encode, redaction, reserved, _NOT_EXTRAS, preset.error)
        self.sites = CallSites(self._encoded_place)
        self._second = (0, b"")
        self.about = About(self.encoding, preset.core).of
        self._begin = f'{{"{self._name("timestamp")}":"%Y-%m-%dT%H:%M:%S.'
        self.named = lru_cache(maxsize=1_024)(self._encoded_name)
        self._placed = lru_cache(maxsize=4_096)(self._encoded_place)

    def line(self, record: logging.LogRecord, context: RequestContext | None = None) -> Line:
        """The line of a record, whatever it holds."""
        with guard("logs.format"):
            return self._line(record, context)
        opening = self._opening(record)
        return Line(opening + b'"[this record cannot be shown]"', b'"line":0}')

    def notice(
        self, level: int, logger: str, message: str, fields: dict[str, Any], place: bytes = b""
    ) -> Line:
        """A line that the logs tell of themselves, now."""
        opening = self.opening(time.time_ns() // 1_000, logging.getLevelName(level), logger)
        told = self.encoding.json(self.encoding.fields(fields))
        place = place or self._encoded_place("logs", "notice", 0)
        return Line(opening + self.encoding.message(message), b"%b,%b" % (place, told[1:]))

    def format(self, record: logging.LogRecord) -> str:
        """The line as text, for other handlers than ours; without context and `seq`."""
        line = self.line(record)
        return (b'%b,"pid":%d,%b' % (line.head, record.process or 0, line.tail)).decode()

    def direct(
        self, micros: int, naming: bytes, message: str, args: Any, extras: Mapping[str, Any],
        place: bytes, context: RequestContext | None,
    ) -> tuple[bytes, bytes] | None:  # fmt: skip
        """The line of a record, `micros` after 1970; None where it is not all plain, and line() must do it.

        `naming` is what named() gives for its level and logger, `place` what sites.place() gives.
        """
        about, bound = self.about(context)
        if bound:
            extras = {**bound, **extras}
        if args:
            for argument in args:
                if type(argument) not in _ARGUMENTS:
                    return None
            try:
                message = message % args
            except (TypeError, ValueError, OverflowError):
                return None
        plain = self.encoding.plain(message, extras)
        if plain is None:
            return None
        text, fields = plain
        begin, second = self._second
        if not 0 <= micros - begin < _MICROS:
            begin, second = self._begun(micros)
        head = b'%b%06dZ",%b%b%b' % (second, micros - begin, naming, text, about)
        return head, b"%b,%b" % (place, fields[1:]) if fields else place + b"}"

    def opening(self, micros: int, level: str, logger: str) -> bytes:
        """What a line begins with, up to its message."""
        begin, second = self._begun(micros)
        return b'%b%06dZ",%b' % (second, micros - begin, self.named(level, logger))

    def _opening(self, record: logging.LogRecord) -> bytes:
        level, name = name_of(record.levelname), name_of(record.name)
        return self.opening(round(record.created * _MICROS), level, name)

    def _begun(self, micros: int) -> tuple[int, bytes]:
        """The second of a moment: when it began, and its text."""
        begin = micros - micros % _MICROS
        second = self._second
        if begin == second[0]:
            return second
        text = datetime.fromtimestamp(begin // _MICROS, UTC).strftime(self._begin).encode()
        self._second = second = (begin, text)
        return second

    def plain(
        self, record: logging.LogRecord, naming: bytes, context: RequestContext | None
    ) -> tuple[bytes, bytes] | None:
        """The line of a record at less cost; None where it is not all plain, so that line() must do it."""
        message, args = record.msg, record.args
        if type(message) is not str or (args and type(args) is not tuple):
            return None
        if record.exc_info or record.stack_info:
            return None
        micros, place = round(record.created * _MICROS), self.place(record)
        return self.direct(micros, naming, message, args, extras_of(record), place, context)

    def place(self, record: logging.LogRecord) -> bytes:
        """Where the call of a record stands, as sites.place() would tell."""
        return self._placed(record.module, record.funcName, record.lineno)

    def _line(self, record: logging.LogRecord, context: RequestContext | None) -> Line:
        about, bound = self.about(context)
        opening = self._opening(record)
        fields, place = self._fields(record, {**bound, **extras_of(record)}), self.place(record)
        tail = place + (b"," + self.encoding.json(fields)[1:] if fields else b"}")
        return Line(opening + self._message(record) + about, tail)

    def _name(self, field: str) -> str:
        return self._preset.core.get(field, field)

    def _encoded_name(self, level: str, logger: str) -> bytes:
        fields = {self._name("level"): level, self._name("logger"): logger, self._name("message"): ""}
        if self._preset.constant:
            fields = dict((self._preset.constant, *fields.items()))
        return self.encoding.json(fields)[1 : -len('""}')]

    def _encoded_place(self, module: str, function: str, line: int) -> bytes:
        values = (module, function, line)
        fields = {self._name(name): value for name, value in zip(PLACE, values, strict=True)}
        return self.encoding.json({self._preset.place: fields} if self._preset.place else fields)[1:-1]

    def _message(self, record: logging.LogRecord) -> bytes:
        if isinstance(record.msg, dict) and not record.args:
            return b'""'
        text: str | None = record.msg if type(record.msg) is str and not record.args else None
        if text is None:
            with guard("logs.message"):
                text = record.getMessage()
        if text is None:
            text = f"{text_of(record.msg)} [arguments that do not fit: {text_of(record.args)}]"
        return self.encoding.message(text)

    def _fields(self, record: logging.LogRecord, extras: dict[Any, Any]) -> Mapping[Any, Any]:
        """What the caller said beside the message, then the exception and the stack."""
        if isinstance(record.msg, dict) and not record.args:
            extras = {**record.msg, **extras}  # Because python-json-logger takes such a dict for fields.
        fields = self.encoding.fields(extras) if extras else extras
        if record.exc_info and record.exc_info[1] is not None:
            fields[self._name("exception")] = self.encoding.exception(record.exc_info[1])
        if record.stack_info:
            fields[self._name("stack")] = self.encoding.redacted(cut(record.stack_info))
        return fields


def name_of(given: Any) -> str:
    """A name as the standard library means it, whatever a factory has put there."""
    return given if type(given) is str else text_of(given)


def extras_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller, a filter or a factory has put into a record."""
    found = record.__dict__
    # Because a record keeps the order in which its own attributes were set, and they come first.
    names = list(islice(found, len(_BEFORE), None))
    if not names or names[0] != _LAST:
        names = list(found)
    return {name: found[name] for name in names if name not in _NOT_EXTRAS}
