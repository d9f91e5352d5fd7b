"""What stands in the alerts journal: everything that was observed and everything that operators did."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from ..core.signal import Category, Condition, Severity, Signal

Redact: TypeAlias = Callable[[str], str]

_TITLE, _MESSAGE, _NAME, _LABEL, _LABELS = 500, 10_000, 200, 500, 32
# Control and direction characters and lone surrogates: they forge headers and lines, and UTF-8 has none.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


class Observed(msgspec.Struct, frozen=True, tag_field="fact", tag="observed", omit_defaults=True):
    """A signal, and when it came."""

    at: datetime
    fingerprint: str
    source: str
    key: str
    title: str
    severity: Severity
    category: Category
    condition: Condition = Condition.RAISED
    message: str = ""
    labels: dict[str, str] = {}
    code: str = ""
    value: float | None = None
    threshold: float | None = None
    expires_seconds: float | None = None


class Acknowledged(msgspec.Struct, frozen=True, tag_field="fact", tag="acknowledged"):
    """Somebody is on it."""

    at: datetime
    alert_id: str
    by: str
    reason: str


class Ended(msgspec.Struct, frozen=True, tag_field="fact", tag="ended"):
    """Somebody said that it is over."""

    at: datetime
    alert_id: str
    by: str
    reason: str


class Silenced(msgspec.Struct, frozen=True, tag_field="fact", tag="silenced"):
    """Somebody wants quiet."""

    at: datetime
    silence_id: str
    matchers: dict[str, str]
    ends_at: datetime
    by: str
    comment: str
    until_resolved: bool = False


class Unsilenced(msgspec.Struct, frozen=True, tag_field="fact", tag="unsilenced"):
    """Somebody ended a silence before its time."""

    at: datetime
    silence_id: str
    by: str


Fact: TypeAlias = Observed | Acknowledged | Ended | Silenced | Unsilenced

_decoder = msgspec.json.Decoder(Fact)


def decoded(line: bytes) -> Fact:
    """The fact of a journal line; msgspec.MsgspecError when it is none."""
    fact: Fact = _decoder.decode(line)
    return fact


def encoded(fact: Fact) -> Mapping[str, Any]:
    """The fact as the journal takes it."""
    found: Mapping[str, Any] = msgspec.to_builtins(fact)
    return found


def fingerprint(source: str, category: str, key: str) -> str:
    """16 hex digits that name a condition: never its value, message, time or severity."""
    identity = f"{source}\0{category}\0{key}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(identity).hexdigest()[:16]


def observed(signal: Signal, at: datetime, redact: Redact) -> Observed:
    """The signal as a fact: every text printable, free of secrets and bounded, whatever it was before."""
    return Observed(
        at=at,
        fingerprint=fingerprint(signal.source, signal.category, signal.key),
        source=printable(signal.source, _NAME),
        key=redact(printable(signal.key, _NAME)),
        title=redact(printable(signal.title, _TITLE)) or "(no title)",
        severity=signal.severity,
        category=signal.category,
        condition=signal.condition,
        message=redact(printable_lines(signal.message, _MESSAGE)),
        labels=_labels(signal.labels, redact),
        code=printable(signal.code, _NAME),
        value=_number(signal.value),
        threshold=_number(signal.threshold),
        expires_seconds=_number(signal.expires_seconds),
    )


def unchanged(text: str) -> str:
    """The Redact that takes nothing out."""
    return text


def printable(text: object, limit: int) -> str:
    """One line of at most `limit` characters without anything that a terminal or a header obeys."""
    return " ".join(printable_lines(text, 2 * limit).split())[:limit].strip()


def printable_lines(text: object, limit: int) -> str:
    """The same with its lines kept."""
    shown = str(text)[: 2 * limit]
    if not shown.isprintable():
        shown = _UNPRINTABLE.sub(" ", shown.replace("\r\n", "\n").replace("\r", "\n"))
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _labels(labels: Mapping[str, str], redact: Redact) -> dict[str, str]:
    named = list(labels.items())[:_LABELS]
    return {printable(name, _NAME): redact(printable(value, _LABEL)) for name, value in named}


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
