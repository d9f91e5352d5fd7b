"""Where the standard library hands its records to us: formatted once, written to the files they belong in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from ..core.guard import failures, guard
from .context import current
from .files import FileSink
from .format import JsonLines, Line, name_of
from .sampling import Sampler
from .streams import files_for

RECORDED = "_atalaia_recorded"
"""The mark on an exception that is in the log already, so that a server's own record of it is left out."""

Route = tuple[bytes, Sequence[Callable[[bytes, bytes, int], None]]]

_NESTED = 3
_MOST_ROUTES = 4_096
_LEVEL_NAMES: dict[int, str] = logging._levelToName  # noqa: SLF001 because logging.getLevelName() costs thrice
_DIRECT = guard("logs.direct")  # Because a guard holds nothing of a call, one does for all.


class FilesHandler(logging.Handler):
    """Writes each record into the files that streams.py names; never raises."""

    def __init__(
        self, formatter: JsonLines, sinks: Mapping[str, FileSink], sampler: Sampler | None = None
    ) -> None:
        super().__init__()
        self._lines = formatter
        self._sinks = sinks
        self._sampler = sampler
        self._here = threading.local()
        self._routes: dict[tuple[str, int, str | None], Route] = {}

    def createLock(self) -> None:  # noqa: N802 because the standard library calls it so
        """Have no lock, because sinks have their own, and formatting needs none."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        if self.filters and not self.filter(record):
            return False
        written = False
        with _DIRECT:
            if self._sampler is not None and self._leaves_out(self._sampler, record):
                return True
            key = (record.name, record.levelno, record.levelname)
            naming, writes = self._routes.get(key) or self._route(*key)
            line = self._lines.plain(record, naming, current())
            if line is not None:
                written = True
                head, tail = line
                for write in writes:
                    write(head, tail, record.levelno)
        if not written:
            self._handle_with_care(record)
        return True

    def _handle_with_care(self, record: logging.LogRecord) -> None:
        # Because a __repr__ may log the very object that is being shown.
        depth = getattr(self._here, "depth", 0)
        if depth >= _NESTED:
            failures.add("logs.nested", RecursionError())
            return
        self._here.depth = depth + 1
        try:
            with guard("logs.handle"):
                self.emit(record)
        finally:
            self._here.depth = depth

    def write_direct(
        self, logger: str, level: int, message: str, args: Any, extra: dict[str, Any], frame: FrameType
    ) -> bool:
        """Write a record that nobody else can see without making it; False where its values ask for care."""
        written = False
        with _DIRECT:
            lines, key = self._lines, (logger, level, _LEVEL_NAMES.get(level))
            naming, writes = self._routes.get(key) or self._route(*key)
            micros, place = time.time_ns() // 1_000, lines.sites.place(frame)
            if self._sampler is not None and self._sampler.leaves_out(logger, level, place, micros, message):
                return True
            line = lines.direct(micros, naming, message, args, extra, place, current())
            if line is None:
                self._here.is_counted = self._sampler is not None
            else:
                written = True
                head, tail = line
                for write in writes:
                    write(head, tail, level)
        return written

    def tell_left_out(self) -> None:
        """Write for each call that was sampled the record `logs.sampled`: how many records are not here."""
        for left_out in self._sampler.take() if self._sampler else ():
            fields = {"left_out": left_out.count, "last": left_out.message}
            line = self._lines.notice(left_out.level, left_out.logger, "logs.sampled", fields, left_out.place)
            for file in files_for(left_out.logger, left_out.level):
                self._sinks[file].write(*line, left_out.level)

    def _leaves_out(self, sampler: Sampler, record: logging.LogRecord) -> bool:
        # Because write_direct() has let it through already.
        if getattr(self._here, "is_counted", False):
            self._here.is_counted = False
            return False
        place, micros = self._lines.place(record), round(record.created * 1_000_000)
        message = record.msg if type(record.msg) is str else ""
        return sampler.leaves_out(record.name, record.levelno, place, micros, message)

    def _route(self, logger: str, level: int, name: str | None) -> Route:
        """What a record of a logger and level is called, and who writes it."""
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        naming = self._lines.named(name or logging.getLevelName(level), logger)
        route: Route = (naming, [self._sinks[file].write for file in files_for(logger, level)])
        self._routes[logger, level, name] = route
        return route

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and _is_recorded(record):
            return
        line = self._lines.line(record, current())
        for file in files_for(name_of(record.name), record.levelno):
            self._sinks[file].write(*line, record.levelno)

    def flush(self) -> None:
        for sink in self._sinks.values():
            sink.retry()

    def close(self) -> None:
        self.tell_left_out()
        for sink in self._sinks.values():
            sink.close()
        super().close()


def drops_described(formatter: JsonLines) -> Callable[[Mapping[int, int]], Line]:
    """How a sink tells in its file what it had to drop: the record `logs.dropped`, with counts by level."""

    def described(counts: Mapping[int, int]) -> Line:
        by_level = {logging.getLevelName(level): count for level, count in sorted(counts.items())}
        fields = {"dropped": by_level, "count": sum(counts.values())}
        return formatter.notice(logging.WARNING, "atalaia.logs", "logs.dropped", fields)

    return described


def _is_recorded(record: logging.LogRecord) -> bool:
    """Whether a server reports an exception that ProductionLogger.unhandled() has recorded already."""
    error = record.exc_info[1] if record.exc_info else None
    return name_of(record.name).startswith("uvicorn") and getattr(error, RECORDED, False) is True
