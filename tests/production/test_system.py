"""GET /production/system/status is how the whole is, with a reason for whatever is not well."""

from __future__ import annotations

from app.core.health import Health, Level
from tests.production.served import Tower


def test_all_is_well(tower: Tower) -> None:
    """Version, workers, leader, uptime and the components."""
    tower.clock.advance(seconds=90)
    assert tower.ask("GET", "/production/system/status").json() == {
        "status": "ok",
        "reasons": [],
        "components": {"database": {"status": "ok", "reason": ""}},
        "version": "1.2.3",
        "workers": [{"pid": 7, "started_at": "2026-11-23T12:00:00Z"}],
        "leader": 7,
        "started_at": "2026-11-23T12:00:00.000000Z",
        "uptime_seconds": 90.0,
    }


def test_the_status_is_that_of_the_worst_component(tower: Tower) -> None:
    """With the reason of each that is not well; the answer itself is a success."""
    tower.components = {
        "logs": Health(reason="nothing to say"),
        "backup": Health(Level.DEGRADED, "overdue"),
        "database": Health(Level.DOWN, "refused", {"latency_ms": None}),
    }
    answer = tower.ask("GET", "/production/system/status")
    assert (answer.status_code, answer.json()["status"]) == (200, "down")
    assert answer.json()["reasons"] == ["backup: overdue", "database: refused"]
    assert answer.json()["components"]["database"] == {
        "status": "down",
        "reason": "refused",
        "latency_ms": None,
    }
