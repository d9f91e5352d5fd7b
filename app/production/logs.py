"""GET /production/logs/recent: the newest lines of a log file, filtered."""

from __future__ import annotations

from fastapi import APIRouter

from ..services.production_logger import ProductionLogger
from .answers import Document
from .offload import Offload
from .routing import word_router


def router(page: ProductionLogger, offload: Offload) -> APIRouter:
    """The routes of the word `logs`."""
    routes = word_router("logs")

    @routes.get("/recent")
    async def recent(
        type: str = "app",
        limit: int = 100,
        level: str | None = None,
        q: str | None = None,
        request_id: str | None = None,
        since: str | None = None,
    ) -> Document:
        records = await offload(
            page.recent, type=type, limit=limit, level=level, q=q, request_id=request_id, since=since
        )
        return Document(records)

    return routes
