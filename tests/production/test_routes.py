"""The label of a request is the template of the route that answered it."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from app.production.routes import FRONTEND, UNMATCHED, RouteLabels
from tests.production.observed import Watched


async def plain(_: object) -> PlainTextResponse:
    return PlainTextResponse("plain")


async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("opaque")(scope, receive, send)


def shop() -> FastAPI:
    """An application that is mounted in others."""
    app = FastAPI()
    pages = APIRouter(prefix="/pages/{page}")

    @app.get("/things/{thing}")
    def thing(thing: int) -> int:
        return thing

    @pages.get("/print")
    def printed(page: int) -> int:
        return page

    app.include_router(pages)
    app.mount("/archive", Router(routes=[Route("/{year}", plain)]))
    return app


def city() -> FastAPI:
    """A host with every way of routing that FastAPI knows."""
    app = FastAPI()
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/v1")

    @inner.get("/deep/{depth}")
    def deep(depth: int) -> int:
        return depth

    @app.get("/direct/{number:int}")
    def direct(number: int) -> int:
        return number

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("boom")

    outer.include_router(inner)
    included = APIRouter(
        routes=[Route("/plain/{x}", plain), Mount("/shop", shop()), Mount("/opaque/{x}", opaque)]
    )
    app.include_router(outer, prefix="/api")
    app.include_router(included, prefix="/in")
    app.mount("/t/{tenant}", shop())
    app.mount("/raw", opaque)
    app.router.routes.append(Route("/plain/{z:int}", plain))
    app.router.routes.append(Host("other.example", Router([Mount("/far", shop())])))
    return app


def label(path: str, method: str = "GET", host: FastAPI | None = None, **options: object) -> tuple[int, str]:
    """The status and the label of one request."""
    watched = Watched(host or city())
    asyncio.run(watched.ask(method, path, **options))
    return watched.line["status"], watched.line["route"]


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/direct/4", 200, "/direct/{number}"),
        ("/api/v1/inner/deep/3", 200, "/api/v1/inner/deep/{depth}"),
        ("/api/v1/inner/deep/x", 422, "/api/v1/inner/deep/{depth}"),
        ("/boom", 500, "/boom"),
        ("/docs", 200, "/docs"),
        ("/plain/7", 200, "/plain/{z}"),
        ("/in/plain/7", 200, "/in/plain/{x}"),
        ("/in/shop/things/4", 200, "/in/shop/things/{thing}"),
        ("/in/shop/pages/2/print", 200, "/in/shop/pages/{page}/print"),
        ("/in/shop/archive/1999", 200, "/in/shop/archive/{year}"),
        ("/in/opaque/5/any/where", 200, "/in/opaque/{x}/{path}"),
        ("/t/acme/things/4", 200, "/t/{tenant}/things/{thing}"),
        ("/t/acme/things/x", 422, "/t/{tenant}/things/{thing}"),
        ("/t/acme/pages/2/print", 200, "/t/{tenant}/pages/{page}/print"),
        ("/t/acme/archive/1999", 200, "/t/{tenant}/archive/{year}"),
        ("/t/acme/docs", 200, "/t/{tenant}/docs"),
        ("/raw/a/b", 200, "/raw/{path}"),
        ("/nothing/17", 404, UNMATCHED),
        ("/t/acme/nothing", 404, UNMATCHED),
        ("/t/acme/archive/a/b", 404, UNMATCHED),
        ("/raw", 307, UNMATCHED),
    ],
)
def test_a_path_has_the_label_of_its_route(path: str, status: int, expected: str) -> None:
    """Prefixes of routers and mounts are part of it, values are not, and unknown paths share one."""
    assert label(path) == (status, expected)


@pytest.mark.parametrize("path", ["/direct/4", "/api/v1/inner/deep/3", "/t/acme/things/4"])
def test_a_wrong_method_has_the_label_of_the_route(path: str) -> None:
    """A 405 is counted where it happened."""
    status, found = label(path, "DELETE")
    assert status == 405
    assert found == label(path)[1]


def test_a_route_of_another_host_name_has_its_mounts() -> None:
    """Routing by Host does not hide the mounts behind it."""
    assert label("/far/things/4", headers={"host": "other.example"}) == (200, "/far/things/{thing}")


def test_an_early_answer_of_a_middleware_is_unmatched() -> None:
    """No route answered it, and none is invented."""
    host = FastAPI(middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["elsewhere"])])
    assert label("/", host=host) == (400, UNMATCHED)


def test_the_files_of_a_front_end_share_a_label(tmp_path) -> None:
    """However many files it has."""
    (tmp_path / "index.html").write_text("<p>")
    host = FastAPI()
    host.frontend("/", directory=tmp_path)
    assert label("/index.html", host=host) == (200, FRONTEND)


def test_static_files_share_a_label(tmp_path) -> None:
    """Those that exist and those that do not."""
    (tmp_path / "a.txt").write_text("a")
    for name, status in (("a.txt", 200), ("b.txt", 404)):
        host = FastAPI()
        host.mount("/static", StaticFiles(directory=tmp_path))
        assert label(f"/static/{name}", host=host) == (status, "/static/{path}")


def test_the_server_s_root_path_is_no_part_of_a_label() -> None:
    """An application served below /outside labels its routes as it knows them."""
    watched = Watched(city())
    asyncio.run(watched.ask("GET", "/outside/t/acme/things/4", root_path="/outside"))
    assert watched.line["route"] == "/t/{tenant}/things/{thing}"


def test_mount_points_without_end_take_no_memory_without_end() -> None:
    """The templates of mount points are remembered up to a limit."""
    host = city()
    labels = RouteLabels(host)
    for tenant in range(3_000):
        root, path = f"/t/{tenant}", f"/t/{tenant}/x"
        scope = {"app": host, "endpoint": opaque, "app_root_path": "", "root_path": root, "path": path}
        assert labels.of(scope) == "/t/{tenant}/{path}"
    assert len(labels._prefixes) <= 1_000
