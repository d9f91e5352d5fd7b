"""Exceptions as bounded documents, without the values of local variables, and what makes two alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType
from typing import Any

from .tidy import cut, text_of

_FRAMES = 50
_OUTER_FRAMES = 15
_CAUSES = 5
_MEMBERS = 5
_MESSAGE = 4_096


def described(error: BaseException, depth: int = _CAUSES) -> dict[str, Any]:
    """The document of an exception: `type`, `message` and `stacktrace`.

    The stacktrace has texts "file:line function", outermost first. Where there are any: `notes`,
    `cause` or `context`, and the `exceptions` of a group.
    """
    document: dict[str, Any] = {
        "type": type_name(error),
        "message": cut(text_of(error), _MESSAGE),
        "stacktrace": _stack(error.__traceback__),
    }
    if notes := getattr(error, "__notes__", None):
        document["notes"] = cut(text_of(notes), _MESSAGE)
    if depth > 0:
        document.update(_origin(error, depth - 1))
    if depth > 0 and isinstance(error, BaseExceptionGroup):
        document["exceptions"] = [described(member, depth - 2) for member in error.exceptions[:_MEMBERS]]
    return document


def type_name(error: BaseException) -> str:
    """The full name of the type; built-in ones without their module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def fingerprint(error: BaseException) -> str:
    """16 hex digits that are the same for errors of one type from one path through the code.

    Line numbers and folders do not count, so that a release or another machine changes nothing.
    """
    frames = [
        f"{PurePath(code.co_filename).name} {code.co_qualname}"
        for code in (step.tb_frame.f_code for step in _steps(error.__traceback__))
    ]
    return hashlib.sha256("\n".join((type_name(error), *frames)).encode()).hexdigest()[:16]


def _origin(error: BaseException, depth: int) -> dict[str, Any]:
    if error.__cause__ is not None:
        return {"cause": described(error.__cause__, depth)}
    if error.__context__ is not None and not error.__suppress_context__:
        return {"context": described(error.__context__, depth)}
    return {}


def _stack(trace: TracebackType | None) -> list[str]:
    steps = list(_steps(trace))
    if len(steps) <= _FRAMES:
        return [_frame(step) for step in steps]
    missing = len(steps) - _FRAMES
    return [
        *map(_frame, steps[:_OUTER_FRAMES]),
        f"[cut: {missing} more frames]",
        *map(_frame, steps[_OUTER_FRAMES + missing :]),
    ]


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _frame(step: TracebackType) -> str:
    code = step.tb_frame.f_code
    return f"{code.co_filename}:{step.tb_lineno} {code.co_qualname}"
