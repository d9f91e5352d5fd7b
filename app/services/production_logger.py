"""Structured logs: the standard logging API in, JSON lines in six files out, read again from their end.

Needs a folder. Everything that this process logs, warns of or fails to catch passes through here; what
nobody caught and what had to be dropped are Signals too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from ..core.clock import Clock
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.measure import Measure, Sample
from ..core.signal import Category, Emit, Severity, Signal
from ..logs import context as contexts
from ..logs.context import RequestContext, bind, request_context
from ..logs.drainer import Drainer
from ..logs.exceptions import culprit, fingerprint, type_name
from ..logs.files import FileSink
from ..logs.format import JsonLines
from ..logs.handler import RECORDED, FilesHandler, drops_described
from ..logs.levels import LevelFile, Levels
from ..logs.presets import access_names
from ..logs.reading import Reading
from ..logs.redact import Redaction
from ..logs.rotation import Rotation, size_of
from ..logs.sampling import sampler_of
from ..logs.settings import LogSettings
from ..logs.streams import FILES
from ..logs.takeover import take_over
from ..logs.tidy import cut, text_of
from ..logs.timing import log_execution_time

__all__ = ["ProductionLogger", "RequestContext", "bind", "log_execution_time", "request_context"]


class ProductionLogger:
    """The logs of one process; any number of processes may write to the same folder."""

    def __init__(
        self, settings: LogSettings, folder: Path, clock: Clock, emit: Emit, zone: tzinfo = UTC
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._drainer = Drainer()
        self._redaction = Redaction(settings.redact_names, settings.redact_allowed)
        formatter = JsonLines(self._redaction if settings.redact else None, settings.field_names)
        self._access_names = access_names(settings.field_names)
        describe_drops = drops_described(formatter)
        self._sinks: dict[str, FileSink] = {}
        for name in FILES:
            path = folder / f"{name}.log"
            rotation = Rotation(
                path,
                settings.max_bytes,
                settings.keep_files,
                clock,
                keep_days=settings.keep_days,
                daily=settings.rotate_daily,
                zone=zone,
            )
            self._sinks[name] = FileSink(path, rotation, self._drainer, describe_drops, settings.spool_bytes)
        self.reading = Reading(folder, emit, lambda: self._drainer.flush(_FLUSH_SECONDS))
        self.levels = Levels(LevelFile(folder / ".levels.json", clock), clock, settings.level)
        self._sampler = sampler_of(settings)
        self._handler = FilesHandler(formatter, self._sinks, self._sampler)
        self._undo: ExitStack | None = None
        self._dropped = 0
        self._dropped_at = float("-inf")

    def start(self) -> None:
        """Take over this process's logging, warnings and uncaught exceptions."""
        if self._undo is None:
            for sink in self._sinks.values():
                sink.open()
            self._undo = take_over(self._handler, self._settings.level, self.unhandled)
            with guard("logs.levels"):
                self.levels.follow()

    def stop(self) -> None:
        """Give everything back as it was, and write what waits."""
        undo, self._undo = self._undo, None
        self.reading.close()
        if undo is not None:
            self.levels.stop()
            undo.close()
            self._handler.close()

    def retry(self) -> None:
        """Write what could not be written before, and tell of what was dropped; to be called each second."""
        self._handler.tell_left_out()
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
        write = _access.warning if status >= 500 else _access.info
        values = (method, route, path, status, round(duration_ms, 3), bytes, client)
        extra = dict(zip(self._access_names, values, strict=True))
        write("%s %s %d", method, route, status, extra=extra)
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
                    message=self._redaction.text(cut(text_of(error), 1_000)),
                    severity=Severity.HIGH,
                    category=Category.SYSTEM,
                    labels={"type": kind, "where": where, "culprit": self._redaction.text(culprit(error))},
                    expires_seconds=_EXPIRES_SECONDS,
                )
            )

    def security(self, event: str, **fields: Any) -> None:
        """Record an event in security.log: INFO when its name ends with _granted, else WARNING."""
        level = logging.INFO if event.endswith("_granted") else logging.WARNING
        with guard("logs.security"):
            _security.log(level, event, extra={"event": event, **fields}, stacklevel=2)

    def health(self) -> Health:
        """Degraded while a file cannot be written, and for 15 minutes after records were dropped.

        Details: how many lines wait, `dropped` ones in all and by file and level, and why lines are
        written without a ring where they are.
        """
        waiting = sum(sink.waiting for sink in self._sinks.values())
        details: dict[str, Any] = {"waiting": waiting, "dropped": self._dropped}
        for name, sink in self._sinks.items():
            if sink.dropped:
                by_level = {logging.getLevelName(level): count for level, count in sink.dropped.items()}
                details.setdefault("dropped_by_file", {})[name] = by_level
            if sink.direct:
                details["without_ring"] = sink.direct
        if self._undo is None:
            return Health(Level.DOWN, "logging has not been started", details)
        for sink in self._sinks.values():
            if sink.trouble:
                reason = f"{sink.path.name} cannot be written: {sink.trouble}; {waiting} lines wait"
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
            "Records that a process has logged where they outlive it.",
            [Sample(sink.written, {"file": name, "pid": pid}) for name, sink in sinks],
        )
        yield Measure(
            "atalaia_log_records_sampled",
            "counter",
            "Records that a process left out because LOG_SAMPLE_FIRST asks for it.",
            [Sample(self._sampler.left_out if self._sampler else 0, {"pid": pid})],
        )
        yield Measure(
            "atalaia_log_records_dropped",
            "counter",
            "Records that a process dropped because a log file could not be written.",
            [
                Sample(count, {"file": name, "level": logging.getLevelName(level).lower(), "pid": pid})
                for name, sink in sinks
                for level, count in (dict.fromkeys(_LEVELS, 0) | sink.dropped).items()
            ],
        )
        yield Measure(
            "atalaia_log_waiting_bytes",
            "gauge",
            "Lines that wait in the spool of a process until they are in the log file.",
            [Sample(sink.waiting_bytes, {"file": name, "pid": pid}) for name, sink in sinks],
        )
        yield Measure(
            "atalaia_log_file_bytes",
            "gauge",
            "Size of a log file, without its archives.",
            [Sample(size_of(sink.path), {"file": name}) for name, sink in sinks],
        )


_EXPIRES_SECONDS = 900.0
_FLUSH_SECONDS = 0.05
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_access = logging.getLogger("atalaia.access")
_unhandled = logging.getLogger("atalaia.unhandled")
_security = logging.getLogger("security")


def _dropped_signal(count: int) -> Signal:
    return Signal(
        source="logs",
        key="logs_dropped",
        code="logs_dropped",
        title="Log records were dropped",
        message=f"{count} log records found no room while a log file could not be written.",
        severity=Severity.HIGH,
        category=Category.SYSTEM,
        value=float(count),
        expires_seconds=_EXPIRES_SECONDS,
    )
