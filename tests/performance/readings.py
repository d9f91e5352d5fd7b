"""Values as the probes find them, for tests that need some and do not care which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.health import Level
from app.performance.latency import Latency
from app.performance.model import Kept, Reading, Worker


def latency_of(*seconds: float, failed: int = 0) -> Latency:
    """Some durations, the first `failed` of which failed."""
    latency = Latency()
    for number, duration in enumerate(seconds):
        latency.observe(duration, number < failed)
    return latency


def host_details(cpu: float = 10.0, memory: float = 20.0, disk: float = 30.0) -> dict[str, Any]:
    """What the host probe tells."""
    return {
        "cpu": {"percent": cpu, "cores": 2},
        "memory": {"percent": memory, "used_bytes": 2, "total_bytes": 10},
        "disk": {"paths": [{"path": "/", "percent": disk, "inodes_percent": 1.0}]},
        "network": {
            "received_bytes_per_second": 1,
            "sent_bytes_per_second": 2,
            "received_bytes": 100,
            "sent_bytes": 200,
        },
    }


def loop_reading(worst_ms: float = 1.0, **more: Any) -> dict[str, Any]:
    """What the event loop's meter tells."""
    calm = {"lag_ms_p95": 1.0, "blocked_now": False, "blocked_seconds": 0.0, "stalls": 0, "last_stall": None}
    return {"watched": True, "worst_ms": worst_ms, **calm, **more}


def worker(
    pid: int = 1, at: float = 0.0, loop: Mapping[str, Any] | None = None, in_flight: int = 0
) -> Worker:
    process = {"pid": pid, "rss_bytes": 1_000, "cpu_seconds": 2.0, "threads": 3, "uptime_seconds": 4.0}
    return Worker(pid, at, process, loop or loop_reading(), in_flight)


def answered(at: float = 0.0, **details: Any) -> Kept:
    return Kept(Reading(details=details), at)


def unanswered(failures: int, at: float = 0.0, **details: Any) -> Kept:
    return Kept(Reading(Level.DOWN, "connection refused", details), at, failures)
