"""Which lines of a log are asked for: seen in the bytes first, and only then in the decoded record."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..core.clock import parse_rfc3339, rfc3339
from ..core.errors import InputRejected
from .presets import names_of, restored

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MOST_RECORDS = 1_000

_STAMP = re.compile(
    rb'"(?:%b)": ?"(\d{4}-\d\d-\d\dT[\d:.]{8,15}Z)"' % "|".join(names_of("timestamp")).encode()
)
_STAMP_BYTES = 400
_CASELESS = re.compile(rb"[^A-Za-z\x80-\xff]+")
_ENOUGH = 3
# Because processes and threads write side by side, lines that are near each other may be out of order.
_OUT_OF_ORDER = timedelta(minutes=1)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; each condition that is given must hold.

    `level` is the lowest one, `q` stands anywhere in the line in either case; `since` and `until` are
    aware, the first included and the second not.
    """

    limit: int = 100
    level: str | None = None
    q: str | None = None
    request_id: str | None = None
    user_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def query(
    *,
    limit: int = 100,
    level: str | None = None,
    q: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Query:
    """A Query from what a caller sent; times are RFC 3339; InputRejected when something is not valid."""
    if not 1 <= limit <= MOST_RECORDS:
        raise InputRejected(f"limit is {limit}", f"Choose a limit from 1 to {MOST_RECORDS}.")
    if level is not None and level.upper() not in LEVELS:
        raise InputRejected(f"there is no level {level!r}", f"Choose one of {', '.join(LEVELS)}.")
    begin, end = _moment("since", since), _moment("until", until)
    if begin and end and begin >= end:
        raise InputRejected("until is not after since", "Give the earlier time as since.")
    return Query(limit, level.upper() if level else None, q, request_id, user_id, begin, end)


class Matcher:
    """Decides on lines, one at a time or a block of them."""

    def __init__(self, query: Query) -> None:
        self.torn = 0
        """How many lines were no JSON objects."""
        self._levels = _levels_from(query.level) if query.level else frozenset()
        self._ids = {"request_id": query.request_id, "user_id": query.user_id}
        self._ids = {name: value for name, value in self._ids.items() if value}
        self._q = (query.q or "").lower()
        self._since, self._until = _text(query.since), _text(query.until)
        self._long_before = _text(query.since and query.since - _OUT_OF_ORDER)
        self._long_after = _text(query.until and query.until + _OUT_OF_ORDER)
        self._needles, self._folded = self._rarest()

    def newest_first(self, block: bytes, first: int = 0) -> Iterator[tuple[int, int]]:
        """Where the lines begin and end that may match, the last one first; `first` is where lines begin."""
        seen = block.lower() if self._folded else block
        at = {needle: seen.rfind(needle, first) for needle in self._needles}
        end = len(block)
        while end > first and (last := max(at.values())) >= 0:
            start = max(first, block.rfind(b"\n", first, min(last, end - 1)) + 1)
            found = block.find(b"\n", max(start, last), end)
            yield start, found if found >= 0 else end
            end = start
            at = {n: seen.rfind(n, first, end) if place >= start else place for n, place in at.items()}

    def record(self, line: bytes) -> dict[str, Any] | None:
        """The record of a line that matches, with our names for its fields; else None."""
        if not self._may_match(line):
            return None
        try:
            record = restored(_decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.torn += bool(line.strip())
            return None
        return record if self._does_match(record) else None

    def is_past(self, line: bytes) -> bool:
        """Whether the line is so old that no older one can match either."""
        return bool(self._long_before) and b"" < stamp_of(line) < self._long_before

    def is_ahead(self, line: bytes) -> bool:
        """Whether the line is so new that no newer one can match either."""
        return bool(self._long_after) and stamp_of(line) > self._long_after

    def _rarest(self) -> tuple[list[bytes], bool]:
        """What at least one of has to be in a line, and whether in lower case; the rarest condition's."""
        for name, value in self._ids.items():
            needle = msgspec.json.encode(value)
            return [needle if name == "request_id" else needle[1:-1]], False
        if self._q:
            text = self._q.encode("utf-8", "replace")
            caseless = max(_CASELESS.findall(text), key=len, default=b"")
            if len(caseless) >= _ENOUGH:
                return [caseless], False  # Because making a block lower-case costs five times the search.
            return [max(re.findall(rb"[\x00-\x7f]+", text), key=len, default=b"\n")], True
        return [b'"%b"' % level.encode() for level in sorted(self._levels)] or [b"\n"], False

    def _may_match(self, line: bytes) -> bool:
        stamp = stamp_of(line) if self._since or self._until else b""
        if stamp and (stamp < self._since or (self._until and stamp >= self._until)):
            return False
        return not self._q or self._q in line.decode("utf-8", "replace").lower()

    def _does_match(self, record: Mapping[str, Any]) -> bool:
        if self._levels and record.get("level") not in self._levels:
            return False
        return all(str(record.get(name)) == value for name, value in self._ids.items())


def stamp_of(line: bytes) -> bytes:
    """The time of a line in UTC, as it stands there; empty where it has none."""
    found = _STAMP.search(line, 0, _STAMP_BYTES)
    return found[1] if found else b""


def _levels_from(lowest: str) -> frozenset[str]:
    numbers = logging.getLevelNamesMapping()
    # Because WARN and FATAL are other words for levels that no record calls itself by.
    return frozenset(logging.getLevelName(number) for number in numbers.values() if number >= numbers[lowest])


def _text(moment: datetime | None) -> bytes:
    return rfc3339(moment).encode() if moment else b""


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return parse_rfc3339(text) if text else None
    except ValueError:
        hint = "Write it like 2026-11-23T02:00:00Z, with Z or an offset."
        raise InputRejected(f"{name} is no RFC 3339 time: {text!r}", hint) from None
