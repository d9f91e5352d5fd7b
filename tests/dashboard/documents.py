"""Documents as the pages give them, for the tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.dashboard.english import ENGLISH
from app.dashboard.parts import Frame

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

HOSTILE = """<script>alert(1)</script>"><img src=x onerror='alert(2)'>&lt;{{7*7}}${jndi:x}"""


def frame(**changes: Any) -> Frame:
    """The frame of a page for an operator who reads English."""
    return Frame(**{"words": ENGLISH, "now": NOW, "base": "/production", "can_act": True, **changes})


def system(**changes: Any) -> dict[str, Any]:
    """GET /production/system/status"""
    return {
        "status": "ok",
        "reasons": [],
        "components": {},
        "version": "1.2.3",
        "workers": [{"pid": 7, "started_at": "2026-11-23T00:00:00Z"}],
        "leader": 7,
        "started_at": "2026-11-23T00:00:00Z",
        "uptime_seconds": 43_200.0,
        **changes,
    }


def alert(**changes: Any) -> dict[str, Any]:
    """One of GET /production/alerts/active"""
    return {
        "id": "a1",
        "title": "CPU is high",
        "code": "",
        "labels": {},
        "message": "91 % is over 80 %",
        "severity": "MEDIUM",
        "category": "SYSTEM",
        "state": "firing",
        "started_at": "2026-11-23T11:55:00Z",
        "acknowledged_by": "",
        "flapping_since": None,
        "held": [],
        **changes,
    }


def timing(**changes: Any) -> dict[str, Any]:
    """The requests of one route, or of all."""
    return {
        "count": 1200,
        "per_second": 4.0,
        "errors": 12,
        "error_rate_percent": 1.0,
        "p50_ms": 12.5,
        "p95_ms": 180.0,
        "p99_ms": 2400.0,
        "worst_ms": 3000.0,
        "level": "ok",
        **changes,
    }


def graded(level: str = "ok", warning: float = 80, critical: float = 95, **more: Any) -> dict[str, Any]:
    """A section with thresholds."""
    limits = {"warning": warning, "critical": critical, "unit": "%"}
    return {
        "level": level,
        "thresholds": limits,
        "sampled_at": "2026-11-23T11:59:58Z",
        "stale": False,
        **more,
    }


def performance(**changes: Any) -> dict[str, Any]:
    """GET /production/performance/current"""
    disk = {"path": "/", "percent": 70.0, "used_bytes": 70_000_000_000, "total_bytes": 100_000_000_000}
    return {
        "cpu": graded(percent=12.34),
        "memory": graded("warning", 85, percent=88.0, used_bytes=7_000_000_000, total_bytes=8_000_000_000),
        "disk": graded(warning=85, percent=70.0, paths=[disk]),
        "database": graded(connections={"used": 12, "max": 100, "percent": 12.0}, reason=""),
        "requests": {
            "window_seconds": 300,
            "in_flight": 2,
            **timing(),
            "by_route": [{"method": "GET", "route": "/orders/{id}", **timing()}],
        },
        "external": {"services": [service()]},
        **changes,
    }


def service(**changes: Any) -> dict[str, Any]:
    """One external service."""
    return {
        "name": "whatsapp",
        "level": "ok",
        "reason": "",
        "latency_ms": 120.0,
        "sampled_at": "2026-11-23T11:59:30Z",
        **changes,
    }


def business(**changes: Any) -> dict[str, Any]:
    """GET /production/metrics/business"""
    sections: dict[str, Any] = {
        "conversations": {"started": 40, "completed": 30},
        "leads": {"generated": 12, "qualified": 5},
        "bookings": {"requested": 6, "confirmed": 4},
        "revenue": {"BRL": {"gross": "12345.60", "refunds": "0.00", "net": "12345.60", "count": 4}},
    }
    return {**sections, "previous": sections, **changes}


def backup(**changes: Any) -> dict[str, Any]:
    """GET /production/backup/status"""
    good = {"sequence": 3, "started_at": "2026-11-23T05:00:00Z", "state": "checked", "size_bytes": 1_500_000}
    return {
        "configured": True,
        "last_good": good,
        "running": None,
        "failed": [],
        "next_due_at": "2026-11-24T05:00:00Z",
        **changes,
    }


def errors(message: str = "cannot pay") -> dict[str, Any]:
    """GET /production/logs/errors"""
    kind = {"type": "ValueError", "culprit": "shop/orders.py:21 pay", "logger": "app.orders", "count": 1_234}
    seen = {"first_seen": "2026-11-22T11:00:00.000000Z", "last_seen": "2026-11-23T11:55:00.000000Z"}
    return {"errors": [{**kind, **seen, "message": message}]}


def logs(*messages: str) -> dict[str, Any]:
    """GET /production/logs/recent"""
    fixed = {"timestamp": "2026-11-23T11:59:59.123456Z", "level": "INFO", "logger": "app.orders"}
    return {"records": [{**fixed, "message": message} for message in messages or ("paid",)]}


def everything() -> dict[str, Any]:
    """All documents of the page."""
    return {
        "system": system(),
        "alerts": {"alerts": [alert()], "total": 1},
        "performance": performance(),
        "business": business(),
        "backup": backup(),
        "own": {"Queue": {"waiting": 7}},
        "errors": errors(),
        "logs": logs(),
    }
