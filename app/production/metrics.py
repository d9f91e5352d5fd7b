"""/production/metrics: what the business did, what others tell of it, and everything as OpenMetrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from ..core.errors import InputRejected
from ..core.measure import Measure
from ..services.business_metrics import BusinessMetrics
from .answers import Document
from .bodies import LARGE_BYTES, body, decoded
from .offload import Offload
from .openmetrics import exposition
from .routing import word_router

_From = Annotated[str | None, Query(alias="from")]

_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def router(page: BusinessMetrics, offload: Offload, measures: Callable[[], Iterable[Measure]]) -> APIRouter:
    """The routes of the word `metrics`; `measures` gives those of every page."""
    routes = word_router("metrics")

    @routes.get("")
    async def everything(accept: Annotated[str, Header()] = "") -> Response:
        text, media_type = await offload(lambda: exposition(measures(), accept))
        return Response(text, headers={"content-type": media_type})

    @routes.get("/business")
    async def business(
        period: str = "day", from_: _From = None, to: str | None = None, tz: str | None = None
    ) -> Document:
        return Document(await offload(page.dashboard, period=period, from_=from_, to=to, tz=tz))

    @routes.post("/events")
    async def events(request: Request) -> Document:
        return Document(await offload(_accepted, page, await body(request, LARGE_BYTES)))

    @routes.get("/export")
    async def export(
        format: Literal["csv", "jsonl"] = "csv",
        period: str = "day",
        from_: _From = None,
        to: str | None = None,
        tz: str | None = None,
    ) -> Response:
        parts = await offload(page.export, format=format, period=period, from_=from_, to=to, tz=tz)
        return StreamingResponse(
            await offload.begun(parts),
            media_type=_MEDIA_TYPES[format],
            headers={"content-disposition": f'attachment; filename="business_metrics.{format}"'},
        )

    return routes


def _accepted(page: BusinessMetrics, raw: bytes) -> dict[str, Any]:
    events = decoded(raw)
    if isinstance(events, dict):
        events = [events]
    if not isinstance(events, list):
        raise InputRejected("the body is no event and no list of events", "Send {...} or [{...}, ...].")
    return page.accept(events)
