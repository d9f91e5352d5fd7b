"""/production/login and /production/logout: a token once, then a session; a plain form without scripts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from ..dashboard.login import login_page
from .answers import base, home, shown, words_of
from .bodies import body, form
from .gate import AccessControl
from .routing import word_router


def router(gate: AccessControl) -> APIRouter:
    """The routes of logging in and out; wrong tokens count against their address."""
    routes = word_router()

    @routes.get("/login")
    async def ask(request: Request) -> Response:
        return _asked(request)

    @routes.post("/login")
    async def log_in(request: Request) -> Response:
        token = form(await body(request)).get("token", "").strip()
        decision = gate.log_in(request.scope, token)
        if not decision.allowed:
            return _asked(request, decision.reason, decision.status, decision.retry_after)
        return _home_with(request, gate.session_cookie(request.scope, decision.role))

    @routes.post("/logout")
    async def log_out(request: Request) -> Response:
        return _home_with(request, gate.session_cookie(request.scope, None))

    return routes


def _asked(request: Request, refusal: str = "", status: int = 200, retry_after: int = 0) -> Response:
    words = words_of(request)
    action = f"{base(request)}/login"
    answer = shown(login_page(words, action, words.name(refusal)), status)
    if retry_after:
        answer.headers["retry-after"] = str(retry_after)
    return answer


def _home_with(request: Request, cookie: str) -> Response:
    answer = RedirectResponse(home(request), status_code=303)
    answer.headers["set-cookie"] = cookie
    return answer
