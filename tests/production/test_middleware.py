"""Every request is observed from outside of everything that answers it, and nothing of ours breaks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from app.core.errors import SettingsError
from app.production.answers import REQUEST_ID
from app.production.middleware import install
from app.production.routes import UNMATCHED
from tests.production.observed import Broken, Watched


def host() -> FastAPI:
    """A host application with a few endings of a request."""
    app = FastAPI()

    @app.get("/hello/{name}")
    async def hello(name: str) -> PlainTextResponse:
        return PlainTextResponse(f"hello {name}")

    @app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError

    @app.get("/gone")
    async def gone() -> None:
        raise ClientDisconnect

    @app.get("/late")
    async def late() -> Response:
        return PlainTextResponse("sent", background=BackgroundTask(_fail))

    @app.get("/quiet")
    async def quiet() -> PlainTextResponse:
        return PlainTextResponse("hush")

    return app


async def _fail() -> None:
    raise KeyError("late")


def ask(watched: Watched, path: str, method: str = "GET", **options: object):
    return asyncio.run(watched.ask(method, path, **options))


def test_a_request_leaves_one_access_line() -> None:
    """With everything that one wants to know of it."""
    watched = Watched(host())
    ask(watched, "/hello/ann?secret=1", headers={"X-Request-ID": "r-1"})
    line = watched.line
    assert line.pop("duration_ms") > 0
    assert line == {
        "request_id": "r-1", "method": "GET", "route": "/hello/{name}", "path": "/hello/ann", "status": 200,
        "bytes": 9, "client": "127.0.0.1",
    }  # fmt: skip


def test_a_request_is_measured_once() -> None:
    """By route and in seconds, and is in flight no more."""
    watched = Watched(host())
    ask(watched, "/hello/ann")
    (measurement,) = watched.performance.measured
    assert 0 < measurement.pop("duration_seconds") < 60
    assert measurement == {
        "method": "GET", "route": "/hello/{name}", "status": 200, "request_id": "made", "error_type": None,
    }  # fmt: skip
    assert watched.performance.in_flight == 0


def test_the_request_id_is_answered_and_known_in_the_scope() -> None:
    """So that a caller can name the request and any code of the host can, too."""
    app = FastAPI()

    @app.get("/id")
    async def shown(request: Request) -> str:
        return request.scope[REQUEST_ID]

    answer = ask(Watched(app), "/id", headers={"X-Request-ID": "r-7"})
    assert (answer.json(), answer.headers["x-request-id"]) == ("r-7", "r-7")


def test_a_host_that_sets_the_request_id_itself_keeps_its_own() -> None:
    """There are never two."""
    app = FastAPI()

    @app.get("/id")
    async def shown() -> Response:
        return Response(headers={"X-Request-ID": "mine"})

    assert ask(Watched(app), "/id").headers.get_list("x-request-id") == ["mine"]


def test_the_trace_of_the_caller_is_handed_on() -> None:
    """The logger sees the header traceparent as it came."""
    watched = Watched(host())
    ask(watched, "/hello/ann", headers={"traceparent": "00-ab-cd-01"})
    assert watched.logger.begun == [(None, "00-ab-cd-01")]


def test_an_unhandled_exception_is_reported_once_and_goes_on_to_the_server() -> None:
    """The host's own 500 is answered, carries the id, and the server still sees the exception."""
    watched = Watched(host())
    with pytest.raises(ZeroDivisionError):
        ask(watched, "/boom", as_server=True)
    assert watched.logger.unhandled_errors == [("ZeroDivisionError", "GET /boom")]
    assert (watched.line["status"], watched.line["route"]) == (500, "/boom")
    assert watched.performance.measured[0]["error_type"] == "ZeroDivisionError"
    assert "x-request-id" in ask(watched, "/boom").headers


def test_an_exception_after_the_answer_is_reported_too() -> None:
    """The client's status stands, and the failure of a background task is not lost."""
    watched = Watched(host())
    ask(watched, "/late")
    assert watched.logger.unhandled_errors == [("KeyError", "GET /late")]
    assert watched.line["status"] == 200


def test_a_client_that_left_is_no_error() -> None:
    """It is 499, as proxies call it."""
    watched = Watched(host())
    ask(watched, "/gone")
    assert watched.line["status"] == 499
    assert watched.logger.unhandled_errors == []
    assert watched.performance.measured[0]["error_type"] is None


def test_a_cancelled_request_is_no_error() -> None:
    """As when the server ends while it waits."""
    app = FastAPI()

    @app.get("/wait")
    async def wait() -> None:
        await asyncio.Event().wait()

    watched = Watched(app)

    async def cancelled() -> None:
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.05):
                await watched.ask("GET", "/wait")

    asyncio.run(cancelled())
    assert (watched.line["status"], watched.logger.unhandled_errors) == (499, [])
    assert watched.performance.in_flight == 0


def test_what_an_outer_middleware_answers_early_is_observed() -> None:
    """Also one that the host adds after the installation."""
    app = host()
    watched = Watched(app)

    @app.middleware("http")
    async def closed(_: Request, __: object) -> Response:
        return PlainTextResponse("closed", 418)

    assert ask(watched, "/hello/ann").headers["x-request-id"] == "made"
    assert (watched.line["status"], watched.line["route"]) == (418, UNMATCHED)


def test_a_middleware_that_copies_the_context_hides_nothing() -> None:
    """The label survives BaseHTTPMiddleware, which runs the application in another task."""
    app = host()
    watched = Watched(app)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    ask(watched, "/hello/ann")
    assert watched.line["route"] == "/hello/{name}"


def test_a_quiet_request_leaves_a_line_and_is_not_measured() -> None:
    """The page must not watch itself."""
    watched = Watched(host())
    ask(watched, "/quiet")
    assert watched.line["route"] == "/quiet"
    assert (watched.performance.measured, watched.performance.in_flight) == ([], 0)


@pytest.mark.parametrize("broken", ["logger", "performance"])
def test_a_page_of_ours_that_fails_breaks_no_request(broken: str) -> None:
    """The host answers as if we were not there."""
    watched = Watched(host(), **{broken: Broken()})
    assert ask(watched, "/hello/ann").text == "hello ann"
    with pytest.raises(ZeroDivisionError):
        ask(watched, "/boom", as_server=True)


def test_a_websocket_has_a_context() -> None:
    """It is passed through and leaves no access line."""
    app = FastAPI()

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hi")
        await socket.close()

    watched = Watched(app)
    headers = [(b"x-request-id", b"w-1")]
    sent = asyncio.run(watched.speak("websocket", "connect", path="/talk", headers=headers))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert watched.logger.begun == [("w-1", None)]
    assert watched.logger.lines == []


def test_the_host_keeps_its_lifespan() -> None:
    """Starting and ending are passed through."""
    seen = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        seen.append("began")
        yield
        seen.append("ended")

    asyncio.run(Watched(FastAPI(lifespan=lifespan)).speak("lifespan", "startup", "shutdown"))
    assert seen == ["began", "ended"]


def test_an_application_that_serves_already_is_refused() -> None:
    """Because its requests would be observed in part."""
    app = host()
    ask(Watched(app), "/hello/ann")
    with pytest.raises(SettingsError, match="has begun to serve"):
        install(app, lambda stack: stack)


def test_an_application_of_starlette_alone_can_be_observed() -> None:
    """FastAPI is not needed."""
    app = Starlette()
    app.add_route("/hi/{name}", lambda _: PlainTextResponse("hi"))
    watched = Watched(app)
    ask(watched, "/hi/ann")
    assert watched.line["route"] == "/hi/{name}"
