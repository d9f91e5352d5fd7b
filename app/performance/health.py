"""How the monitor itself is, and how the database and the external services are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..core.clock import rfc3339
from ..core.health import Health, Level
from .current import is_stale
from .model import Kept
from .settings import PerformanceSettings


def monitor_health(
    latest: Mapping[str, Kept], settings: PerformanceSettings, now: float, began_at: float
) -> Health:
    """DEGRADED when the host was not sampled lately, or only in part; young processes are given time."""
    host = latest.get("host")
    at = host.at if host else began_at
    if is_stale(at, now, settings.sample_seconds):
        return Health(Level.DEGRADED, f"the host was not sampled since {_moment(at)}")
    if host is None:
        return Health()
    details = {"sampled_at": _moment(host.at)}
    if host.reading.level is not Level.OK:
        return Health(Level.DEGRADED, host.reading.reason, details)
    return Health(details=details)


def component_health(
    latest: Mapping[str, Kept], settings: PerformanceSettings, now: float
) -> dict[str, Health]:
    """`database`, and `external.<name>` for each service; one that cannot be reached is DEGRADED."""
    found = {"database": _database(latest.get("database"), settings, now)}
    for name, kept in sorted(latest.items()):
        if name.startswith("external:"):
            service = f"external.{name.partition(':')[2]}"
            found[service] = _service(kept, settings, now)
    return found


def _database(kept: Kept | None, settings: PerformanceSettings, now: float) -> Health:
    if kept is None:
        return Health(Level.OK, "not looked at yet")
    if is_stale(kept.at, now, settings.database_interval_seconds):
        return Health(Level.DEGRADED, f"not looked at since {_moment(kept.at)}")
    return Health(kept.reading.level, kept.reading.reason, _told(kept, "latency_ms", "version"))


def _service(kept: Kept, settings: PerformanceSettings, now: float) -> Health:
    if is_stale(kept.at, now, settings.external_interval_seconds):
        return Health(Level.DEGRADED, f"not checked since {_moment(kept.at)}")
    level = Level.OK if kept.reading.level is Level.OK else Level.DEGRADED
    return Health(level, kept.reading.reason, _told(kept, "latency_ms", "http_status"))


def _told(kept: Kept, *names: str) -> dict[str, Any]:
    details = kept.reading.details
    return {name: details[name] for name in names if name in details} | {"sampled_at": _moment(kept.at)}


def _moment(at: float) -> str:
    return rfc3339(datetime.fromtimestamp(at, UTC))
