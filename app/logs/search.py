"""The newest records of a log that match a query, read from the end and never more than is needed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..core.errors import InputRejected
from .generations import (
    Generation,
    Place,
    Source,
    found_again,
    generations,
    head_of,
    newest_number,
    place_of,
)
from .matching import Matcher, Query
from .packed import Block

READ_BYTES = 256 << 20
"""How much one search reads, in plain bytes, before it gives up and answers where to go on."""

_NEAR_BYTES = 1 << 20
_MARGIN = timedelta(minutes=1)


@dataclass(slots=True)
class Found:
    """What was found, newest first.

    `skipped` counts lines that are torn or not JSON, and parts of damaged archives; `complete` is False
    when reading was given up before enough was found. `cursor` is where to go on, None at the end;
    `places` are the ends of the records' lines.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    skipped: int = 0
    complete: bool = True
    cursor: str | None = None


def search(
    live: Path, query: Query, before: Place | str | None = None, *, read_bytes: int = READ_BYTES
) -> Found:
    """The newest matching records of a log file and its archives that stand before a cursor or place.

    InputRejected for a cursor that no answer about this log has given.
    """
    search = _Search(live, query, read_bytes)
    search.run(_place_of(before, live) if isinstance(before, str) else before)
    return search.found


def pages(live: Path, query: Query) -> Iterator[Found]:
    """Everything that matches, in answers of at most `limit` records, newest first."""
    cursor: str | None = None
    while True:
        found = search(live, query, cursor)
        yield found
        if (cursor := found.cursor) is None:
            return


class _Rotated(Exception):
    """The live file was cut; it had been read down to `end`."""

    def __init__(self, end: int | None) -> None:
        super().__init__(end)
        self.end = end


class _Search:
    def __init__(self, live: Path, query: Query, read_bytes: int) -> None:
        self.found = Found()
        self._live = live
        self._query = query
        self._matcher = Matcher(query)
        self._left_bytes = read_bytes
        self._is_done = False
        self._heads: dict[int, str] = {}

    def run(self, begin: Place | None) -> None:
        """Read from a place (or the end) backwards, generation by generation."""
        number, end = self._begin(begin)
        known = {one.number: one for one in generations(self._live)}
        for generation in sorted(known.values(), key=lambda one: -one.number):
            if generation.number > number:
                continue
            if self._is_too_old(generation):
                break
            with suppress(FileNotFoundError):  # Because so old a one may have been removed meanwhile.
                self._read(generation, end if generation.number == number else None)
            if self._is_done:
                break
        self.found.skipped += self._matcher.torn

    def _begin(self, begin: Place | None) -> tuple[int, int | None]:
        newest = newest_number(self._live)
        if begin is None:
            return newest, None
        if generation := found_again(self._live, begin):
            return generation.number, begin.offset
        # Because what comes before a file that is gone can still be there, unless all was made anew.
        return (begin.number - 1 if begin.number <= newest else 0), None

    def _is_too_old(self, generation: Generation) -> bool:
        if generation.archive is None or self._query.since is None:
            return False
        return generation.archive.stamp < f"{self._query.since - _MARGIN:%Y%m%dT%H%M%SZ}"

    def _read(self, generation: Generation, end: int | None) -> None:
        """Read a file backwards; when it is cut meanwhile, go on in the archive that it has become."""
        try:
            self._read_file(generation, end)
        except _Rotated as rotated:
            for archive in generations(self._live)[:-1]:
                if archive.number == generation.number:
                    self._read_file(archive, rotated.end)

    def _read_file(self, generation: Generation, end: int | None) -> None:
        with generation.opened() as source:
            begin = self._last_of(source) if end is None else end
            self._see_whether_cut(generation, end)
            for block in source.backwards(min(begin, source.size)):
                self._see_whether_cut(generation, end)
                self._take(generation, block)
                if self._is_done:
                    break
                end = block.start + block.first
            else:
                self._see_whether_cut(generation, end)  # Because nothing is read of what was emptied before.
            self.found.skipped += source.damaged

    def _see_whether_cut(self, generation: Generation, end: int | None) -> None:
        if generation.archive is None and newest_number(self._live) > generation.number:
            raise _Rotated(end)

    def _last_of(self, source: Source) -> int:
        """Where to begin: at the end, or not far behind what `until` leaves out."""
        low, high = 0, source.size
        while self._query.until and high - low > _NEAR_BYTES:
            middle = (low + high) // 2
            block = next(source.forwards(middle), Block(middle, b""))
            if self._matcher.is_ahead(block.data.partition(b"\n")[2].partition(b"\n")[0]):
                high = middle
            else:
                low = middle
        return high if high == source.size else _line_end(source, high)

    def _take(self, generation: Generation, block: Block) -> None:
        begin, data, first = block
        for start, end in self._matcher.newest_first(data, first):
            record = self._matcher.record(data[start:end])
            if record is not None:
                self.found.records.append(record)
                self.found.places.append(self._place(generation, begin + end + 1))
                if len(self.found.records) >= self._query.limit:
                    self._stop(generation, begin + start)
                    return
        self._left_bytes -= len(data)
        if self._matcher.is_past(data[first : data.find(b"\n", first) + 1]):
            self._is_done = True
        elif self._left_bytes <= 0:
            self.found.complete = False
            self._stop(generation, begin + first)

    def _stop(self, generation: Generation, offset: int) -> None:
        self._is_done = True
        self.found.cursor = _cursor(self._live, self._place(generation, offset))

    def _place(self, generation: Generation, offset: int) -> Place:
        if generation.number not in self._heads:
            self._heads[generation.number] = head_of(generation)
        return Place(generation.number, offset, self._heads[generation.number])


def _line_end(source: Source, offset: int) -> int:
    for block in source.forwards(offset):
        if (end := block.data.find(b"\n")) >= 0:
            return block.start + end + 1
    return source.size


def _cursor(live: Path, place: Place) -> str:
    return base64.urlsafe_b64encode(f"{live.stem} {place}".encode()).decode().rstrip("=")


def _place_of(cursor: str, live: Path) -> Place:
    hint = "Send the cursor of an answer unchanged, with the same type."
    try:
        name, _, place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
    except (binascii.Error, ValueError):
        raise InputRejected("the cursor is none of ours", hint) from None
    if name != live.stem:
        raise InputRejected(f"the cursor is not one of {live.stem}", hint)
    return place_of(place)
