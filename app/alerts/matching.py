"""Which alerts are meant: fields and the texts that they have to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeAlias

from ..core.errors import InputRejected
from ..core.signal import Severity, Signal
from .model import Alert

Matchers: TypeAlias = Mapping[str, str | Sequence[str]]
"""Field → a text in which * and ? stand for others, or several of which one has to fit.

A field is one of FIELDS or labels.<name>. A severity with a plus (HIGH+) means that and worse.
"""

FIELDS = ("severity", "category", "source", "key", "code", "title", "fingerprint")


def matches(matchers: Matchers, alert: Alert | Signal) -> bool:
    """Whether every matcher fits the alert; a signal has every field but the fingerprint."""
    return all(_fits(alert, name, wanted) for name, wanted in matchers.items())


def check_matchers(matchers: Matchers, what: str = "a silence") -> None:
    """InputRejected when a matcher names nothing that an alert has, or when there is none."""
    if not matchers:
        raise InputRejected(f"{what} needs a matcher", 'Everything is matched by {"severity": "*"}.')
    for name in matchers:
        if name not in FIELDS and not name.startswith("labels."):
            near = get_close_matches(name, FIELDS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(FIELDS)} or labels.<name>."
            raise InputRejected(f"there is no field {name!r} to match", hint)


def field_of(alert: Alert | Signal, name: str) -> str:
    """The text of a field, "" for a label that the alert does not have."""
    if name.startswith("labels."):
        return alert.labels.get(name.removeprefix("labels."), "")
    return str(getattr(alert, name))


def _fits(alert: Alert | Signal, name: str, wanted: str | Sequence[str]) -> bool:
    patterns = (wanted,) if isinstance(wanted, str) else wanted
    if name == "severity":
        return any(_is_severe(alert.severity, pattern.upper()) for pattern in patterns)
    shown = field_of(alert, name)
    if name == "category":
        patterns = [pattern.upper() for pattern in patterns]
    return any(_is_like(shown, pattern) for pattern in patterns)


def _is_like(text: str, pattern: str) -> bool:
    # Because "[prod] oven" is a title, and to fnmatch a set of letters.
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _is_severe(severity: Severity, pattern: str) -> bool:
    least = pattern.removesuffix("+")
    if least != pattern and least in Severity.__members__:
        return severity.rank >= Severity[least].rank
    return fnmatchcase(severity, pattern)
