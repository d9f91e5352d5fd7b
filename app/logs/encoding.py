"""Messages and fields as JSON that is safe to show, at little cost where they are plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any
from uuid import UUID

from .exceptions import described
from .redact import Redaction
from .tidy import LONGEST_TEXT, cut, tidy

Encode = Callable[[Any], bytes]

PLAIN = frozenset((str, int, bool, type(None)))
"""Types whose values the encoder takes as they are; with finite floats."""

TEXTUAL = frozenset((UUID, Decimal, datetime, date, time, timedelta))
"""Types that are shown as the text which str() makes of them."""

_NUMBERS = PLAIN | {float}
_LEVELS, _FEW_ITEMS = 3, 20
_MOST_FIELDS = 100
_MOST_SHAPES, _MOST_LETTERS = 1_024, 1_000
_LONGEST = 262_144
# Because terminals obey C1 codes and DEL, marks of direction reorder what people read, and some
# programs take U+2028 for the end of a line.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_UNSAFE_UTF8 = re.compile(
    rb"[\x7f\xc2\xd8\xe2\xef](?:(?<=\x7f)|(?<=\xc2)[\x80-\x9f]|(?<=\xd8)\x9c"
    rb"|(?<=\xe2)(?:\x80[\x8e\x8f\xa8-\xae]|\x81[\xa6-\xa9])|(?<=\xef)\xbb\xbf)"
)


class Encoding:
    """Turns messages and fields into JSON, without secrets where there is a `redaction`.

    `reserved` are the names of fields that no extra may have, `taken` those that a record of the standard
    library uses itself. `error` are other names for the parts of an exception, whose stack trace is then
    one text.
    """

    def __init__(
        self,
        encode: Encode,
        redaction: Redaction | None,
        reserved: frozenset[str],
        taken: frozenset[str],
        error: Mapping[str, str],
    ) -> None:
        self._encode = encode
        self._redaction = redaction
        self._reserved = reserved
        self._error = error
        self._is_suspect = redaction.shapes.is_suspect_json if redaction else _nothing
        self._taken = reserved | taken
        self._as_fields: dict[tuple[Any, ...], bool] = {}
        self._as_keys: dict[tuple[Any, ...], bool] = {}
        self.frame = lru_cache(maxsize=4_096)(self.redacted)

    def plain(self, message: str, fields: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
        """JSON of a message and of fields where both can be shown as they are, else None."""
        encode = self._encode
        try:
            text = both = encode(message)
            inner = b""
            if fields:
                names = tuple(fields)
                harmless = self._as_fields.get(names)
                if not (self._learn(self._as_fields, names) if harmless is None else harmless):
                    return None
                if not _NUMBERS.issuperset(map(type, fields.values())):
                    fields = {name: self._simple(value, _LEVELS) for name, value in fields.items()}
                inner = encode(fields)
                # Because the encoder writes null for what is no number.
                if inner.find(b"null") >= 0 and not _are_numbers(fields.values()):
                    return None
                both = text + inner
        except (ValueError, TypeError, OverflowError):
            return None
        if len(both) > LONGEST_TEXT or ((127 in both or not both.isascii()) and _UNSAFE_UTF8.search(both)):
            return None
        return None if self._is_suspect(both.decode()) else (text, inner)

    def _simple(self, value: Any, levels: int) -> Any:
        """A value that can be encoded as it is, or as its text; TypeError where it asks for care."""
        kind = type(value)
        if kind in PLAIN or (kind is float and isfinite(value)):
            return value
        if kind in TEXTUAL:
            return str(value)
        if levels and kind is list and len(value) <= _FEW_ITEMS:
            return [item if type(item) in PLAIN else self._simple(item, levels - 1) for item in value]
        if levels and kind is dict and len(value) <= _FEW_ITEMS:
            names = tuple(value)
            if self._as_keys.get(names) or self._learn(self._as_keys, names):
                return {name: self._simple(inner, levels - 1) for name, inner in value.items()}
        raise TypeError(kind)

    def _learn(self, known: dict[tuple[Any, ...], bool], names: tuple[Any, ...]) -> bool:
        """Whether values of these names may be written as they are, whatever texts and numbers they are."""
        # Because what is remembered must not grow with what somebody sends.
        if any(type(name) is not str for name in names) or sum(map(len, names)) > _MOST_LETTERS:
            return False
        if len(known) >= _MOST_SHAPES:
            known.clear()
        harmless = all(map(self._is_harmless, names))
        if known is self._as_fields:
            harmless = harmless and self._taken.isdisjoint(names)
        known[names] = harmless
        return harmless

    def _is_harmless(self, name: str) -> bool:
        if tidy({name: 0}) != {name: 0}:
            return False
        return self._redaction is None or self._redaction.value({name: "x"}) == {name: "x"}

    def message(self, text: str) -> bytes:
        """JSON of any message."""
        return self.json(self.redacted(cut(text)))

    def fields(self, extras: Mapping[Any, Any]) -> dict[Any, Any]:
        """Any extras as values that can be encoded, under names of their own."""
        renamed = self._renamed(extras)
        plain: dict[Any, Any] = dict(renamed) if _are_tidy(renamed) else tidy(renamed)
        return plain if self._redaction is None else self._redaction.value(plain)

    def exception(self, error: BaseException) -> dict[str, Any]:
        """The document of an exception."""
        document = described(error, self.redacted, self.frame)
        return _named(document, self._error) if self._error else document

    def safe(self, value: Any) -> bytes:
        """JSON of any value, redacted."""
        plain = tidy(value)
        return self.json(plain if self._redaction is None else self._redaction.value(plain))

    def redacted(self, text: str) -> str:
        return text if self._redaction is None else self._redaction.text(text)

    def json(self, value: Any) -> bytes:
        """JSON of one line that is safe to show; by the fast way if it can be."""
        try:
            text = self._encode(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            text = self._encode(tidy(value))
        if len(text) > _LONGEST:
            text = self._encode(tidy(value))
        return text if text.isascii() and b"\x7f" not in text else _escaped(text)

    def _renamed(self, extras: Mapping[Any, Any]) -> Mapping[Any, Any]:
        if self._reserved.isdisjoint(extras):
            return extras
        result: dict[Any, Any] = {}
        for name, value in extras.items():
            while name in self._reserved or name in result:
                name = f"extra_{name}"  # noqa: PLW2901 because it is the same name, out of the way
            result[name] = value
        return result


def _nothing(_text: str) -> bool:
    return False


def _are_numbers(values: Any) -> bool:
    """Whether all are plain, with numbers that JSON knows."""
    return _NUMBERS.issuperset(map(type, values)) and all(
        isfinite(value) for value in values if type(value) is float
    )


def _are_tidy(fields: Mapping[Any, Any]) -> bool:
    """Whether there is nothing to shorten and nothing to show otherwise."""
    return (
        len(fields) <= _MOST_FIELDS
        and all(type(name) is str for name in fields)
        and _are_numbers(fields.values())
        and all(len(value) <= LONGEST_TEXT for value in fields.values() if type(value) is str)
    )


def _named(document: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The document of an exception, its causes and members, under a preset's names."""
    result: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("cause", "context"):
            value = _named(value, names)  # noqa: PLW2901 because it is the same value, renamed
        elif name == "exceptions":
            value = [_named(member, names) for member in value]  # noqa: PLW2901
        elif name == "stacktrace":
            value = "\n".join(value)  # noqa: PLW2901
        result[names.get(name, name)] = value
    return result


def _escaped(text: bytes) -> bytes:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text.decode()).encode()
