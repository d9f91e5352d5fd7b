"""One HTTP exchange: a total deadline, no redirects, a bounded answer, errors without addresses."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, partial
from typing import Any

from ...core.errors import DeliveryFailed
from .deadline import Lifeline, reason_of, within

DEADLINE_SECONDS = 10.0
ANSWER_BYTES, LIST_BYTES = 64 << 10, 2 << 20
"""The most that is read of an answer, and of one that lists what was sent."""
_LONGEST_WAIT = 86400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and as much of the body as was to be read."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def is_good(self) -> bool:
        """Accepted."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """The seconds that the other side asked for, as a number or as a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isdecimal() and len(text) < 10:
            return min(float(text), _LONGEST_WAIT)
        # Because a date is meant by the clock of whom it comes from.
        until, now = _moment(text), _moment(self.headers.get("date", "")) or datetime.now(UTC)
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT) if until else None


def exchange(
    who: str,
    request: urllib.request.Request,
    deadline_seconds: float = DEADLINE_SECONDS,
    most: int = ANSWER_BYTES,
) -> Answer:
    """The answer, whatever its status; DeliveryFailed when there is none within the deadline.

    Of its body `most` bytes are read.

    Proxies of the environment (HTTPS_PROXY, NO_PROXY) are used, as everything else on the host does.
    """
    return within(deadline_seconds, who, partial(_open, who, request, deadline_seconds, most))


def json_request(url: str, content: object, headers: Mapping[str, str]) -> urllib.request.Request:
    """A POST of a JSON document."""
    body = json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace")
    said = {"Content-Type": "application/json", "User-Agent": "atalaia", **headers}
    return urllib.request.Request(url, data=body, headers=said, method="POST")  # noqa: S310 checked in settings


def refusal(who: str, answer: Answer, said: str = "", hint: str = "") -> DeliveryFailed:
    """The failure that an answer other than 2xx means."""
    status = answer.status
    return DeliveryFailed(
        f"{who} answered {status}{f' ({said})' if said else ''}",
        hint,
        permanent=status not in (408, 425, 429) and status < 500,
        retry_after=answer.retry_after,
    )


def _open(who: str, request: urllib.request.Request, seconds: float, most: int, lifeline: Lifeline) -> Answer:
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), _Plain(lifeline), _Tls(lifeline)):
        opener.add_handler(handler)
    try:
        with opener.open(request, timeout=seconds) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = response.read(most).decode("utf-8", "replace")
            return Answer(response.status, headers, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Because the text of the error may hold the address, which is a credential here.
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        fact = f"{who} cannot be reached ({reason_of(cause)})"
        raise DeliveryFailed(fact, _hint(cause), uncertain=lifeline.handed_over) from None


def _moment(text: str) -> datetime | None:
    """A date of HTTP, None when the text is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _hint(cause: object) -> str:
    if isinstance(cause, ssl.SSLError):
        return (
            "Its certificate or TLS version is not accepted: check the address and the system's certificates."
        )
    return "Check the address in the settings, the network and the name server."


class _PlainConnection(http.client.HTTPConnection):
    """Gives its socket into keeping before anything is read from it."""

    lifeline: Lifeline

    def connect(self) -> None:
        super().connect()
        self.lifeline.keep(self.sock)

    def getresponse(self) -> http.client.HTTPResponse:
        self.lifeline.handed_over = True
        return super().getresponse()


class _TlsConnection(http.client.HTTPSConnection, _PlainConnection):
    """The same; the order of its bases puts keeping before the handshake."""


def _connection(
    kind: type[_PlainConnection], lifeline: Lifeline, *args: Any, **named: Any
) -> _PlainConnection:
    made = kind(*args, **named)
    made.lifeline = lifeline
    return made


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, lifeline: Lifeline) -> None:
        super().__init__()
        self._make = partial(_connection, _PlainConnection, lifeline)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req)


class _Tls(urllib.request.HTTPSHandler):
    def __init__(self, lifeline: Lifeline) -> None:
        super().__init__()
        self._make = partial(_connection, _TlsConnection, lifeline)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req, context=_trust())


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
