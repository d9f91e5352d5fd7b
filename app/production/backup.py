"""/production/backup: the catalogue of backups, one of them, and a new one now."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import current_time
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ..services.backup_system import BackupSystem
from .answers import Document, base, done
from .follow import followed
from .offload import Offload
from .routing import word_router

_HOUR_SECONDS = 3_600
_SLICE_SECONDS = 1.0
_STATUS = {"running": 202, "failed": 503}


def router(page: BackupSystem, offload: Offload) -> APIRouter:
    """The routes of the word `backup`."""
    routes = word_router("backup")

    @routes.get("/status")
    async def status() -> Document:
        return Document(await offload(page.status))

    @routes.post("/manual")
    async def manual(
        request: Request,
        wait: bool = False,
        type_: Annotated[str, Query(alias="type")] = "",
        deadline_seconds: Annotated[float, Query(gt=0, le=24 * _HOUR_SECONDS)] = _HOUR_SECONDS,
    ) -> Response:
        backup = await offload(page.request, reason="manual", type_=type_)
        if wait:
            backup = await _ended(page, offload, backup, deadline_seconds)
        answer = done(request, backup, _STATUS.get(backup["state"], 200))
        answer.headers.setdefault("location", f"{base(request)}/backup/{backup['id']}")
        return answer

    @routes.post("/{backup_id}/drill")
    async def drill(
        request: Request,
        backup_id: str,
        wait: bool = False,
        deadline_seconds: Annotated[float, Query(gt=0, le=24 * _HOUR_SECONDS)] = _HOUR_SECONDS,
    ) -> Response:
        backup = await offload(page.drill, backup_id)
        if wait:
            backup = await _ended(page, offload, backup, deadline_seconds)
        return done(request, backup, _STATUS.get(backup["state"], 200))

    _care(routes, page, offload)

    @routes.get("/{backup_id}")
    async def one(backup_id: str) -> Document:
        return Document(await offload(page.get, backup_id))

    return routes


def _care(routes: APIRouter, page: BackupSystem, offload: Offload) -> None:
    """The routes that look before, while and after a backup is made."""

    @routes.get("/check")
    async def check() -> Document:
        return Document(await offload(page.check))

    @routes.get("/retention")
    async def retention() -> Document:
        return Document(await offload(page.retention))

    @routes.get("/progress")
    async def progress(request: Request) -> Response:
        return followed(request, page, offload, "")

    @routes.get("/{backup_id}/progress")
    async def progress_of(request: Request, backup_id: str) -> Response:
        await offload(page.get, backup_id)
        return followed(request, page, offload, backup_id)

    @routes.post("/{backup_id}/cancel")
    async def cancel(request: Request, backup_id: str) -> Response:
        ended = await offload(page.cancel, backup_id)
        return done(request, ended, 202 if ended["state"] == "running" else 200)


async def _ended(
    page: BackupSystem, offload: Offload, backup: dict[str, Any], deadline_seconds: float
) -> dict[str, Any]:
    """The backup when it has ended, or as it is at the deadline."""
    until = current_time() + deadline_seconds
    while backup["state"] == "running" and (left := until - current_time()) > 0:
        # Because a thread cannot be cancelled, and the server must be able to stop in between.
        backup = await offload(page.wait, backup["id"], min(left, _SLICE_SECONDS))
    return backup
