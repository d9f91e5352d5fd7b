"""Which records of errors.log are the same error: one type from one path through the code, or one wording."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import msgspec

from .exceptions import culprit_in, digest_of

_FRAME = re.compile(r"(?P<file>.*):\d+ (?P<function>\S+)")
_VARIABLE = re.compile(
    r"""(?P<text>'[^']{0,200}'|"[^"]{0,200}")"""
    r"|(?P<id>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b)"
    r"|(?P<number>\d+(?:[.,:]\d+)*)",
    re.IGNORECASE,
)
_LONGEST_MESSAGE = 300
_LONGEST_EXAMPLE = 16_384
_SHOWN_FRAMES = 20


@dataclass(slots=True)
class Group:
    """Alike errors; times are RFC 3339, `example` is the newest record as it is in the file.

    `message` has a mark in place of what differs, where it is the message that makes them alike.
    """

    fingerprint: str
    type: str
    logger: str
    message: str
    level: str
    first_seen: str
    last_seen: str
    count: int
    example: dict[str, Any]

    @property
    def culprit(self) -> str:
        """Where in the application's own code the newest one was raised; "" where none was."""
        return culprit_in(_stack(self.example))

    def merge(self, later: Group) -> None:
        """Take in what came later."""
        self.count += later.count
        self.level = max(self.level, later.level, key=_rank)
        self.first_seen = min(self.first_seen, later.first_seen)
        if later.last_seen >= self.last_seen:
            self.last_seen, self.example = later.last_seen, later.example


def group_of(record: Mapping[str, Any]) -> Group:
    """The group of one record, with a count of 1."""
    logger, message = str(record.get("logger", "")), str(record.get("message", ""))
    error = record.get("exception")
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    if not kind:
        message = template_of(message)
    at = str(record.get("timestamp", ""))
    return Group(
        fingerprint=_fingerprint(record, kind, logger, message),
        type=kind,
        logger=logger,
        message=message[:_LONGEST_MESSAGE],
        level=str(record.get("level", "")),
        first_seen=at,
        last_seen=at,
        count=1,
        example=_bounded(record),
    )


def grouped(records: Iterable[Mapping[str, Any]]) -> dict[str, Group]:
    """Records, oldest first, as groups by fingerprint."""
    found: dict[str, Group] = {}
    for record in records:
        group = group_of(record)
        if known := found.get(group.fingerprint):
            known.merge(group)
        else:
            found[group.fingerprint] = group
    return found


def template_of(message: str) -> str:
    """A message with marks in place of quoted texts, ids and numbers."""
    return _VARIABLE.sub(lambda match: f"<{match.lastgroup}>", message[: _LONGEST_MESSAGE * 4])


def _fingerprint(record: Mapping[str, Any], kind: str, logger: str, template: str) -> str:
    given = record.get("fingerprint")
    if isinstance(given, str) and re.fullmatch(r"[0-9a-f]{16}", given):
        return given
    if kind:
        return digest_of(kind, _frames(_stack(record)))
    return hashlib.sha256(f"{logger}\n{template}".encode("utf-8", "replace")).hexdigest()[:16]


def _stack(record: Mapping[str, Any]) -> Sequence[str]:
    """The frames of a record, which may be anybody's."""
    error = record.get("exception")
    stack = error.get("stacktrace") if isinstance(error, dict) else None
    return [line for line in stack if isinstance(line, str)] if isinstance(stack, list) else []


def _frames(stack: Sequence[str]) -> Sequence[str]:
    """File and function of each frame: without folders and line numbers, which a release changes."""
    found = map(_FRAME.fullmatch, stack)
    return [f"{PurePath(frame['file']).name} {frame['function']}" for frame in found if frame]


def _bounded(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record, or of a large one what says most, because thousands of examples are kept."""
    if len(msgspec.json.encode(record)) <= _LONGEST_EXAMPLE:
        return dict(record)
    core = (
        "timestamp",
        "level",
        "logger",
        "request_id",
        "user_id",
        "pid",
        "seq",
        "module",
        "function",
        "line",
    )
    short = {name: record[name] for name in core if name in record}
    short["message"] = str(record.get("message", ""))[:_LONGEST_MESSAGE]
    if isinstance(error := record.get("exception"), dict):
        stack = error.get("stacktrace")
        short["exception"] = {
            "type": error.get("type"),
            "message": str(error.get("message", ""))[:_LONGEST_MESSAGE],
            "stacktrace": stack[-_SHOWN_FRAMES:] if isinstance(stack, list) else [],
        }
    return short


def _rank(level: str) -> int:
    return logging.getLevelNamesMapping().get(level, 0)
