"""The application below /production: beside the host and not inside of it.

What the host does to its own requests (its middleware, its error format, its catch-all routes, its
OpenAPI) does not reach these paths, and what fails in it does not take them along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.clock import Clock
from ..core.measure import Measure
from ..services.automated_alerts import AutomatedAlerts
from ..services.backup_system import BackupSystem
from ..services.business_metrics import BusinessMetrics
from ..services.performance_monitor import PerformanceMonitor
from ..services.production_logger import ProductionLogger
from . import alert_links, alerts, backup, dashboard, health, login, logs, metrics, performance, system
from .answers import PREFIX, SafeAnswers
from .gate import AccessControl, OnDecision, admitted
from .middleware import ObserveRequests, install
from .offload import Offload
from .paths import route_path
from .problems import answer_problems
from .routes import RouteLabels
from .settings import AccessSettings

_KINDS = 8
_RECORDS = 20


@dataclass(frozen=True, slots=True)
class Served:
    """What is served: the five pages, and what the wiring knows of the process.

    cards: the host's own on the dashboard, title → name → value. outside: who acts from a message.
    """

    logger: ProductionLogger
    metrics: BusinessMetrics
    performance: PerformanceMonitor
    alerts: AutomatedAlerts
    backup: BackupSystem
    system: system.SystemView
    measures: Callable[[], Iterable[Measure]]
    is_ready: health.Readiness
    cards: Callable[[], Mapping[str, Mapping[str, Any]]] = dict
    outside: alert_links.Outside = field(default_factory=alert_links.Outside)


def surround(
    host: Starlette, served: Served, *, access: AccessSettings, clock: Clock, on_decision: OnDecision
) -> None:
    """Put around the host, from the outside in: observing, access control, our application."""
    app = production(served)

    def outermost(stack: ASGIApp) -> ASGIApp:
        serve = ServeProduction(stack, host=host, production=app)
        gate = AccessControl(serve, settings=access, clock=clock, on_decision=on_decision)
        app.include_router(login.router(gate), dependencies=_CLOSED)
        links = alert_links.router(gate, served.alerts, served.outside, Offload())
        app.include_router(links, dependencies=_CLOSED)
        return ObserveRequests(
            gate,
            logger=served.logger,
            performance=served.performance,
            routes=RouteLabels(host),
            is_quiet=serve.is_ours,
        )

    install(host, outermost)


def production(served: Served) -> FastAPI:
    """Every route but the login's and those of messages; all but health closed to whom the gate kept out."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    offload = Offload()
    for closed in (
        logs.router(served.logger, offload),
        metrics.router(served.metrics, offload, served.measures),
        performance.router(served.performance, offload),
        alerts.router(served.alerts, offload),
        backup.router(served.backup, offload),
        system.router(served.system, offload),
        dashboard.router(_sources(served), served.system.now, offload),
    ):
        app.include_router(closed, dependencies=_CLOSED)
    app.include_router(health.router(served.is_ready))
    answer_problems(app)
    return app


def routes(served: Served) -> list[tuple[str, str]]:
    """Method and path of what production() serves, as docs/http.md has to list it."""
    contexts = list(iter_route_contexts(production(served).routes))
    return sorted((method, str(one.path)) for one in contexts for method in one.methods or ())


def _sources(served: Served) -> dashboard.Sources:
    return {
        "system": partial(system.status, served.system),
        "alerts": served.alerts.active,
        "performance": served.performance.current,
        "business": served.metrics.dashboard,
        "backup": served.backup.status,
        "own": served.cards,
        "errors": partial(served.logger.reading.errors, limit=_KINDS),
        "logs": partial(served.logger.reading.recent, limit=_RECORDS),
    }


class ServeProduction:
    """Sends what is below /production to our application and everything else to the host.

    GET /health is ours as well, unless the host has a route of its own there.
    """

    def __init__(self, app: ASGIApp, *, host: Starlette, production: ASGIApp) -> None:
        self.app = app
        self._host = host
        self._production = SafeAnswers(production)
        self._serves_health: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] != "lifespan" and self.is_ours(scope)
        if ours:
            # Because /production/ and /production are the same place.
            scope["path"] = scope["path"].rstrip("/")
        await (self._production if ours else self.app)(scope, receive, send)

    def is_ours(self, scope: Scope) -> bool:
        """Whether our application answers this request."""
        path = route_path(scope["path"], scope.get("root_path", ""))
        if path == health.PATH:
            return self._health_is_ours()
        return path.startswith(f"{PREFIX}/") or path == PREFIX

    def _health_is_ours(self) -> bool:
        # Because the host may add routes until it serves, this is asked at the first request.
        if self._serves_health is None:
            paths = {context.path for context in iter_route_contexts(self._host.routes)}
            self._serves_health = health.PATH not in paths
        return self._serves_health


async def _admitted(connection: HTTPConnection) -> None:
    # Because FastAPI would run a plain function in one of the host's threads.
    admitted(connection)


_CLOSED = [Depends(_admitted)]
