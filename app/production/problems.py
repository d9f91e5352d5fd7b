"""What goes wrong below /production, as problem details (RFC 9457): a fact, a hint and the request's id."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..core.errors import AtalaiaError, Conflict, InputRejected, NotFound, Unavailable
from ..core.guard import failures
from ..dashboard.notice import notice
from .answers import PREFIX, REQUEST_ID, Document, home, shown, wants_html, words_of
from .routes import RouteLabels

_STATUS: Sequence[tuple[type[AtalaiaError], int]] = (
    (NotFound, 404),
    (Conflict, 409),
    (InputRejected, 400),
    (Unavailable, 503),
)
_TOO_LARGE = "Send it in smaller parts: 64 kB at most, and 16 MB for business events."
_DISK = "See whether the disk that holds logs/ and backups/ is full: df -h"
_COMPARED_CHARACTERS = 200


def answer_problems(app: FastAPI) -> None:
    """Make our own application answer every error with a problem; the host's are left as they are."""
    app.add_exception_handler(AtalaiaError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(OSError, _of_files)
    app.add_exception_handler(sqlite3.Error, _of_files)
    app.add_exception_handler(Exception, _of_surprise)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AtalaiaError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _problem(request, status, error.fact, error.hint)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"name": _name(one["loc"]), "reason": str(one["msg"])} for one in error.errors()]
    fact = "; ".join(f"{one['name']}: {one['reason']}" for one in errors)
    return _problem(request, 400, fact, "docs/http.md says what is accepted.", errors=errors)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    fact, hint = str(error.detail), ""
    if error.status_code == 404:
        fact, hint = "there is nothing at this path", _nearest(request)
    elif error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
        fact, hint = f"{request.method} does nothing here", f"Use {headers['Allow']}."
    elif error.status_code == 413:
        fact, hint = "the body is too large", _TOO_LARGE
    return _problem(request, error.status_code, fact, hint, headers=headers)


async def _of_files(request: Request, error: Exception) -> Response:
    failures.add("production.files", error)
    return _problem(request, 503, "a file of ours cannot be read or written", _DISK)


async def _of_surprise(request: Request, _: Exception) -> Response:
    hint = "logs/errors.log has it under this request_id."
    return _problem(request, 500, "something failed that was not expected to", hint)


def _problem(
    request: Request, status: int, fact: str, hint: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    title = HTTPStatus(status).phrase
    if wants_html(request):
        page = shown(notice(words_of(request), title, fact, hint, home(request)), status)
        page.headers.update(headers or {})
        return page
    request_id = request.scope.get(REQUEST_ID, "")
    document = {
        "type": "about:blank", "title": title, "status": status, "detail": fact, "hint": hint, **more,
        "instance": f"{PREFIX}/logs/recent?request_id={request_id}", "request_id": request_id,
    }  # fmt: skip
    return Document(document, status, headers, media_type="application/problem+json")


def _name(location: Sequence[object]) -> str:
    return ".".join(str(part) for part in location if part not in ("query", "body", "path")) or "body"


def _methods(request: Request) -> list[str]:
    """Every method of the routes at this path; each route by itself knows only its own."""
    path = RouteLabels(request.app).of(request.scope)
    contexts = iter_route_contexts(request.app.routes)
    return sorted(method for one in contexts if one.path_format == path for method in one.methods or ())


def _nearest(request: Request) -> str:
    paths = {str(context.path) for context in iter_route_contexts(request.app.routes)}
    near = get_close_matches(request.scope["path"][:_COMPARED_CHARACTERS], paths, n=1, cutoff=0.8)
    return f"Did you mean {near[0]}?" if near else "docs/http.md lists every path."
