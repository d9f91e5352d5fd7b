"""Numbers, sizes, spans and money as people of a language read them; a missing one is a dash."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from math import isfinite

from .words import Words

MISSING = "—"

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_EXCHANGED = str.maketrans(",.", ".,")


def number(value: float | None, words: Words, digits: int = 0) -> str:
    """1234.5 as 1,234.5 or 1.234,5."""
    if value is None or not isfinite(value):
        return MISSING
    return _local(f"{value:,.{digits}f}", words)


def percent(value: float | None, words: Words, digits: int = 1) -> str:
    """12.34 as 12.3 %."""
    shown = number(value, words, digits)
    return shown if shown == MISSING else f"{shown} %"


def milliseconds(value: float | None, words: Words) -> str:
    """From a second on in seconds."""
    if value is None:
        return MISSING
    return f"{number(value / 1000, words, 2)} s" if value >= 1000 else f"{number(value, words)} ms"


def size(count: float | None, words: Words) -> str:
    """Bytes, to three digits at most before the unit."""
    if count is None:
        return MISSING
    rest, unit = float(count), 0
    while rest >= 1000 and unit < len(_UNITS) - 1:
        rest, unit = rest / 1000, unit + 1
    return f"{number(rest, words, 1 if unit else 0)} {_UNITS[unit]}"


def money(amount: str, currency: str, words: Words) -> str:
    """An exact amount; nothing is rounded."""
    return f"{currency} {_local(f'{Decimal(amount):,}', words)}"


def span(length: timedelta) -> str:
    """The two largest units: 3 d 4 h, 5 min, 12 s."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    parts = []
    for unit, name in _SPANS:
        count, seconds = divmod(seconds, unit)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2])


def _local(english: str, words: Words) -> str:
    return english.translate(_EXCHANGED) if words.decimal_comma else english
