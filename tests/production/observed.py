"""What the tests of the request path watch with: pages that only remember what they were told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp

from app.production.middleware import ObserveRequests, install
from app.production.routes import RouteLabels


@dataclass
class Context:
    """A request's context, as the logger makes it."""

    request_id: str


@dataclass
class RememberingLogger:
    """Remembers contexts, access lines and unhandled errors; the methods of ProductionLogger."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    unhandled_errors: list[tuple[str, str]] = field(default_factory=list)
    begun: list[tuple[str | None, str | None]] = field(default_factory=list)

    def begin_request(self, request_id: str | None, traceparent: str | None) -> Context:
        self.begun.append((request_id, traceparent))
        return Context(request_id or "made")

    def end_request(self, context: Context, **line: Any) -> None:
        self.lines.append({"request_id": context.request_id, **line})

    def unhandled(self, error: BaseException, *, where: str) -> None:
        self.unhandled_errors.append((type(error).__name__, where))


@dataclass
class RememberingMonitor:
    """Remembers measurements; the methods of PerformanceMonitor."""

    in_flight: int = 0
    measured: list[dict[str, Any]] = field(default_factory=list)

    def request_began(self) -> None:
        self.in_flight += 1

    def request_ended(self, **measurement: Any) -> None:
        self.in_flight -= 1
        self.measured.append(measurement)


class Broken:
    """A page in which everything fails."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{name} is broken")

        return fail


class Watched:
    """A host application that is observed, and what was seen of it."""

    def __init__(self, host: Starlette, logger: Any = None, performance: Any = None) -> None:
        self.host = host
        self.logger = logger or RememberingLogger()
        self.performance = performance or RememberingMonitor()
        install(host, self._around)

    def _around(self, stack: ASGIApp) -> ASGIApp:
        return ObserveRequests(
            stack,
            logger=self.logger,
            performance=self.performance,
            routes=RouteLabels(self.host),
            is_quiet=lambda scope: scope["path"].startswith("/quiet"),
        )

    @property
    def line(self) -> dict[str, Any]:
        """The one access line."""
        (line,) = self.logger.lines
        return line

    async def ask(
        self, method: str, path: str, *, root_path: str = "", as_server: bool = False, **options: Any
    ) -> httpx.Response:
        """One request; `as_server` sees the exceptions that come out of the application."""
        transport = httpx.ASGITransport(self.host, raise_app_exceptions=as_server, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            return await client.request(method, path, **options)

    async def speak(self, kind: str, *received: str, **scope: Any) -> list[dict[str, Any]]:
        """What the application sends over a websocket or a lifespan, given what it receives."""
        inbox, sent = [{"type": f"{kind}.{name}"} for name in received], []

        async def receive() -> dict[str, Any]:
            return inbox.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.host({"type": kind, "headers": [], "query_string": b"", **scope}, receive, send)
        return sent
