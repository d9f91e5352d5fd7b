"""What observing costs a request: python -m tests.benchmarks.bench_middleware [rounds]

All variants answer the same request in one process, in blocks by turns, so that what else the
machine does hits each of them; read the ratios, not the microseconds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any

from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.clock import SystemClock
from app.logs.settings import LogSettings
from app.performance.settings import PerformanceSettings
from app.production.middleware import ObserveRequests
from app.production.routes import RouteLabels
from app.services.performance_monitor import PerformanceMonitor
from app.services.production_logger import ProductionLogger
from app.testing import RecordingEmit
from tests.production.observed import Context

_REQUESTS, _ROUTES = 200, 20
_HEADERS = [
    (b"host", b"localhost:8000"),
    (b"user-agent", b"curl/8"),
    (b"accept", b"*/*"),
    (b"x-request-id", b"0123456789abcdef"),
]


class NoOp:
    """An ASGI middleware that does nothing but stand in between, on the way in and out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            await send(message)

        await self.app(scope, receive, send_on)


class Idle:
    """Pages that take what they are told and do nothing with it: what is left is the middleware."""

    def begin_request(self, *_: object) -> Context:
        return _CONTEXT

    def end_request(self, *_: object, **__: object) -> None: ...
    def request_began(self) -> None: ...
    def request_ended(self, **_: object) -> None: ...


_CONTEXT = Context("0123456789abcdef")


def host() -> FastAPI:
    """Twenty routes, of which the last is asked."""
    app = FastAPI()
    for number in range(_ROUTES):

        @app.get(f"/route{number}/{{item}}")
        async def answer(item: int) -> dict[str, int]:
            return {"item": item}

    return app


@contextmanager
def variants() -> Iterator[dict[str, ASGIApp]]:
    """The same host, bare and behind each middleware."""
    with tempfile.TemporaryDirectory() as folder:
        clock, emit, bare = SystemClock(), RecordingEmit(), host()
        logger = ProductionLogger(LogSettings(), Path(folder), clock, emit)
        performance = PerformanceMonitor(PerformanceSettings(), Path(folder) / "p", "", clock)
        logger.start()
        based = host()
        based.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
        yield {
            "FastAPI, bare": bare,
            "+ an ASGI middleware that does nothing": NoOp(bare),
            "+ `ObserveRequests`, its pages idle": _observed(bare, Idle(), Idle()),
            "+ `ObserveRequests`, measured": _observed(bare, Idle(), performance),
            "+ `ObserveRequests`, measured and logged": _observed(bare, logger, performance),
            "+ a `BaseHTTPMiddleware` that does nothing": based,
        }
        logger.stop()
        performance.stop()


def _observed(app: FastAPI, logger: Any, performance: Any) -> ASGIApp:
    return ObserveRequests(
        app, logger=logger, performance=performance, routes=RouteLabels(app), is_quiet=lambda _: False
    )


async def block(app: ASGIApp) -> list[int]:
    """Nanoseconds of each request of one block."""
    took = []
    for _ in range(_REQUESTS):
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "root_path": "",
            "path": f"/route{_ROUTES - 1}/4", "raw_path": b"", "query_string": b"", "headers": _HEADERS,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        began = perf_counter_ns()
        await app(scope, _receive, _send)
        took.append(perf_counter_ns() - began)
    return took


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    return None


async def measured(rounds: int) -> dict[str, list[list[int]]]:
    """The blocks of each variant."""
    with variants() as apps:
        found: dict[str, list[list[int]]] = {name: [] for name in apps}
        for _ in range(rounds):
            for name, app in apps.items():
                found[name].append(await block(app))
    return found


def report(found: dict[str, list[list[int]]]) -> Iterator[str]:
    """Calm requests (the 10th percentile) in microseconds, and medians of the rounds' ratios."""
    bare, *_ = found.values()
    yield "| | µs, calm | added µs | times bare |"
    yield "|---|---|---|---|"
    calm = _calm(bare)
    for name, blocks in found.items():
        ratio = median(median(one) / median(other) for one, other in zip(blocks, bare, strict=True))
        yield f"| {name} | {_calm(blocks):.1f} | {_calm(blocks) - calm:.1f} | {ratio:.2f} |"


def _calm(blocks: list[list[int]]) -> float:
    return quantiles([took for block in blocks for took in block], n=10)[0] / 1000


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    sys.stdout.write("\n".join(report(asyncio.run(measured(rounds)))) + "\n")
