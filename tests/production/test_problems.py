"""Whatever goes wrong below /production is a problem document, and nothing of the host's."""

from __future__ import annotations

import sqlite3

import pytest

from app.core.errors import AtalaiaError, Conflict, InputRejected, NotFound, Unavailable
from app.core.guard import failures
from tests.production.served import Tower


class Failing(dict):
    """Components that cannot be had."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def values(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (InputRejected("bad", "Do better."), 400, "Bad Request"),
        (NotFound("bad", "Do better."), 404, "Not Found"),
        (Conflict("bad", "Do better."), 409, "Conflict"),
        (Unavailable("bad", "Do better."), 503, "Service Unavailable"),
        (AtalaiaError("bad", "Do better."), 500, "Internal Server Error"),
    ],
)
def test_an_error_of_ours_is_told_with_fact_and_hint(
    tower: Tower, error: Exception, status: int, title: str
) -> None:
    """Under the request's id, which leads to its log lines."""
    tower.components = Failing(error)
    answer = tower.ask("GET", "/production/system/status", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "bad",
        "hint": "Do better.",
        "instance": "/production/logs/recent?request_id=r-1",
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), sqlite3.OperationalError("locked")]
)
def test_a_file_that_fails_is_a_503_and_counted(tower: Tower, error: Exception) -> None:
    """It is no fault of who asks, and the operator is told where to look."""
    before = failures.snapshot()["production.files"].count if "production.files" in failures.snapshot() else 0
    tower.components = Failing(error)
    answer = tower.ask("GET", "/production/system/status")
    assert answer.status_code == 503
    assert "df -h" in answer.json()["hint"]
    assert failures.snapshot()["production.files"].count == before + 1


def test_a_surprise_tells_nothing_but_where_to_look(tower: Tower) -> None:
    """Its text may hold a secret; the log has it under the same id."""
    tower.components = Failing(RuntimeError("password=hunter2"))
    answer = tower.ask("GET", "/production/system/status", headers={"X-Request-ID": "r-9"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "r-9")
    assert "hunter2" not in answer.text
    (record,) = tower.logger.reading.recent(type="errors")["records"]
    assert record["request_id"] == "r-9"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/production/logs/recen", "Did you mean /production/logs/recent?"),
        ("/production/" + "x" * 5_000, "docs/http.md lists every path."),
    ],
)
def test_an_unknown_path_is_told_with_the_nearest_one(tower: Tower, path: str, hint: str) -> None:
    """If one is near."""
    answer = tower.ask("GET", path)
    assert (answer.status_code, answer.json()["hint"]) == (404, hint)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/production/alerts/silences", "GET, HEAD, POST"),
        ("PUT", "/production/alerts/silences/s1", "DELETE"),
        ("POST", "/production/system/status", "GET, HEAD"),
        ("GET", "/production/alerts/a1/resolve", "POST"),
        ("TRACE", "/production", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(tower: Tower, method: str, path: str, allow: str) -> None:
    """Those of every route at that path."""
    answer = tower.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["hint"] == f"Use {allow}."


@pytest.mark.parametrize(
    "query", ["performance/summary?hours=x", "performance/summary?hours=-1", "performance/summary?hours=nan"]
)
def test_a_bad_parameter_is_named(tower: Tower, query: str) -> None:
    """With what is expected of it."""
    answer = tower.ask("GET", f"/production/{query}")
    assert answer.status_code == 400
    assert [error["name"] for error in answer.json()["errors"]] == ["hours"]


def test_a_browser_gets_a_page_that_leads_back(tower: Tower) -> None:
    """In its language, and under the same policy as the dashboard."""
    headers = {"Accept": "text/html", "Accept-Language": "pt-BR"}
    answer = tower.ask("POST", "/production/alerts/nothing/resolve", headers=headers)
    assert answer.status_code == 404
    assert "Voltar ao painel" in answer.text
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]


def test_the_host_keeps_its_own_errors(tower: Tower) -> None:
    """Their format is its own affair."""

    @tower.host.get("/orders/{order}")
    def orders(order: int) -> int:
        return order

    assert tower.ask("GET", "/nothing").json() == {"detail": "Not Found"}
    assert tower.ask("GET", "/orders/x").status_code == 422
