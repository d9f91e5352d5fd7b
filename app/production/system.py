"""GET /production/system/status: how the tower and everything it watches is, in one document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from ..core.clock import rfc3339
from ..core.health import Health, Level, worst
from ..core.workers import Worker
from .answers import Document
from .offload import Offload
from .routing import word_router


@dataclass(frozen=True, slots=True)
class SystemView:
    """What is known of this host's workers, given by the wiring.

    workers: those alive. leader: the process id of the one that schedules, None while there is none.
    components: the health of each page, of what they watch, and of the host's own checks, by name.
    """

    version: str
    started_at: datetime
    now: Callable[[], datetime]
    workers: Callable[[], Sequence[Worker]]
    leader: Callable[[], int | None]
    components: Callable[[], Mapping[str, Health]]


def status(view: SystemView) -> dict[str, Any]:
    """The document: `status` is the worst of the components', `reasons` those which are not ok."""
    components = view.components()
    return {
        "status": worst(health.level for health in components.values()).value,
        "reasons": [
            f"{name}: {health.reason}" for name, health in components.items() if health.level is not Level.OK
        ],
        "components": {name: health.document() for name, health in components.items()},
        "version": view.version,
        "workers": [asdict(worker) for worker in view.workers()],
        "leader": view.leader(),
        "started_at": rfc3339(view.started_at),
        "uptime_seconds": round((view.now() - view.started_at).total_seconds(), 3),
    }


def router(view: SystemView, offload: Offload) -> APIRouter:
    """The routes of /production/system."""
    routes = word_router("system")

    @routes.get("/status")
    async def system_status() -> Document:
        return Document(await offload(status, view))

    return routes
