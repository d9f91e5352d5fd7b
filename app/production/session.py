"""The dashboard's session: a signed cookie which every worker can check and nobody has to store."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from .tokens import Role, TokenEntry

Headers = Iterable[tuple[bytes, bytes]]

_COOKIE = "atalaia_session"


def issue(entries: Sequence[TokenEntry], role: Role, now: datetime, *, hours: float = 12) -> str:
    """A cookie value `role.expiry.nonce.HMAC` that lasts until `hours` are over or a token changes."""
    if not entries:
        raise ValueError("a session needs a token to be signed with")
    expiry = int((now + timedelta(hours=hours)).timestamp())
    claim = f"{role}.{expiry}.{secrets.token_urlsafe(12)}"
    return f"{claim}.{_signature(entries, claim)}"


def verify(entries: Sequence[TokenEntry], value: str, now: datetime) -> Role | None:
    """The role of a cookie value that we issued and that has not ended."""
    claim, _, signature = value.rpartition(".")
    # Because without tokens everybody could compute the key.
    if not entries or not hmac.compare_digest(signature.encode(), _signature(entries, claim).encode()):
        return None
    role, expiry, _ = claim.split(".")
    return Role(role) if now.timestamp() < int(expiry) else None


def cookie_header(value: str, *, secure: bool, hours: float = 12) -> str:
    """The Set-Cookie header that keeps the session; an empty value ends it. `secure`: over https."""
    seconds = int(hours * 3600) if value else 0
    name, end = (f"__Host-{_COOKIE}", "; Secure") if secure else (_COOKIE, "")
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{end}"


def cookie_value(headers: Headers) -> str | None:
    """Our cookie among the request's, the __Host- one first as no subdomain can have set it."""
    sent = b"; ".join(value for name, value in headers if name == b"cookie").decode("latin-1")
    cookies = dict(reversed([pair.strip().partition("=")[::2] for pair in sent.split(";")]))
    return cookies.get(f"__Host-{_COOKIE}", cookies.get(_COOKIE))


def is_same_origin(headers: Headers) -> bool:
    """Whether the browser says that the page which sends this request is our own."""
    sent = list(headers)
    site = [value for name, value in sent if name == b"sec-fetch-site"]
    if site:
        return site == [b"same-origin"]
    origin = [value.decode("latin-1").lower() for name, value in sent if name == b"origin"]
    host = [value.decode("latin-1").lower() for name, value in sent if name == b"host"]
    return len(origin) == len(host) == 1 and bool(host[0]) and _authority(origin[0]) == host[0]


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _signature(entries: Sequence[TokenEntry], claim: str) -> str:
    key = hashlib.sha256(b"atalaia session\n" + "\n".join(sorted(map(str, entries))).encode()).digest()
    return hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()
