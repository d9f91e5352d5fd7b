"""Where the standard library hands its records to us: formatted once, written to the files they belong in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from ..core.guard import failures, guard
from .context import current
from .files import FileSink
from .format import JsonLines, Line
from .streams import files_for

RECORDED = "_atalaia_recorded"
"""The mark on an exception that is in the log already, so that a server's own record of it is left out."""

_NESTED = 3


class FilesHandler(logging.Handler):
    """Writes each record into the files that streams.py names; never raises."""

    def __init__(self, formatter: JsonLines, sinks: Mapping[str, FileSink]) -> None:
        super().__init__()
        self._lines = formatter
        self._sinks = sinks
        self._here = threading.local()

    def createLock(self) -> None:  # noqa: N802 because the standard library calls it so
        """Have no lock, because sinks have their own, and formatting needs none."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        if self.filters and not self.filter(record):
            return False
        # Because a __repr__ may log the very object that is being shown.
        depth = getattr(self._here, "depth", 0)
        if depth >= _NESTED:
            failures.add("logs.nested", RecursionError())
            return False
        self._here.depth = depth + 1
        try:
            with guard("logs.handle"):
                self.emit(record)
        finally:
            self._here.depth = depth
        return True

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and _is_recorded(record):
            return
        line = self._lines.line(record, current())
        for name in files_for(record.name, record.levelno):
            self._sinks[name].write(line.head, line.tail, record.levelno)

    def flush(self) -> None:
        for sink in self._sinks.values():
            sink.retry()

    def close(self) -> None:
        for sink in self._sinks.values():
            sink.close()
        super().close()


def drops_described(formatter: JsonLines) -> Callable[[Mapping[int, int]], Line]:
    """How a sink tells in its file what it had to drop: the record `logs.dropped`, with counts by level."""

    def described(counts: Mapping[int, int]) -> Line:
        by_level = {logging.getLevelName(level): count for level, count in sorted(counts.items())}
        record = logging.makeLogRecord(
            {
                "name": "atalaia.logs",
                "levelno": logging.WARNING,
                "levelname": "WARNING",
                "msg": "logs.dropped",
                "dropped": by_level,
                "count": sum(counts.values()),
            }
        )
        return formatter.line(record)

    return described


def _is_recorded(record: logging.LogRecord) -> bool:
    """Whether a server reports an exception that ProductionLogger.unhandled() has recorded already."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name.startswith("uvicorn") and getattr(error, RECORDED, False) is True
