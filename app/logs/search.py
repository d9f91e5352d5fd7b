"""The newest records of a log file that match a query, read from the end and never whole files."""

from __future__ import annotations

import gzip
import io
import logging
import re
import zlib
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ..core.clock import parse_rfc3339, rfc3339
from ..core.errors import InputRejected
from .archives import archives
from .tail import lines_backwards, opened, uncut

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MOST_RECORDS = 1_000
_MOST_BYTES = 512 << 20
_STAMP = slice(len(b'{"timestamp":"'), len(b'{"timestamp":"2026-11-23T02:00:00.000000Z'))
# Because processes and threads write side by side, lines that are near each other may be out of order.
_OUT_OF_ORDER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; each condition that is given must hold.

    `level` is the lowest one, `q` stands anywhere in the line in either case, `since` is aware.
    """

    limit: int = 100
    level: str | None = None
    q: str | None = None
    request_id: str | None = None
    since: datetime | None = None


@dataclass(slots=True)
class Found:
    """What was found, newest first.

    `skipped` counts lines that are torn or not JSON; `complete` is False when reading was given up
    before enough was found.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    complete: bool = True


def query(
    limit: int = 100,
    level: str | None = None,
    q: str | None = None,
    request_id: str | None = None,
    since: str | None = None,
) -> Query:
    """A Query from what a caller sent; `since` is RFC 3339; InputRejected when something is not valid."""
    if not 1 <= limit <= _MOST_RECORDS:
        raise InputRejected(f"limit is {limit}", f"Choose a limit from 1 to {_MOST_RECORDS}.")
    if level is not None and level.upper() not in _LEVELS:
        raise InputRejected(f"there is no level {level!r}", f"Choose one of {', '.join(_LEVELS)}.")
    try:
        begin = parse_rfc3339(since) if since else None
    except ValueError:
        hint = "Write it like 2026-11-23T02:00:00Z, with Z or an offset."
        raise InputRejected(f"since is no RFC 3339 time: {since!r}", hint) from None
    return Query(limit, level.upper() if level else None, q, request_id, begin)


def search(live: Path, query: Query) -> Found:
    """The newest matching records of a log file and its archives, read from the end in blocks."""
    search = _Search(query)
    try:
        with io.FileIO(live) as file, uncut(file.fileno()):
            older = archives(live)
            search.backwards(lines_backwards(file.fileno()))
    except FileNotFoundError:
        older = archives(live)
    for archive in reversed(older):
        if search.is_done:
            break
        with suppress(FileNotFoundError), opened(archive) as old:
            if isinstance(old, gzip.GzipFile):
                search.forwards(old)
            else:
                search.backwards(lines_backwards(old.fileno()))
    return search.found


class _Search:
    def __init__(self, query: Query) -> None:
        self.found = Found()
        self._query = query
        self._read_bytes = 0
        self._past_since = False
        self._levels = _levels_from(query.level) if query.level else frozenset()
        self._level = re.compile(b'"level":"(?:%b)"' % "|".join(map(re.escape, self._levels)).encode())
        self._request = b'"request_id":' + msgspec.json.encode(query.request_id)
        self._q = (query.q or "").lower()
        self._since = rfc3339(query.since).encode() if query.since else b""
        self._long_before = rfc3339(query.since - _OUT_OF_ORDER).encode() if query.since else b""

    @property
    def is_done(self) -> bool:
        self.found.complete = self._read_bytes < _MOST_BYTES
        return len(self.found.records) >= self._query.limit or self._past_since or not self.found.complete

    def backwards(self, lines: Iterable[bytes]) -> None:
        """Take from lines that come newest first."""
        for line in lines:
            if self.is_done:
                return
            record = self._matching(line)
            if record is not None:
                self.found.records.append(record)

    def forwards(self, lines: Iterable[bytes]) -> None:
        """Take from lines that can only be read oldest first."""
        newest: deque[dict[str, Any]] = deque(maxlen=self._query.limit - len(self.found.records))
        try:
            newest.extend(record for line in lines if (record := self._matching(line)) is not None)
        except (OSError, EOFError, zlib.error):
            self.found.skipped += 1
        self.found.records.extend(reversed(newest))

    def _matching(self, line: bytes) -> dict[str, Any] | None:
        self._read_bytes += len(line)
        if not self._may_match(line):
            return None
        try:
            record = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.found.skipped += bool(line.strip())
            return None
        return record if self._does_match(record) else None

    def _may_match(self, line: bytes) -> bool:
        """What can be seen without decoding the line."""
        if line[_STAMP] < self._since and line.startswith(b'{"timestamp":"'):
            self._past_since = self._past_since or line[_STAMP] < self._long_before
            return False
        if self._query.request_id and self._request not in line:
            return False
        if self._levels and not self._level.search(line):
            return False
        return not self._q or self._q in line.decode("utf-8", "replace").lower()

    def _does_match(self, record: dict[str, Any]) -> bool:
        if self._levels and record.get("level") not in self._levels:
            return False
        return not self._query.request_id or record.get("request_id") == self._query.request_id


def _levels_from(lowest: str) -> frozenset[str]:
    numbers = logging.getLevelNamesMapping()
    return frozenset(name for name, number in numbers.items() if number >= numbers[lowest])
