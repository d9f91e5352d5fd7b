"""For probes: live says that this worker answers, ready that it may be sent requests; no details."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from .answers import PREFIX, Document
from .routing import Reading

PATH = "/health"
"""Where load balancers look; the same as /production/health/ready."""

Readiness = Callable[[], bool]
"""Whether this worker is ready; answered at once, because it is asked in the event loop."""


def router(is_ready: Readiness) -> APIRouter:
    """The routes of health; none of them needs a thread."""
    routes = APIRouter(route_class=Reading)

    @routes.get(f"{PREFIX}/health/live")
    async def live() -> Document:
        return Document({"status": "ok"})

    @routes.get(f"{PREFIX}/health/ready")
    @routes.get(PATH)
    async def ready() -> Document:
        if is_ready():
            return Document({"status": "ok"})
        return Document({"status": "down"}, status_code=503, headers={"retry-after": "5"})

    return routes
