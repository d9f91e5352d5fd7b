"""Who may: the operator on this machine by the kernel's word, everybody else by token or session."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from . import session
from .attempts import FailedAttempts
from .peer import Peer, doubt_about, peer_of
from .sock_diag import Endpoint, canonical
from .tokens import Role, TokenEntry, match

Scope = Mapping[str, Any]
PeerLookup = Callable[[Endpoint, Endpoint], Peer | None]
DoubtLookup = Callable[[Peer, int], str | None]
PeerName = Callable[[], tuple[str, int] | None]

ANONYMOUS = "anonymous"

_SAFE_METHODS = ("GET", "HEAD")
_PLAIN_HEADERS = frozenset(
    # curl asks `Expect: 100-continue` by itself before it sends a large body; browsers cannot.
    b"host user-agent accept accept-encoding connection"
    b" content-type content-length expect x-request-id".split()
)
_LOOPBACK_HOST = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
# Because the kernel shows every user whom this user namespace does not know as this one.
_OVERFLOW_UID = 65534
_SHOWN_BYTES = 40


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request and why; `status` is 200, 401, 403 or 429 (wait `retry_after` seconds)."""

    status: int
    reason: str
    identity: str = ANONYMOUS
    role: Role | None = None
    retry_after: int = 0

    @property
    def allowed(self) -> bool:
        return self.status == 200


def decide(
    scope: Scope,
    *,
    entries: Sequence[TokenEntry],
    failures: FailedAttempts,
    now: datetime,
    source: str,
    peer_name: PeerName,
    allowed_uids: Collection[int] = (),
    peer_lookup: PeerLookup | None = peer_of,
    doubt_lookup: DoubtLookup = doubt_about,
) -> Decision:
    """Decide on one request; `peer_lookup` None leaves tokens and sessions only.

    `source` is whom a wrong token counts against; `peer_name` asks the request's own connection for its
    other end. What passes 1 to 6 comes from the operator; whatever fails one of them needs 7.
    1. No header beyond those that a bare client sends, so no proxy's and no browser's.
    2. Exactly one Host, and a loopback one.
    3. Both ends of the connection on loopback, with ports.
    4. The kernel knows the client's end: established, with an inode; and afterwards the connection is
       still there, so that nobody else has got the client's port meanwhile.
    5. Its owner is root, our own user or one of `allowed_uids`.
    6. That owner does not look like a proxy.
    7. A token, or the dashboard's session.
    """
    decision = _by_connection(scope, {0, os.geteuid(), *allowed_uids}, peer_lookup, peer_name, doubt_lookup)
    if not decision.allowed:
        bearer, cookie = _bearer(scope["headers"]), session.cookie_value(scope["headers"])
        if bearer is not None:
            decision = by_token(bearer, entries=entries, failures=failures, source=source, now=now)
        elif cookie is not None:
            decision = _by_session(scope, cookie, entries, now)
    return _within_role(decision, scope)


def by_token(
    token: str, *, entries: Sequence[TokenEntry], failures: FailedAttempts, source: str, now: datetime
) -> Decision:
    """Decide on a token alone, as login does.

    A right token never waits: else anybody who shares an address (a proxy's) with the operators could
    lock them out, while nobody guesses 256 bits however fast.
    """
    entry = match(entries, token)
    if entry:
        return Decision(200, "the token is known", entry.name, entry.role)
    wait = failures.wait_seconds(source, now)
    if wait:
        return Decision(429, "too many wrong tokens came from this address", retry_after=wait)
    failures.add(source, now)
    return Decision(401, "the token is not known")


def _by_connection(
    scope: Scope,
    trusted: Collection[int],
    peer_lookup: PeerLookup | None,
    peer_name: PeerName,
    doubt_lookup: DoubtLookup,
) -> Decision:
    if peer_lookup is None:
        return Decision(401, "plain requests are switched off")
    if doubt := _doubt_about_headers(scope["headers"]):
        return Decision(401, doubt)
    client, server = _loopback(scope.get("client")), _loopback(scope.get("server"))
    if client is None or server is None:
        return Decision(401, "the connection is not over loopback")
    try:
        peer = peer_lookup(client, server)
        # Because only a connection that is there still was there when the kernel was asked.
        if peer is None or _loopback(peer_name()) != client:
            return Decision(401, "the connection has gone or is out of sight")
        return _by_owner(peer, server[1], trusted, doubt_lookup)
    except OSError:
        return Decision(401, "the kernel does not say who is asking")


def _by_owner(peer: Peer, own_port: int, trusted: Collection[int], doubt_lookup: DoubtLookup) -> Decision:
    identity = f"uid:{peer.uid}"
    if peer.uid not in trusted or peer.uid == _OVERFLOW_UID:
        return Decision(401, f"uid {peer.uid} is neither root nor the server's user", identity)
    if doubt := doubt_lookup(peer, own_port):
        return Decision(401, doubt, identity)
    return Decision(200, "the kernel knows the caller as an operator", identity, Role.OPERATE)


def _by_session(scope: Scope, cookie: str, entries: Sequence[TokenEntry], now: datetime) -> Decision:
    role = session.verify(entries, cookie, now)
    if role is None:
        return Decision(401, "the session has ended")
    if not _is_safe(scope) and not session.is_same_origin(scope["headers"]):
        return Decision(403, "the session counts only on our own pages", "session", role)
    return Decision(200, "the session is valid", "session", role)


def _within_role(decision: Decision, scope: Scope) -> Decision:
    needed = Role.READ if _is_safe(scope) else Role.OPERATE
    if not decision.allowed or (decision.role and decision.role.includes(needed)):
        return decision
    return replace(decision, status=403, reason=f"this needs the role {needed}")


def _is_safe(scope: Scope) -> bool:
    # Because a websocket has no method and may do anything.
    return scope.get("method") in _SAFE_METHODS


def _bearer(headers: session.Headers) -> str | None:
    """The bearer token of a request, empty (and so never right) when there are several."""
    sent = [value.decode("latin-1") for name, value in headers if name == b"authorization"]
    scheme, _, token = (sent or [""])[0].partition(" ")
    if scheme.lower() != "bearer":
        return None
    return token.strip() if len(sent) == 1 else ""


def _doubt_about_headers(headers: session.Headers) -> str | None:
    for name, _ in headers:
        if name.lower() not in _PLAIN_HEADERS:
            shown = name[:_SHOWN_BYTES].decode("latin-1")
            return f"the header {shown!a} is not one that a bare client sends"
    return None if _names_loopback(headers) else "Host is not localhost, 127.0.0.1 or [::1]"


def _names_loopback(headers: session.Headers) -> bool:
    hosts = [value for name, value in headers if name.lower() == b"host"]
    return len(hosts) == 1 and _LOOPBACK_HOST.fullmatch(hosts[0]) is not None


def _loopback(address: tuple[str, int | None] | None) -> Endpoint | None:
    try:
        host, port = address or ("", None)
        ip = canonical(ip_address(host))
    except ValueError:
        return None
    return (ip, port) if ip.is_loopback and port is not None and 0 < port < 1 << 16 else None
