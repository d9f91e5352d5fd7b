"""What every answer below /production has in common: compact JSON, no caching, no trust in its content."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..dashboard.language import language_of
from ..dashboard.layout import policy
from ..dashboard.words import Words

PREFIX = "/production"
REQUEST_ID = "atalaia.request_id"
"""Where in its scope a request finds its id."""

_SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class Document(Response):
    """A JSON document on one line; NaN and infinity become null, Decimals become texts."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        try:
            return msgspec.json.encode(content) + b"\n"
        except UnicodeEncodeError:
            # Because what is shown was written by others and may hold half of a surrogate pair.
            return json.dumps(content, default=str).encode() + b"\n"


class SafeAnswers:
    """Sets the headers that keep answers out of caches, frames and guesses, where a route set no other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_safely)


def wants_html(request: Request) -> bool:
    """Whether a browser is asking to show something; curl's */* is not that."""
    return "text/html" in request.headers.get("accept", "")


def done(request: Request, document: Any, status: int = 200) -> Response:
    """The document, or for a form of the dashboard the way back to it."""
    if wants_html(request):
        return RedirectResponse(home(request), status_code=303)
    return Document(document, status_code=status)


def words_of(request: Request) -> Words:
    """The language of the person who asks."""
    return language_of(request.query_params.get("lang"), request.headers.get("accept-language", ""))


def shown(html: str, status: int = 200) -> Response:
    """A page of ours, under the policy that lets nothing else in."""
    return HTMLResponse(html, status, {"content-security-policy": policy()})


def base(request: Request) -> str:
    """The path of /production as the browser knows it."""
    return f"{request.scope.get('root_path', '')}{PREFIX}"


def asked_language(request: Request) -> str:
    """The language of ?lang=, "" without one."""
    return words_of(request).language if "lang" in request.query_params else ""


def home(request: Request) -> str:
    """The path of the dashboard, in the language that was asked for."""
    language = asked_language(request)
    return f"{base(request)}/?lang={language}" if language else f"{base(request)}/"
