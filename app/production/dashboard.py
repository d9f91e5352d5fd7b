"""GET /production/: the dashboard, or for programs that ask for JSON the system's status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from anyio import create_task_group
from fastapi import APIRouter, Request
from starlette.responses import Response

from ..core.guard import guard
from ..dashboard.page import dashboard
from ..dashboard.parts import Frame
from .answers import Document, asked_language, base, shown, words_of
from .gate import decision_of
from .offload import Offload
from .routing import word_router
from .tokens import Role

Sources = Mapping[str, Callable[[], Mapping[str, Any]]]
"""The verbs that give the page its documents, by the names that the cards know."""


def router(sources: Sources, now: Callable[[], datetime], offload: Offload) -> APIRouter:
    """The route of the page."""
    routes = word_router()

    @routes.get("")
    async def page(request: Request) -> Response:
        if "application/json" in request.headers.get("accept", ""):
            return Document(await offload(sources["system"]))
        decision = decision_of(request.scope)
        frame = Frame(
            words=words_of(request),
            now=now(),
            base=base(request),
            can_act=bool(decision and decision.role is Role.OPERATE),
            language=asked_language(request),
        )
        signed_in = bool(decision and decision.identity == "session")
        return shown(dashboard(await _documents(sources, offload), frame, signed_in=signed_in))

    return routes


async def _documents(sources: Sources, offload: Offload) -> dict[str, Mapping[str, Any]]:
    """What could be had, all asked for at once: a page that fails leaves only its own part empty."""
    found: dict[str, Mapping[str, Any]] = {}

    async def ask(name: str, verb: Callable[[], Mapping[str, Any]]) -> None:
        with guard(f"dashboard.{name}"):
            found[name] = await offload(verb)

    async with create_task_group() as group:
        for name, verb in sources.items():
            group.start_soon(ask, name, verb)
    return found
