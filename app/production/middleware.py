"""Watches every HTTP request of the host application from outside of everything that answers it.

The usual place of a middleware is inside of Starlette's ServerErrorMiddleware, where a 500 and what an
outer middleware answers early are not seen.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from time import perf_counter_ns

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import SettingsError
from ..core.guard import guard
from ..services.performance_monitor import PerformanceMonitor
from ..services.production_logger import ProductionLogger, RequestContext
from .answers import REQUEST_ID
from .routes import UNMATCHED, RouteLabels

CLIENT_CLOSED_REQUEST = 499

# Because a guard holds nothing of a request, one a place does for all of them.
_BEGINNING = guard("middleware.begin")
_ANSWERING = guard("middleware.header")
_FAILING = guard("middleware.error")
_ENDING = guard("middleware.end")
_MEASURING = guard("middleware.measure")
_LABELLING = guard("middleware.route")


def install(app: Starlette, outermost: Callable[[ASGIApp], ASGIApp]) -> None:
    """Wrap all that the host has built when it serves its first request, whatever it adds until then.

    SettingsError when it has served one already.
    """
    if app.middleware_stack is not None:
        raise SettingsError(
            "the application has begun to serve before Atalaia was installed",
            "Call Atalaia().install(app) where the application is made, not in its lifespan.",
        )
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: outermost(build())  # type: ignore[method-assign]


class ObserveRequests:
    """One access line, one measurement and one X-Request-ID for each request; nothing of ours breaks it.

    Quiet requests leave their line but are not measured, because the page must not watch itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        logger: ProductionLogger,
        performance: PerformanceMonitor,
        routes: RouteLabels,
        is_quiet: Callable[[Scope], bool],
    ) -> None:
        self.app = app
        self.logger = logger
        self.performance = performance
        self.routes = routes
        self._is_quiet = is_quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, _Exchange(scope, send))
            return
        if scope["type"] == "websocket":
            with _BEGINNING:
                self._context(scope)
        await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        with _BEGINNING:
            exchange.context = context = self._context(scope)
            scope[REQUEST_ID] = exchange.request_id = context.request_id or ""
            if not self._is_quiet(scope):
                self.performance.request_began()
                exchange.measured = True
        try:
            await self.app(scope, receive, exchange.send)
        except BaseException as error:
            with _FAILING:
                self._failed(scope, exchange, error)
            raise
        finally:
            with _ENDING:
                self._ended(scope, exchange)

    def _context(self, scope: Scope) -> RequestContext:
        request_id = traceparent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value.decode("latin-1")
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        return self.logger.begin_request(request_id, traceparent)

    def _failed(self, scope: Scope, exchange: _Exchange, error: BaseException) -> None:
        if isinstance(error, (CancelledError, ClientDisconnect)):
            exchange.status = CLIENT_CLOSED_REQUEST
        elif isinstance(error, Exception):
            exchange.error_type = type(error).__qualname__
            self.logger.unhandled(error, where=f"{exchange.method} {self._route(scope)}")

    def _ended(self, scope: Scope, exchange: _Exchange) -> None:
        seconds = (perf_counter_ns() - exchange.began) / 1e9
        context = exchange.context
        if context is None:
            return
        # Because a server answers 500 by itself when nobody did.
        status, route = exchange.status or 500, self._route(scope)
        if exchange.measured:
            with _MEASURING:
                self.performance.request_ended(
                    method=exchange.method,
                    route=route,
                    status=status,
                    duration_seconds=seconds,
                    request_id=exchange.request_id,
                    error_type=exchange.error_type,
                )
        client = scope.get("client")
        self.logger.end_request(
            context,
            method=exchange.method,
            route=route,
            path=exchange.path,
            status=status,
            duration_ms=seconds * 1000,
            bytes=exchange.bytes,
            client=client[0] if client else None,
        )

    def _route(self, scope: Scope) -> str:
        with _LABELLING:
            return self.routes.of(scope)
        return UNMATCHED


class _Exchange:
    """One request, and what was seen of its answer."""

    __slots__ = (
        "_send", "began", "bytes", "context", "error_type",
        "measured", "method", "path", "request_id", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, send: Send) -> None:
        self.began = perf_counter_ns()
        self.context: RequestContext | None = None
        self.measured = False
        # Because a sub-application may rewrite its scope.
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.status = self.bytes = 0
        self.error_type: str | None = None
        self.request_id = ""
        self._send = send

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            self.bytes += len(message.get("body", b""))
        elif kind == "http.response.start":
            self.status = message["status"]
            if self.request_id:
                with _ANSWERING:
                    message = _with_request_id(message, self.request_id)
        await self._send(message)


def _with_request_id(message: Message, request_id: str) -> Message:
    """Another message, because an application may send the same one again."""
    headers = message.get("headers", ())
    for name, _ in headers:
        if name == b"x-request-id":
            return message
    return {**message, "headers": [*headers, (b"x-request-id", request_id.encode("latin-1"))]}
