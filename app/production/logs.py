"""/production/logs: the newest records, those that come, the errors in groups, and the levels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request

from ..logs.levels import EXPIRES_SECONDS
from ..services.production_logger import ProductionLogger
from .answers import Document
from .bodies import Body, body_of
from .events import EventStream
from .gate import decision_of
from .offload import Offload
from .routing import word_router


class NewLevel(Body):
    """A level for a logger, until it expires; none takes it back."""

    logger: str
    level: str | None = None
    expires_seconds: float = EXPIRES_SECONDS


def router(page: ProductionLogger, offload: Offload) -> APIRouter:
    """The routes of the word `logs`."""
    routes = word_router("logs")
    _reading(routes, page, offload)
    _following(routes, page, offload)
    _levels(routes, page, offload)
    return routes


def _reading(routes: APIRouter, page: ProductionLogger, offload: Offload) -> None:
    @routes.get("/recent")
    async def recent(
        type: str = "app",
        limit: int = 100,
        level: str | None = None,
        q: str | None = None,
        request_id: str | None = None,
        user_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
    ) -> Document:
        asked = {"level": level, "q": q, "request_id": request_id, "user_id": user_id}
        times = {"since": since, "until": until}
        return Document(
            await offload(page.reading.recent, type=type, cursor=cursor, limit=limit, **asked, **times)
        )

    @routes.get("/errors")
    async def errors(limit: int = 100, since: str | None = None, q: str | None = None) -> Document:
        return Document(await offload(page.reading.errors, limit=limit, since=since, q=q))


def _following(routes: APIRouter, page: ProductionLogger, offload: Offload) -> None:
    @routes.get("/stream")
    async def stream(
        type: str = "app",
        last: int = 10,
        level: str | None = None,
        q: str | None = None,
        request_id: str | None = None,
        user_id: str | None = None,
        after: str | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> EventStream:
        asked = {"level": level, "q": q, "request_id": request_id, "user_id": user_id}
        events = await offload(
            page.reading.follow, type=type, last=last, after=last_event_id or after, **asked
        )
        return EventStream(events, offload)


def _levels(routes: APIRouter, page: ProductionLogger, offload: Offload) -> None:
    @routes.get("/level")
    async def levels() -> Document:
        return Document(await offload(page.levels.listed))

    @routes.post("/level")
    async def change(request: Request) -> Document:
        new = await body_of(request, NewLevel)
        return Document(await offload(page.levels.change, **dict(new), by=_operator(request)))

    @routes.delete("/level")
    async def take_back(request: Request, logger: str) -> Document:
        return Document(await offload(page.levels.change, logger, None, by=_operator(request)))


def _operator(request: Request) -> str:
    """Who it was, as the access control knows them."""
    decision = decision_of(request.scope)
    return decision.identity if decision else "operator"
