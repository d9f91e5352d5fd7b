"""Spans of time as Prometheus writes them: 90s, 5m, 1h30m, 10d."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:ms|[smhdw]))+")


def seconds_of(text: object) -> float:
    """Seconds of a text like 1h30m, or of a number of seconds; ValueError for anything else."""
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return float(text)
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is no duration (like 30s, 5m or 1h30m)")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def words_of(seconds: float) -> str:
    """The shortest text that seconds_of() reads as so many seconds: 5400.0 is 1h30m."""
    said, rest = "", round(seconds * 1000)
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, round(_UNITS[unit] * 1000))
        said += f"{count}{unit}" if count else ""
    return said or "0s"


Duration = Annotated[float, BeforeValidator(seconds_of)]
"""A field in seconds that a file may give as text."""
