"""Services elsewhere, asked over HTTP: any answer below 500 says that the service can be reached.

Only the head of an answer is read, redirects are not followed, and the time-out is for everything
together: names, connection, TLS and a server that sends one byte a second.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore

from ...core.health import Level
from ..deadline import Deadline
from ..model import Reading

_GRACE_SECONDS = 0.5
_IN_URLS = "%!$&'()*+,;=:@/?~"
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not valid"),
    (ssl.SSLError, "TLS failed"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (socket.gaierror, "its name is not known"),
    (httpcore.RemoteProtocolError, "the answer was not HTTP"),
    (httpcore.TimeoutException, "no answer in time"),
)
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
    ValueError,
)


class HttpProbe:
    """Asks `url` with GET; only its scheme and host are ever told, because the rest may hold a key."""

    def __init__(self, name: str, url: str, timeout_seconds: float) -> None:
        self.name = name
        self.deadline_seconds = timeout_seconds + _GRACE_SECONDS
        self._url = url
        self._timeout = timeout_seconds
        # Because the answer of a name server cannot be cancelled, only left behind.
        self._deadline = Deadline(f"external-{name}", self.deadline_seconds)

    def sample(self) -> Reading:
        """Details: host, latency_ms, http_status and, with TLS, certificate_days_left."""
        reading = self._deadline.run(lambda: asyncio.run(self._ask_in_time()))
        return Reading(reading.level, reading.reason, {"host": _shown(self._url), **reading.details})

    async def _ask_in_time(self) -> Reading:
        try:
            return await asyncio.wait_for(self._ask(), self._timeout)
        except TimeoutError:
            return Reading(Level.DOWN, f"no answer within {self._timeout:g} s")
        except _FAILURES as error:
            return Reading(Level.DOWN, _reason(error))

    async def _ask(self) -> Reading:
        began = time.perf_counter()
        url, host = _parts(self._url)
        headers = [(b"host", host), (b"user-agent", b"atalaia")]
        # Because httpx, which is made of this, takes seven times the memory and logs whole URLs.
        async with (
            httpcore.AsyncConnectionPool(ssl_context=_trust()) as pool,
            pool.stream("GET", url, headers=headers) as answer,
        ):
            details = {
                "latency_ms": round((time.perf_counter() - began) * 1000, 1),
                "http_status": answer.status,
                **_certificate(answer.extensions.get("network_stream")),
            }
        if answer.status >= 500:
            return Reading(Level.DOWN, f"answered {answer.status}", details)
        return Reading(Level.OK, details=details)


@cache
def _trust() -> ssl.SSLContext:
    """One context for all checks, because making one takes ten times as long as a check."""
    return httpcore.default_ssl_context()


def _parts(url: str) -> tuple[httpcore.URL, bytes]:
    """Where to ask and for which host, as they go over the wire; ValueError where that cannot be."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("there is no host in it")
    host, port = parts.hostname.encode("idna"), parts.port
    named = b"[%b]" % host if b":" in host else host
    target = quote(parts.path or "/", _IN_URLS) + (f"?{quote(parts.query, _IN_URLS)}" if parts.query else "")
    address = httpcore.URL(scheme=parts.scheme, host=host, port=port, target=target)
    return address, named if port is None else b"%b:%d" % (named, port)


def _certificate(stream: Any) -> dict[str, int]:
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    ends = (tls.getpeercert() or {}).get("notAfter") if tls is not None else None
    if not isinstance(ends, str):
        return {}
    return {"certificate_days_left": int((ssl.cert_time_to_seconds(ends) - time.time()) // 86_400)}


def _reason(error: BaseException) -> str:
    """Words for what went wrong, taken from its kind and never from its text, which may hold the URL."""
    for cause in _causes(error):
        for kind, words in _WORDS:
            if isinstance(cause, kind):
                return words
    return f"cannot be reached ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what lies behind it, deepest first."""
    if error is None:
        return
    for behind in getattr(error, "exceptions", ()) or (error.__cause__ or error.__context__,):
        yield from _causes(behind)
    yield error


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname or ''}"
