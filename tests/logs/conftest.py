from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import SystemClock
from app.logs.drainer import Drainer
from app.logs.files import FileSink
from app.logs.format import JsonLines, Line
from app.logs.handler import FilesHandler
from app.logs.redact import STANDARD
from app.logs.ring import attached
from app.logs.rotation import Rotation
from app.logs.settings import LogSettings
from app.services.production_logger import ProductionLogger
from app.testing import FrozenClock, RecordingEmit, wait_until

LINE_BYTES = 200
MakeSink = Callable[..., FileSink]


@pytest.fixture
def page(tmp_path: Path, clock: FrozenClock, emit: RecordingEmit) -> Iterator[ProductionLogger]:
    """A started logs page that writes into tmp_path/logs."""
    page = ProductionLogger(LogSettings(level="DEBUG"), tmp_path / "logs", clock, emit)
    page.start()
    yield page
    page.stop()


@pytest.fixture
def make_sink(tmp_path: Path) -> Iterator[MakeSink]:
    """Makes sinks of tmp_path/logs/app.log; each is closed afterwards."""
    made: list[FileSink] = []

    def make(*, max_bytes: int = 1 << 30, keep_files: int = 100, spool_bytes: int = 1 << 20) -> FileSink:
        path = tmp_path / "logs" / "app.log"
        rotation = Rotation(path, max_bytes, keep_files, SystemClock())
        made.append(FileSink(path, rotation, Drainer(), drops, spool_bytes))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@contextmanager
def only_our_handler() -> Iterator[None]:
    """Without pytest's own handlers, which raise what a record's values raise."""
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers[:] = [handler for handler in before if isinstance(handler, FilesHandler)]
    try:
        yield
    finally:
        root.handlers[:] = before


def drops(counts: Mapping[int, int]) -> Line:
    """The line that tells of drops, by level number."""
    return Line(b'{"message":"logs.dropped"', b'"dropped":%b}' % json.dumps(Counter(counts)).encode())


def numbered(number: int, padding: int = 0) -> Line:
    """A line that says its number."""
    return Line(b'{"n":%d' % number, b'"padding":"%b"}' % (b"x" * padding))


def write_all(sink: FileSink, numbers: range, padding: int = 0, level: int = logging.INFO) -> None:
    """Write one line for each number."""
    for number in numbers:
        sink.write(*numbered(number, padding), level)


def write_out(sink: FileSink, numbers: range, padding: int = 0) -> None:
    """Write one line for each number, and wait until they are in the file."""
    write_all(sink, numbers, padding)
    assert sink.flush(10)


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a log file, each line strictly one JSON object; blank lines are no records.

    What has been put before, by whichever process, is waited for.
    """
    wait_until(lambda: not spooled(path), what=f"an empty spool of {path.name}")
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b"", "the last line has no end"
    return [json.loads(line, parse_constant=pytest.fail) for line in lines if line.strip()]


def spooled(path: Path) -> int:
    """How many bytes of a log file are still in rings."""
    rings = [attached(ring) for ring in (path.parent / ".spool").glob(f"{path.stem}.*.ring")]
    waiting = [ring.waiting_bytes for ring in rings if ring is not None]
    for ring in rings:
        if ring is not None:
            ring.abandon()
    return sum(waiting)


def numbers(sink: FileSink) -> list[int]:
    """The numbers of the lines in the file, in order."""
    return [record["n"] for record in records(sink.path) if "n" in record]


def formatted(record: logging.LogRecord, *, redact: bool = True) -> dict[str, Any]:
    """What the formatter makes of a record."""
    line = JsonLines(STANDARD if redact else None).line(record)
    return json.loads(line.head + b"," + line.tail, parse_constant=pytest.fail)  # type: ignore[no-any-return]
