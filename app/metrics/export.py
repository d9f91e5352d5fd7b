"""The events of a period out of the journals, as CSV or JSON lines, without holding them in memory."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ..core.journal import files_of, read_new
from .calendar import Period
from .model import Event

FORMATS = ("csv", "jsonl")
COLUMNS = (*Event.__struct_fields__, "counted")
_NUMBERS = frozenset({"value", "amount"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Line = tuple[Event, bytes]
_decode = msgspec.json.Decoder(Event).decode
_encode_tags = msgspec.json.Encoder(order="sorted").encode


def exported(
    folder: Path, period: Period, form: str, counts: Callable[[Sequence[Line]], list[bool]]
) -> Iterator[bytes]:
    """The events that happened in the period, in blocks, file by file in the order they were recorded.

    `counts` says which of them count; of several with one key, only one does.
    """
    render = _csv if form == "csv" else _jsonl
    if form == "csv":
        yield ",".join(COLUMNS).encode() + b"\r\n"
    for lines in _lines(folder, period):
        if lines:
            yield render(zip((event for event, _ in lines), counts(lines), strict=True))


def _lines(folder: Path, period: Period) -> Iterator[list[Line]]:
    # Because an event is at most a day ahead of the day of its file, earlier files cannot hold it.
    first = (period.start - timedelta(days=2)).date()
    passed = {path.name: sys.maxsize for path in files_of(folder) if date_of(path) < first}
    for chunk in read_new(folder, passed):
        yield [(event, line) for line in chunk.lines if (event := _event(line)) and _within(event, period)]


def date_of(path: Path) -> date:
    """The UTC day that a journal file was written on; the last day there is for other names."""
    try:
        return date.fromisoformat(path.name[:10])
    except ValueError:
        return date.max


def _event(line: bytes) -> Event | None:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeError):
        return None  # Because the fold has put it into quarantine, where it is seen.


def _within(event: Event, period: Period) -> bool:
    return period.start <= event.at < period.end


def _jsonl(events: Iterable[tuple[Event, bool]]) -> bytes:
    return b"".join(
        msgspec.json.encode({**msgspec.to_builtins(event), "counted": counted}) + b"\n"
        for event, counted in events
    )


def _csv(events: Iterable[tuple[Event, bool]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(_cells(event, counted) for event, counted in events)
    return text.getvalue().encode()


def _cells(event: Event, counted: bool) -> list[Any]:
    fields = msgspec.to_builtins(event)
    fields["tags"] = _encode_tags(event.tags).decode() if event.tags else ""
    fields["counted"] = "true" if counted else "false"
    return [_cell(column, fields.get(column, "")) for column in COLUMNS]


def _cell(column: str, content: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if column not in _NUMBERS and str(content).startswith(_FORMULA):
        return f"'{content}"
    return content
