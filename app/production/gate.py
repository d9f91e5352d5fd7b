"""The ASGI gate in front of `/production/*`: without a decision nothing behind it is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.clock import Clock
from ..core.guard import guard
from . import session
from .access import Decision, PeerName, by_token, decide
from .attempts import FailedAttempts, source_of
from .connection import peer_name
from .paths import is_under, route_path
from .peer import peer_of
from .settings import AccessSettings
from .tokens import Role

OnDecision = Callable[[Decision, Scope], None]

_KEY = "atalaia.access"
_SOURCE = "atalaia.access.source"
_OPEN = Decision(200, "open to everybody")
_OPEN_METHODS = {
    "/health/live": ("GET", "HEAD"),
    "/health/ready": ("GET", "HEAD"),
    "/login": ("GET", "HEAD", "POST"),
    # Because these two bring a signature of their own: by_signature().
    "/acknowledge": ("GET", "HEAD", "POST"),
    "/alerts/slack/actions": ("POST",),
}
_HOW = (
    " With a token: curl -H 'Authorization: Bearer TOKEN' URL."
    " On the server itself root and the server's own user need none: curl http://localhost:PORT/PATH"
)
_AGAIN_HEADERS = {"content-type": "text/html", "content-security-policy": "default-src 'none'"}
_AGAIN_PAGE = b'<!doctype html><title>Atalaia</title><meta http-equiv="refresh" content="0">'

_Answer = tuple[int, dict[str, str], bytes]


class AccessControl:
    """Lets through what `decide` allows below `prefix` and answers the rest itself.

    Wrap it around everything that awaits, because the kernel is to be asked while the request is fresh.
    `on_decision` is given each decision and its scope, whose path and client are the caller's own words.
    """

    def __init__(
        self,
        app: ASGIApp,
        prefix: str = "/production",
        *,
        settings: AccessSettings,
        clock: Clock,
        on_decision: OnDecision,
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._settings = settings
        self._entries = settings.entries
        self._uids = settings.uids
        self._clock = clock
        self._on_decision = on_decision
        self._failures = FailedAttempts()
        self._open_methods = {prefix + path: methods for path, methods in _OPEN_METHODS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        connection = partial(peer_name, receive)
        scope[_SOURCE] = source_of(connection() or scope.get("client"))
        scope[_KEY] = decision = self._decision(scope, connection)
        if decision.allowed:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _send(send, self._refusal(decision, scope))

    def log_in(self, scope: Scope, token: str) -> Decision:
        """Decide on a token that was typed into the login page."""
        if session.is_same_origin(scope["headers"]):
            decision = by_token(
                token,
                entries=self._entries,
                failures=self._failures,
                source=source_in(scope),
                now=self._clock.now(),
            )
        else:
            decision = Decision(403, "the login counts only on our own page")
        self._tell(decision, scope)
        return decision

    def by_signature(self, scope: Scope, *, is_right: bool) -> Decision:
        """Decide on a request that brings its own proof; a right one never waits, as with tokens."""
        source, now = source_in(scope), self._clock.now()
        if is_right:
            decision = Decision(200, "the signature is right", "signed")
        elif wait := self._failures.wait_seconds(source, now):
            reason = "too many wrong signatures came from this address"
            decision = Decision(429, reason, retry_after=wait)
        else:
            self._failures.add(source, now)
            decision = Decision(401, "the signature is not right")
        self._tell(decision, scope)
        return decision

    def now(self) -> datetime:
        """The time by which it decides."""
        return self._clock.now()

    def session_cookie(self, scope: Scope, role: Role | None) -> str:
        """The Set-Cookie header that begins a session with this role, or with None ends it."""
        hours = self._settings.session_hours
        value = session.issue(self._entries, role, self._clock.now(), hours=hours) if role else ""
        return session.cookie_header(value, secure=_is_https(scope), hours=hours)

    def _is_ours(self, scope: Scope) -> bool:
        return is_under(self._prefix, scope["path"], scope.get("root_path", ""))

    def _is_open(self, scope: Scope) -> bool:
        method, path = scope.get("method"), _route_path(scope)
        if (method, path) == ("POST", f"{self._prefix}/logout"):
            # Because whoever may only look has to be able to leave, but not to be thrown out by others.
            return session.is_same_origin(scope["headers"])
        return method in self._open_methods.get(path, ())

    def _decision(self, scope: Scope, connection: PeerName) -> Decision:
        if self._is_open(scope):
            return _OPEN
        decision = decide(
            scope,
            entries=self._entries,
            failures=self._failures,
            now=self._clock.now(),
            source=source_in(scope),
            peer_name=connection,
            allowed_uids=self._uids,
            peer_lookup=peer_of if self._settings.peer else None,
        )
        self._tell(decision, scope)
        return decision

    def _tell(self, decision: Decision, scope: Scope) -> None:
        with guard("access.on_decision"):
            self._on_decision(decision, scope)

    def _refusal(self, decision: Decision, scope: Scope) -> _Answer:
        place = _route_path(scope)
        page = scope["method"] == "GET" and place in (self._prefix, f"{self._prefix}/")
        if decision.status != 401 or not page or "text/html" not in _header(scope, b"accept"):
            return _problem(decision)
        if _header(scope, b"sec-fetch-site") == "cross-site":
            # Because SameSite=Strict withholds the cookie when a link in an alert is followed from
            # elsewhere; what our own page asks for carries it.
            return 401, _AGAIN_HEADERS, _AGAIN_PAGE
        # Because it is relative, it is right behind any mount or proxy, and leads to no other host.
        folder = "" if place.endswith("/") else self._prefix.rpartition("/")[2] + "/"
        return 303, {"location": f"{folder}login"}, b""


def decision_of(scope: Scope) -> Decision | None:
    """The gate's decision on this request, None when it did not pass the gate."""
    decision = scope.get(_KEY)
    return decision if isinstance(decision, Decision) else None


def source_in(scope: Scope) -> str:
    """Whom a wrong token counts against: the address of the other end, which no header can forge.

    A proxy's where there is one, a /64 in IPv6. What the server says where the connection is out of sight.
    """
    return str(scope.get(_SOURCE, "unknown"))


def admitted(connection: HTTPConnection) -> Decision:
    """A dependency for every router behind the gate: closed where a rewritten path led around it."""
    decision = decision_of(connection.scope)
    if decision is None or not decision.allowed:
        raise HTTPException(401, "this request did not pass the access control")
    return decision


def _problem(decision: Decision) -> _Answer:
    headers = {"content-type": "application/problem+json"}
    detail = decision.reason[0].upper() + decision.reason[1:] + "."
    if decision.status == 401:
        headers["www-authenticate"] = 'Bearer realm="atalaia"'
        detail += _HOW
    if decision.retry_after:
        headers["retry-after"] = str(decision.retry_after)
    title = HTTPStatus(decision.status).phrase
    document = {"type": "about:blank", "title": title, "status": decision.status, "detail": detail}
    return decision.status, headers, json.dumps(document).encode()


async def _send(send: Send, answer: _Answer) -> None:
    status, headers, body = answer
    sent = {**headers, "content-length": str(len(body)), "cache-control": "no-store"}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _route_path(scope: Scope) -> str:
    return route_path(scope["path"], scope.get("root_path", ""))


def _is_https(scope: Scope) -> bool:
    # Because a proxy that ends TLS says so here, and a browser that lies only hurts itself.
    return "https" in (scope.get("scheme"), _header(scope, b"x-forwarded-proto"))


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
