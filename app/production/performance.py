"""GET /production/performance/*: how the machine, the requests and what they need are doing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ..services.performance_monitor import PerformanceMonitor
from .answers import Document
from .offload import Offload
from .routing import word_router


def router(page: PerformanceMonitor, offload: Offload) -> APIRouter:
    """The routes of the word `performance`."""
    routes = word_router("performance")

    @routes.get("/current")
    async def current() -> Document:
        return Document(await offload(page.current))

    @routes.get("/summary")
    async def summary(hours: Annotated[float, Query(gt=0, allow_inf_nan=False)] = 24) -> Document:
        return Document(await offload(page.summary, hours))

    return routes
