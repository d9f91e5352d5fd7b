"""Probes are answered at once, to everybody, and are told nothing."""

from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse

from app.core.health import Health
from tests.production.served import Tower

EVERYWHERE = ["/production/health/live", "/production/health/ready", "/health"]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_probe_needs_no_credentials(tower: Tower, path: str, method: str) -> None:
    """And learns no details."""
    answer = tower.ask(method, path, token=None)
    assert answer.status_code == 200
    assert method == "HEAD" or answer.json() == {"status": "ok"}


def test_a_worker_that_is_not_ready_lives(tower: Tower) -> None:
    """It is only not to be sent requests."""
    tower.is_ready = False
    assert [tower.ask("GET", path, token=None).status_code for path in EVERYWHERE] == [200, 503, 503]


class Hanging(dict[str, Health]):
    """Components that cannot be had until they are released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def values(self):
        self.released.wait(10)
        return super().values()


def test_a_probe_needs_no_thread(tower: Tower) -> None:
    """There may be none left when it matters: the pages hang, and so does the host."""
    tower.components = hanging = Hanging()

    async def asked() -> list[int]:
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        async with limiter, anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(tower.asking, "GET", "/production/system/status")
            await anyio.lowlevel.checkpoint()
            answers = [(await tower.asking("GET", path, token=None)).status_code for path in EVERYWHERE]
            hanging.released.set()
        return answers

    assert asyncio.run(asked()) == [200, 200, 200]


def own_route(host: FastAPI) -> None:
    host.add_api_route("/health", lambda: "the host's own")


async def answer_with_path(path: str) -> PlainTextResponse:
    return PlainTextResponse(path)


def own_router(host: FastAPI) -> None:
    router = APIRouter(prefix="/health")
    router.add_api_route("", lambda: "the host's own")
    host.include_router(router)


@pytest.mark.parametrize("add", [own_route, own_router])
def test_the_host_s_own_health_is_the_host_s(tower: Tower, add) -> None:
    """Also when it is added after the installation."""
    add(tower.host)
    assert tower.ask("GET", "/health").json() == "the host's own"


def test_a_host_that_answers_everything_has_no_health_of_its_own(tower: Tower) -> None:
    """Its catch-all route would say that all is well whatever happens."""
    tower.host.add_api_route("/{path:path}", answer_with_path)
    tower.is_ready = False
    assert tower.ask("GET", "/health").status_code == 503
    assert tower.ask("GET", "/healthy").text == "healthy"
