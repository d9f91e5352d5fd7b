"""Turns anything into a bounded tree of JSON values; never raises and never runs for long."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from enum import Enum
from itertools import islice
from math import isfinite
from typing import Any

from ..core.guard import guard

LONGEST_TEXT = 16_384
"""Characters of one text that are kept."""

_ALL_TEXT = 65_536
_NODES = 2_000
_ITEMS = 200
_DEPTH = 10
_LONGEST_KEY = 200
_SCALARS = (bool, int, float, str, bytes, bytearray, type(None))


def tidy(value: Any) -> Any:
    """None, bool, int, float, str, and lists, tuples and dicts of them, that say what `value` is.

    Bounded: texts of 16,384 characters and 65,536 in all, 200 items a container, 2,000 values in all,
    10 levels; each cut leaves a mark. Objects become the text that they give of themselves.
    """
    return _Tidier().tidied(value, 0)


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text, or its beginning and a mark that says how much is missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}[cut: {len(text) - longest} more characters]"


def text_of(value: Any) -> str:
    """What str() makes of a value, or a note where it raises."""
    with guard("logs.text_of"):
        return _clean(str(value))
    return f"<{type(value).__name__} that cannot be shown>"


class _Tidier:
    def __init__(self) -> None:
        self._nodes = _NODES
        self._text = _ALL_TEXT

    def tidied(self, value: Any, depth: int) -> Any:
        self._nodes -= 1
        # Because even asking an object for its class may raise.
        with guard("logs.tidy"):
            return self._scalar(value) if isinstance(value, _SCALARS) else self._tree(value, depth + 1)
        return f"<{type(value).__name__} that cannot be shown>"

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._shortened(_clean(value))
        if isinstance(value, (bytes, bytearray)):
            return self._shortened(bytes(value[:_ALL_TEXT]).decode("utf-8", "backslashreplace"))
        if isinstance(value, float):
            return float(value) if isfinite(value) else str(float(value))  # Because JSON has no NaN.
        return value if value is None or isinstance(value, bool) else _number(value)

    def _tree(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.tidied(value.value, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
        if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            name = f"{type(value).__name__}: " if isinstance(value, BaseException) else ""
            return self._shortened(name + text_of(value))
        if depth > _DEPTH or self._nodes <= 0:
            return f"[cut: {type(value).__name__}]"
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        items = self._items(value, depth)
        return tuple(items) if isinstance(value, tuple) else items

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in islice(mapping.items(), _ITEMS):
            name = cut(_clean(key) if isinstance(key, str) else text_of(key), _LONGEST_KEY)
            while name in result:
                name += "'"  # Because 1 and "1" are two keys here and one in JSON.
            result[name] = self.tidied(value, depth)
        if len(mapping) > _ITEMS:
            result["[cut]"] = f"{len(mapping) - _ITEMS} more"
        return result

    def _items(self, items: Collection[Any], depth: int) -> list[Any]:
        result = [self.tidied(item, depth) for item in islice(items, _ITEMS)]
        if len(items) > _ITEMS:
            result.append(f"[cut: {len(items) - _ITEMS} more]")
        return result

    def _shortened(self, text: str) -> str:
        text = cut(text, max(0, min(LONGEST_TEXT, self._text)))
        self._text -= len(text)
        return text


def _clean(text: str) -> str:
    """A plain str without lone surrogates, which UTF-8 cannot hold."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


def _number(value: int) -> int | str:
    if -(1 << 63) <= value < 1 << 64:
        return int(value)
    return str(int(value)) if value.bit_length() < 4_096 else f"[cut: integer of {value.bit_length()} bits]"
