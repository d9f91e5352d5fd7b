"""Exceptions as bounded documents, without the values of local variables, and what makes two alike."""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any

from .tidy import cut, text_of

Redact = Callable[[str], str]

_FRAMES = 50
_OUTER_FRAMES = 15
_CAUSES = 5
_MEMBERS = 5
_MESSAGE = 4_096
_OF_OTHERS = (*{sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}, "<frozen ")
_INSTALLED = ("/site-packages/", "/dist-packages/")


def described(
    error: BaseException, text: Redact = str, frame: Redact = str, depth: int = _CAUSES
) -> dict[str, Any]:
    """The document of an exception: `type`, `message` and `stacktrace`.

    The stacktrace has texts "file:line function", outermost first. Where there are any: `notes`,
    `cause` or `context`, and the `exceptions` of a group. `text` and `frame` redact.
    """
    document: dict[str, Any] = {
        "type": type_name(error),
        "message": text(cut(text_of(error), _MESSAGE)),
        "stacktrace": list(map(frame, _stack(error.__traceback__))),
    }
    if notes := getattr(error, "__notes__", None):
        document["notes"] = text(cut(text_of(notes), _MESSAGE))
    if depth > 0:
        document.update(_origin(error, text, frame, depth - 1))
    if depth > 0 and isinstance(error, BaseExceptionGroup):
        members = error.exceptions[:_MEMBERS]
        document["exceptions"] = [described(member, text, frame, depth - 2) for member in members]
    return document


def type_name(error: BaseException) -> str:
    """The full name of the type; built-in ones without their module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def culprit(error: BaseException) -> str:
    """Where the application's own code was when it failed, as "folder/file:line function"; "" for nowhere."""
    return culprit_in(_stack(error.__traceback__))


def culprit_in(stacktrace: Sequence[str]) -> str:
    """The same of frames as `described` has them: the innermost that no package brought, else of all."""
    innermost_first = [frame for frame in reversed(stacktrace) if ":" in frame and frame[0] != "["]
    own = (frame for frame in innermost_first if not _is_of_others(frame))
    place = next(own, next(iter(innermost_first), ""))
    return "/".join(place.split("/")[-2:])


def fingerprint(error: BaseException) -> str:
    """16 hex digits that are the same for errors of one type from one path through the code.

    Line numbers and folders do not count, so that a release or another machine changes nothing.
    """
    frames = [
        f"{PurePath(code.co_filename).name} {code.co_qualname}"
        for code in (step.tb_frame.f_code for step in _steps(error.__traceback__))
    ]
    return digest_of(type_name(error), frames)


def digest_of(kind: str, frames: Sequence[str]) -> str:
    """The fingerprint of a type and of frames as "file function"."""
    return hashlib.sha256("\n".join((kind, *frames)).encode("utf-8", "replace")).hexdigest()[:16]


def _is_of_others(frame: str) -> bool:
    return frame.startswith(_OF_OTHERS) or any(folder in frame for folder in _INSTALLED)


def _origin(error: BaseException, text: Redact, frame: Redact, depth: int) -> dict[str, Any]:
    if error.__cause__ is not None:
        return {"cause": described(error.__cause__, text, frame, depth)}
    if error.__context__ is not None and not error.__suppress_context__:
        return {"context": described(error.__context__, text, frame, depth)}
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
