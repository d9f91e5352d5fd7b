"""The worker process itself: memory, CPU, threads, open files, garbage collection."""

from __future__ import annotations

import gc
import os
import resource
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...core.clock import rfc3339
from ...core.guard import guard
from ...core.health import Level
from ..model import Reading

_STATUS = Path("/proc/self/status")
_OPEN_FILES = Path("/dev/fd")


class ProcessProbe:
    """Looks at the process it is called in; CPU is measured since the sample before."""

    name = "process"
    deadline_seconds = 1.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._began_at = rfc3339(datetime.now(UTC))
        self._baseline = (self._began, time.process_time())

    def sample(self) -> Reading:
        """pid, started_at, uptime_seconds, memory, cpu_percent of one core, threads, open files, gc."""
        with guard("performance.process"):
            return Reading(details=self._measure())
        return Reading(Level.DOWN, "the check itself failed")

    def _measure(self) -> dict[str, Any]:
        now, used = time.monotonic(), time.process_time()
        elapsed = max(now - self._baseline[0], 1e-3)
        percent = 100 * (used - self._baseline[1]) / elapsed
        self._baseline = (now, used)
        memory, threads = _memory_and_threads()
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return {
            "pid": os.getpid(),
            "started_at": self._began_at,
            "uptime_seconds": round(now - self._began, 1),
            "rss_bytes": memory,
            "cpu_percent": round(percent, 1),
            "cpu_seconds": round(used, 3),
            "threads": threads,
            "open_files": _open_files(),
            "open_files_limit": limit,
            "gc_collections": [generation["collections"] for generation in gc.get_stats()],
        }


def _open_files() -> int | None:
    try:
        return len(os.listdir(_OPEN_FILES)) - 1  # noqa: PTH208 because names are all that is counted
    except OSError:
        return None  # Because it takes a file to count files, and there may be none left.


def _memory_and_threads() -> tuple[int, int]:
    """Resident bytes and threads; outside Linux the most memory that was ever resident."""
    try:
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) * 1024, int(lines["Threads"])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most * (1 if sys.platform == "darwin" else 1024), threading.active_count()
