"""Who a record is about: the request, user, session and trace that are under way here."""

from __future__ import annotations

import itertools
import os
import random
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

CONTEXT_FIELDS = ("request_id", "user_id", "session_id", "trace_id", "span_id")
"""The fields that have a place of their own in every record, in this order."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


class Encoded(NamedTuple):
    """What the formatter made of a context, and of which of its fields.

    `about` is the JSON of the fields with a place of their own, `who` the same without the trace;
    `rest` are the others.
    """

    fields: Mapping[str, Any]
    about: bytes
    who: bytes
    rest: Mapping[str, Any]


class RequestContext:
    """The fields that every record of one request carries; any thread or task of it may bind more."""

    __slots__ = ("encoded", "fields", "trace_is_ours")

    def __init__(self, fields: Mapping[str, Any], *, trace_is_ours: bool = False) -> None:
        self.fields: Mapping[str, Any] = dict(fields)
        self.trace_is_ours = trace_is_ours
        """Whether the trace was made here, so that the trace of the first span may take its place."""
        self.encoded: Encoded | None = None

    @property
    def request_id(self) -> str | None:
        return self.fields.get("request_id")

    @property
    def trace_id(self) -> str | None:
        return self.fields.get("trace_id")

    def bind(self, **fields: Any) -> None:
        """Add or replace fields; None takes one away."""
        # Because another thread may be reading the old ones, they are replaced and not changed.
        self.fields = {**self.fields, **fields}


_current: ContextVar[RequestContext | None] = ContextVar("atalaia_request_context", default=None)


current = _current.get
"""The context of the code that calls, None outside of any."""


def begin(request_id: str | None, traceparent: str | None) -> RequestContext:
    """Begin a request with the ids that came with it where they are valid, else with new ones.

    `traceparent` is W3C Trace Context's header; its parent id becomes `span_id`. Nothing is
    inherited, because servers let requests of one connection share their context.
    """
    fields = {"request_id": request_id if request_id and _REQUEST_ID.fullmatch(request_id) else _new_id()}
    trace = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if trace:
        fields["trace_id"], fields["span_id"] = trace.groups()
    else:
        fields["trace_id"] = f"{_random.getrandbits(128):032x}"
    context = RequestContext(fields, trace_is_ours=trace is None)
    _current.set(context)
    return context


def resume(context: RequestContext) -> None:
    """Go on with a request here, whatever has run here meanwhile."""
    _current.set(context)


def end(context: RequestContext) -> None:
    """End a request: what runs here afterwards is not part of it."""
    if _current.get() is context:
        _current.set(None)


@contextmanager
def request_context(**fields: Any) -> Iterator[RequestContext]:
    """Add fields to every record of the block; afterwards everything is as before."""
    outer = _current.get()
    context = RequestContext({**(outer.fields if outer else {}), **fields})
    _current.set(context)
    try:
        yield context
    finally:
        _current.set(outer)


def bind(**fields: Any) -> None:
    """Add fields to every further record of this request (or, outside of one, of this task or thread)."""
    context = _current.get()
    if context is None:
        _current.set(RequestContext(fields))
    else:
        context.bind(**fields)


class _Ids:
    """Ids that no other process makes: a random prefix a process, then a count."""

    def __init__(self) -> None:
        self._pid = 0
        self._prefix = ""
        self._count = itertools.count(1)

    def __call__(self) -> str:
        if self._pid != os.getpid():
            self._prefix = secrets.token_hex(5)
            self._pid = os.getpid()
        return f"{self._prefix}-{next(self._count):x}"


_new_id = _Ids()
# Because a trace id must be unique and need not be secret: asking the kernel each time costs more.
_random = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_random.seed)
