"""A run or a second copy as server-sent events: each change of its progress, at last what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from anyio import current_time, sleep
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from ..services.backup_system import BackupSystem
from .offload import Offload

_LOOK_SECONDS = 0.5
_ALIVE_SECONDS = 15.0
_TYPE = "text/event-stream"


def followed(request: Request, page: BackupSystem, offload: Offload, backup_id: str) -> Response:
    """Events `progress`, then `ended`; without an id those of what runs, or at once `idle`."""
    if request.method == "HEAD":
        return Response(media_type=_TYPE)
    return StreamingResponse(_events(page, offload, backup_id), media_type=_TYPE)


async def _events(page: BackupSystem, offload: Offload, backup_id: str) -> AsyncIterator[bytes]:
    document = await offload(page.current, backup_id)
    if document is None:
        yield _event("idle", {})
        return
    said, said_at = b"", 0.0
    while document["state"] == "running":
        event = _event("progress", document)
        if event != said:
            yield event
            said, said_at = event, current_time()
        elif current_time() - said_at >= _ALIVE_SECONDS:
            # Because a proxy closes what is silent, and only by writing is a client noticed that has gone.
            yield b": still at it\n\n"
            said_at = current_time()
        await sleep(_LOOK_SECONDS)
        document = await offload(page.current, document["id"])
        assert document is not None  # because one of that id is there
    yield _event("ended", document)


def _event(name: str, document: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(document))
