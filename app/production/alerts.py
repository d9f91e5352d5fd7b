"""/production/alerts: what is wrong now and what was, and what operators do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, field_validator
from starlette.responses import Response

from ..core.signal import Category, Severity
from ..services.automated_alerts import AutomatedAlerts
from .answers import Document, done
from .bodies import Body, body_of
from .gate import decision_of
from .offload import Offload
from .routing import word_router


class NewAlert(Body):
    """An alert raised by a shell script or another program."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    message: Annotated[str, Field(max_length=10_000)] = ""
    severity: Severity = Severity.MEDIUM
    category: Category = Category.SYSTEM
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    labels: Annotated[dict[str, str], Field(max_length=32)] | None = None
    source: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,50}$")] = "app"
    expires_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @field_validator("severity", "category", mode="before")
    @classmethod
    def _in_any_case(cls, word: object) -> object:
        return word.upper() if isinstance(word, str) else word


class Act(Body):
    """Who does something, and why."""

    by: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=2_000)] = ""


class NewSilence(Body):
    """Which alerts are to be kept quiet, and until when: `ends_at`, `minutes` or `until_resolved`."""

    matchers: Annotated[dict[str, str], Field(max_length=16)]
    ends_at: str | None = None
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    until_resolved: bool = False
    by: Annotated[str, Field(max_length=200)] = ""
    comment: Annotated[str, Field(max_length=2_000)] = ""


def router(page: AutomatedAlerts, offload: Offload) -> APIRouter:
    """The routes of the word `alerts`."""
    routes = word_router("alerts")
    _reading(routes, page, offload)
    _silencing(routes, page, offload)
    _acting(routes, page, offload)
    _one(routes, page, offload)
    return routes


def _reading(routes: APIRouter, page: AutomatedAlerts, offload: Offload) -> None:
    @routes.get("/active")
    async def active(
        severity: str | None = None,
        category: str | None = None,
        source: str | None = None,
        q: str | None = None,
    ) -> Document:
        return Document(await offload(page.active, severity=severity, category=category, source=source, q=q))

    @routes.get("/rules")
    async def rules(state: str | None = None) -> Document:
        return Document(await offload(page.rules, state))

    @routes.get("/stats")
    async def stats() -> Document:
        return Document(await offload(page.stats))

    @routes.get("/history")
    async def history(limit: int = 100, before: str | None = None, alert_id: str | None = None) -> Document:
        return Document(await offload(page.history, limit=limit, before=before, alert_id=alert_id))


def _silencing(routes: APIRouter, page: AutomatedAlerts, offload: Offload) -> None:
    @routes.get("/silences")
    async def silences() -> Document:
        return Document(await offload(page.silences))

    @routes.post("/silences")
    async def add(request: Request) -> Document:
        silence = await body_of(request, NewSilence)
        told = {**dict(silence), "by": silence.by or _operator(request)}
        return Document(await offload(page.add_silence, **told), status_code=201)

    @routes.delete("/silences/{silence_id}")
    async def end(request: Request, silence_id: str) -> Document:
        act = await body_of(request, Act)
        return Document(await offload(page.end_silence, silence_id, by=act.by or _operator(request)))


def _one(routes: APIRouter, page: AutomatedAlerts, offload: Offload) -> None:
    # Because it takes whatever stands at its place, it has to come behind the words that mean something else.
    @routes.get("/{alert_id}")
    async def one(alert_id: str) -> Document:
        return Document(await offload(page.alert, alert_id))


def _acting(routes: APIRouter, page: AutomatedAlerts, offload: Offload) -> None:
    @routes.post("")
    async def raise_one(request: Request) -> Document:
        alert = await body_of(request, NewAlert)
        return Document(await offload(page.raise_now, **dict(alert)), status_code=201)

    @routes.post("/test")
    async def test(request: Request) -> Response:
        return done(request, await offload(page.test, _operator(request)))

    @routes.post("/{alert_id}/resolve")
    async def resolve(request: Request, alert_id: str) -> Response:
        return await _act(request, page.resolve, alert_id)

    @routes.post("/{alert_id}/acknowledge")
    async def acknowledge(request: Request, alert_id: str) -> Response:
        return await _act(request, page.acknowledge, alert_id)

    async def _act(request: Request, verb: Callable[..., dict[str, Any]], alert_id: str) -> Response:
        act = await body_of(request, Act)
        by = act.by or _operator(request)
        return done(request, await offload(verb, alert_id, by=by, reason=act.reason))


def _operator(request: Request) -> str:
    """Who it was where nobody says it, as the access control knows them."""
    decision = decision_of(request.scope)
    return decision.identity if decision else "operator"
