"""What the leader sampled: kept in memory for its own judgement, and in the tables for all workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.clock import Clock
from ..core.health import Level
from .model import Kept, Reading, SlowQuery
from .store import PerformanceStore
from .vitals import Observed

EXTERNAL = "external:"


class Samples:
    """The latest reading of each probe, and the last few values of CPU and memory.

    Judged from memory, because a full disk is one of the things that must be said.
    """

    def __init__(self, store: PerformanceStore, clock: Clock, recent: int) -> None:
        self._store = store
        self._clock = clock
        self._latest: dict[str, Kept] = {}
        self._recent: deque[tuple[float, float]] = deque(maxlen=recent)

    def keep(self, readings: Mapping[str, Reading]) -> None:
        """Keep readings by the names of their probes; Unavailable when the disk refuses."""
        at = self._clock.now().timestamp()
        before = dict(self._latest)
        kept = {
            name: before.get(name, Kept(reading, at)).followed_by(reading, at)
            for name, reading in readings.items()
        }
        self._latest.update(kept)
        gauges: dict[str, float] = {}
        for name, reading in readings.items():
            gauges |= gauges_of(name, reading)
        if "cpu" in gauges:
            self._recent.append((gauges["cpu"], gauges["memory"]))
        slow = [one for reading in readings.values() for one in slow_statements(reading, at)]
        self._store.keep(kept, gauges, slow)

    def observed(self) -> Observed:
        """What is known from here; requests and workers are for others to add."""
        return observed_of(dict(self._latest), list(self._recent))


def observed_of(latest: Mapping[str, Kept], recent: Sequence[tuple[float, float]]) -> Observed:
    """What readings say; `recent` are CPU and memory, the newest last."""
    host = latest["host"].reading.details if "host" in latest else {}
    return Observed(
        cpu=[cpu for cpu, _ in recent],
        memory=[memory for _, memory in recent],
        disks=host.get("disk", {}).get("paths") or None,
        database=latest.get("database"),
        external={
            name.removeprefix(EXTERNAL): kept for name, kept in latest.items() if name.startswith(EXTERNAL)
        },
    )


def gauges_of(name: str, reading: Reading) -> dict[str, float]:
    """The values of one reading that have a history."""
    details = reading.details
    if name == "host":
        return _host(details) if details else {}
    if details.get("configured") is False:
        return {}
    found = {name: float(reading.level is not Level.DOWN)}
    if "latency_ms" in details:
        found[f"{name}:latency_ms"] = details["latency_ms"]
    if "connections" in details:
        found[f"{name}:connections"] = details["connections"]["used"]
    return found


def slow_statements(reading: Reading, at: float) -> list[SlowQuery]:
    """What the database saw running for long; a run that was seen before is not counted again."""
    running: Sequence[Mapping[str, Any]] = reading.details.get("running", ())
    return [SlowQuery(at, "server", run["statement"], "", run["seconds"], int(run["new"])) for run in running]


def _host(details: Mapping[str, Any]) -> dict[str, float]:
    disks = {f"disk:{disk['path']}": disk["percent"] for disk in details["disk"]["paths"]}
    return {
        "cpu": details["cpu"]["percent"],
        "memory": details["memory"]["percent"],
        "network_received": details["network"]["received_bytes_per_second"],
        "network_sent": details["network"]["sent_bytes_per_second"],
        **disks,
    }
