"""Our application stands beside the host: closed to strangers, and untouched by what the host does."""

from __future__ import annotations

import re

import pytest
from fastapi import Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse

from app.production.application import ServeProduction, production, routes
from tests.production.served import READER, Tower

OPEN = {"/health", "/production/health/live", "/production/health/ready", "/production/login"}

TABLE = """
GET /production/metrics/business  POST /production/metrics/events  GET /production/metrics/export
GET /production/metrics  GET /production/performance/current  GET /production/performance/summary
GET /production/alerts/active  GET /production/alerts/stats  GET /production/alerts/history
GET /production/alerts/rules
POST /production/alerts  POST /production/alerts/{alert_id}/resolve  GET /production/alerts/{alert_id}
POST /production/alerts/{alert_id}/acknowledge  GET /production/alerts/silences
POST /production/alerts/silences  DELETE /production/alerts/silences/{silence_id}
POST /production/alerts/test  GET /production/backup/status  GET /production/backup/{backup_id}
POST /production/backup/manual  POST /production/backup/{backup_id}/drill
POST /production/backup/{backup_id}/cancel  GET /production/backup/{backup_id}/progress
GET /production/backup/progress  GET /production/backup/check  GET /production/backup/retention
GET /production/system/status  GET /production/logs/recent
GET /production/logs/stream  GET /production/logs/errors  GET /production/logs/level
POST /production/logs/level  DELETE /production/logs/level
GET /production/health/live  GET /production/health/ready  GET /health  GET /production
"""


async def answer_with_path(path: str) -> PlainTextResponse:
    return PlainTextResponse(path)


def test_every_promised_route_is_there(tower: Tower) -> None:
    """And no other; HEAD wherever there is GET."""
    promised = set(re.findall(r"(\w+) (/\S*)", TABLE))
    promised |= {("HEAD", path) for method, path in promised if method == "GET"}
    assert set(routes(tower.served())) == promised


def test_every_route_is_closed_to_strangers(tower: Tower) -> None:
    """But for the probes; a route that is added tomorrow is closed as well."""
    for method, path in routes(tower.served()):
        status = tower.ask(method, path.replace("{", "").replace("}", ""), token=None).status_code
        assert status == (200 if path in OPEN else 401), (method, path)


def test_a_route_that_is_reached_without_the_gate_is_closed(tower: Tower) -> None:
    """As when somebody mounts our application by mistake."""
    app = production(tower.served())
    tower.host.router.routes.clear()
    tower.host.mount("/elsewhere", ServeProduction(app, host=app, production=app))
    assert tower.ask("GET", "/elsewhere/production/system/status").status_code in {401, 404}


def test_a_reader_may_not_act(tower: Tower) -> None:
    """Every route that changes something needs the other role."""
    for method, path in routes(tower.served()):
        if method in {"POST", "DELETE"}:
            assert tower.ask(method, path, token=READER).status_code == 403, (method, path)


@pytest.mark.parametrize(
    "path", ["/production/system/status", "/production/metrics", "/production/metrics/export"]
)
def test_head_is_answered_like_get(tower: Tower, path: str) -> None:
    """With its status and type."""
    head, get = tower.ask("HEAD", path), tower.ask("GET", path)
    assert (head.status_code, head.headers["content-type"]) == (200, get.headers["content-type"])


@pytest.mark.parametrize("path", ["/production/alerts/active/", "/production/alerts/active//"])
def test_a_slash_at_the_end_is_forgiven(tower: Tower, path: str) -> None:
    """Without a detour through a redirect, which would be built from the Host header."""
    assert tower.ask("GET", path).json() == {"alerts": [], "total": 0}


def test_the_host_s_middleware_is_not_in_the_way(tower: Tower) -> None:
    """A host that demands its own login, allows every origin or fails leaves us as we are."""

    @tower.host.middleware("http")
    async def failing(_: Request, __: object) -> PlainTextResponse:
        raise RuntimeError("the host is ill")

    tower.host.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    answer = tower.ask("GET", "/production/alerts/active", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert tower.ask("GET", "/docs").status_code == 500


def test_the_host_s_catch_all_route_hides_nothing(tower: Tower) -> None:
    """Whatever it has declared before."""
    tower.host.add_api_route("/{path:path}", answer_with_path)
    assert tower.ask("GET", "/production/alerts/active").json()["total"] == 0
    assert tower.ask("GET", "/productions").text == "productions"


def test_the_host_s_own_documentation_has_nothing_of_ours(tower: Tower) -> None:
    """Neither in its OpenAPI nor do we serve one."""
    assert "production" not in tower.ask("GET", "/openapi.json").text
    for path in ("docs", "redoc", "openapi.json"):
        assert tower.ask("GET", f"/production/{path}").status_code == 404


def test_everything_works_below_another_path(tower: Tower) -> None:
    """When the server says that it is mounted there."""
    answer = tower.ask("GET", "/outside/production/alerts/active", root_path="/outside")
    assert answer.json()["total"] == 0
    page = tower.ask("GET", "/outside/production/", root_path="/outside").text
    assert 'href="/outside/production/?lang=en"' in page


def test_our_own_requests_are_labelled_by_their_routes(tower: Tower) -> None:
    """In their access lines."""
    tower.ask("POST", "/production/alerts/some-id/resolve", headers={"X-Request-ID": "r-3"})
    (record,) = tower.logger.reading.recent(request_id="r-3")["records"]
    assert record["route"] == "/production/alerts/{alert_id}/resolve"
