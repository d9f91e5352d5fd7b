"""Whom a record is about, as JSON: the fields of its request, and the span that is under way."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .context import CONTEXT_FIELDS, Encoded, RequestContext
from .encoding import Encoding
from .spans import SpanIds, Spans

_IDS = frozenset(("request_id", "trace_id", "span_id"))  # Because an id that was changed finds nothing.
_TRACE = ("trace_id", "span_id")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class About:
    """Encodes a context once for all of its records; `names` are other names for its fields."""

    def __init__(self, encoding: Encoding, names: Mapping[str, str]) -> None:
        self._encoding = encoding
        self._names = {name: f',"{names.get(name, name)}":'.encode() for name in CONTEXT_FIELDS}
        self._spans = Spans()
        self._span: tuple[SpanIds | None, bytes] = (None, b"")

    def of(self, context: RequestContext | None) -> tuple[bytes, Mapping[str, Any]]:
        """JSON of the fields that tell whom a record is about, and the other fields of its context."""
        span = self._spans.current()
        if context is None:
            return (b"" if span is None else self._encoded_span(span)), _NOTHING
        if span is not None and context.trace_is_ours:
            context.trace_is_ours = False
            context.bind(trace_id=span.trace_id)
        encoded = context.encoded
        if encoded is None or encoded.fields is not context.fields:
            encoded = context.encoded = self._encoded_context(context.fields)
        return (encoded.about if span is None else encoded.who + self._encoded_span(span)), encoded.rest

    def _encoded_context(self, fields: Mapping[str, Any]) -> Encoded:
        """Encoded once for all records of a context."""
        who = trace = b""
        known = 0
        for name in CONTEXT_FIELDS:
            if name in fields:
                known += 1
                text = self._encoded_field(name, fields[name])
                if name in _TRACE:
                    trace += text
                else:
                    who += text
        rest = _NOTHING if known == len(fields) else _without_core(fields)
        return Encoded(fields, who + trace, who, rest)

    def _encoded_span(self, span: SpanIds) -> bytes:
        known, text = self._span
        if known is not span:
            text = b"".join(map(self._encoded_field, _TRACE, span))
            self._span = (span, text)
        return text

    def _encoded_field(self, name: str, value: Any) -> bytes:
        if value is None:
            return b""
        encoding = self._encoding
        text = encoding.json(value) if name in _IDS and type(value) is str else encoding.safe(value)
        return self._names[name] + text


def _without_core(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and name not in CONTEXT_FIELDS}
