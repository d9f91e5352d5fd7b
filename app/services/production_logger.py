"""Structured logs: the standard logging API in, JSON lines in six files out, read again from their end.

Needs a folder. Everything that this process logs, warns of or fails to catch passes through here; what
nobody caught and what had to be dropped are Signals too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ..core.clock import Clock
from ..core.errors import InputRejected
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.measure import Measure, Sample
from ..core.signal import Category, Emit, Severity, Signal
from ..logs import context as contexts
from ..logs.context import RequestContext, bind, request_context
from ..logs.exceptions import fingerprint, type_name
from ..logs.files import FileSink, Room
from ..logs.format import JsonLines
from ..logs.handler import RECORDED, FilesHandler, drops_described
from ..logs.redact import redact_text
from ..logs.rotation import Rotation, size_of
from ..logs.search import query, search
from ..logs.settings import LogSettings
from ..logs.streams import FILES
from ..logs.takeover import take_over
from ..logs.tidy import cut, text_of
from ..logs.timing import log_execution_time

__all__ = ["ProductionLogger", "RequestContext", "bind", "log_execution_time", "request_context"]


class ProductionLogger:
    """The logs of one process; any number of processes may write to the same folder."""

    def __init__(self, settings: LogSettings, folder: Path, clock: Clock, emit: Emit) -> None:
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._room = Room()
        formatter = JsonLines(redact=settings.redact)
        describe_drops = drops_described(formatter)
        self._sinks: dict[str, FileSink] = {}
        for name in FILES:
            path = folder / f"{name}.log"
            rotation = Rotation(path, settings.max_bytes, settings.keep_files, clock)
            self._sinks[name] = FileSink(path, rotation, self._room, describe_drops)
        self._handler = FilesHandler(formatter, self._sinks)
        self._undo: ExitStack | None = None
        self._dropped = 0
        self._dropped_at = float("-inf")

    def start(self) -> None:
        """Take over this process's logging, warnings and uncaught exceptions."""
        if self._undo is None:
            for sink in self._sinks.values():
                sink.open()
            self._undo = take_over(self._handler, self._settings.level, self.unhandled)

    def stop(self) -> None:
        """Give everything back as it was, and write what waits."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo.close()
            self._handler.close()

    def retry(self) -> None:
        """Write what could not be written before, and tell of what was dropped; to be called each second."""
        for sink in self._sinks.values():
            sink.retry()
        dropped = sum(sum(sink.dropped.values()) for sink in self._sinks.values())
        if dropped > self._dropped:
            self._dropped_at = self._clock.monotonic()
            self._emit(_dropped_signal(dropped - self._dropped))
        self._dropped = dropped

    def begin_request(self, request_id: str | None, traceparent: str | None) -> RequestContext:
        """Give every record of a request the ids that came with it, or new ones in place of invalid ones."""
        return contexts.begin(request_id, traceparent)

    def end_request(
        self,
        context: RequestContext,
        *,
        method: str,
        route: str,
        path: str,
        status: int,
        duration_ms: float,
        bytes: int,
        client: str | None,
    ) -> None:
        """Write the one access line of a request into app.log; as a WARNING when the answer was a 5xx."""
        contexts.resume(context)
        level = logging.WARNING if status >= 500 else logging.INFO
        line = {"method": method, "route": route, "path": path, "status": status}
        rest = {"duration_ms": round(duration_ms, 3), "bytes": bytes, "client": client}
        _access.log(level, "%s %s %d", method, route, status, extra={**line, **rest})
        contexts.end(context)

    def unhandled(self, error: BaseException, *, where: str) -> None:
        """Record an exception that nobody caught in errors.log and app.log, and emit its Signal."""
        with guard("logs.unhandled"):
            key, kind = fingerprint(error), type_name(error)
            extra = {"where": where, "fingerprint": key}
            _unhandled.error("unhandled %s in %s", kind, where, exc_info=error, extra=extra)
            with suppress(AttributeError, TypeError):
                setattr(error, RECORDED, True)
            self._emit(
                Signal(
                    source="logs",
                    key=key,
                    code="unhandled_exception",
                    title=f"Unhandled {kind}",
                    message=redact_text(cut(text_of(error), 1_000)),
                    severity=Severity.HIGH,
                    category=Category.SYSTEM,
                    labels={"type": kind, "where": where},
                    expires_seconds=_EXPIRES_SECONDS,
                )
            )

    def security(self, event: str, **fields: Any) -> None:
        """Record an event in security.log: INFO when its name ends with _granted, else WARNING."""
        level = logging.INFO if event.endswith("_granted") else logging.WARNING
        with guard("logs.security"):
            _security.log(level, event, extra={"event": event, **fields}, stacklevel=2)

    def recent(
        self,
        *,
        type: str = "app",
        limit: int = 100,
        level: str | None = None,
        q: str | None = None,
        request_id: str | None = None,
        since: str | None = None,
    ) -> dict[str, Any]:
        """The newest records of one log that match, newest first; InputRejected for bad values."""
        if type not in self._sinks:
            raise InputRejected(f"there is no log {type!r}", f"Choose one of {', '.join(FILES)}.")
        found = search(self._sinks[type].path, query(limit, level, q, request_id, since))
        return {
            "type": type,
            "records": found.records,
            "limit": limit,
            "skipped": found.skipped,
            "complete": found.complete,
        }

    def health(self) -> Health:
        """Degraded while lines wait in memory, and for 15 minutes after some were dropped."""
        waiting = sum(sink.waiting for sink in self._sinks.values())
        details = {"waiting": waiting, "dropped": self._dropped}
        if self._undo is None:
            return Health(Level.DOWN, "logging has not been started", details)
        for sink in self._sinks.values():
            if sink.trouble:
                reason = f"{sink.path.name} cannot be written: {sink.trouble}; {waiting} lines wait in memory"
                return Health(Level.DEGRADED, reason, details)
        if self._clock.monotonic() - self._dropped_at < _EXPIRES_SECONDS:
            return Health(Level.DEGRADED, f"{self._dropped} log records were dropped", details)
        return Health(details=details)

    def measures(self) -> Iterable[Measure]:
        """What this process wrote, dropped and keeps waiting; how large the files are."""
        pid = str(os.getpid())
        sinks = self._sinks.items()
        yield Measure(
            "atalaia_log_records",
            "counter",
            "Records that a process has written to a log file.",
            [Sample(sink.written, {"file": name, "pid": pid}) for name, sink in sinks],
        )
        yield Measure(
            "atalaia_log_records_dropped",
            "counter",
            "Records that a process dropped because a log file could not be written.",
            [Sample(sum(sink.dropped.values()), {"file": name, "pid": pid}) for name, sink in sinks],
        )
        yield Measure(
            "atalaia_log_waiting_bytes",
            "gauge",
            "Lines that wait in the memory of a process for a log file that cannot be written.",
            [Sample(self._room.used_bytes, {"pid": pid})],
        )
        yield Measure(
            "atalaia_log_file_bytes",
            "gauge",
            "Size of a log file, without its archives.",
            [Sample(size_of(sink.path), {"file": name}) for name, sink in sinks],
        )


_EXPIRES_SECONDS = 900.0
_access = logging.getLogger("atalaia.access")
_unhandled = logging.getLogger("atalaia.unhandled")
_security = logging.getLogger("security")


def _dropped_signal(count: int) -> Signal:
    return Signal(
        source="logs",
        key="logs_dropped",
        code="logs_dropped",
        title="Log records were dropped",
        message=f"{count} log records found no room in memory while a log file could not be written.",
        severity=Severity.HIGH,
        category=Category.SYSTEM,
        value=float(count),
        expires_seconds=_EXPIRES_SECONDS,
    )
