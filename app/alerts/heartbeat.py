"""Tells a watch outside of this host that alerts are being delivered; its silence is then the alarm.

The address is one of healthchecks.io or of any service with its ways: a POST says that all is well, one
to <address>/fail that it is not, and the body says what is wrong.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request

from pydantic import SecretStr

from .channels.http import exchange, refusal

NAME = "heartbeat"
_DEADLINE_SECONDS = 10.0
_BODY = 10_000


class Heartbeat:
    """One address; `beat` raises DeliveryFailed when it did not take it within ten seconds."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    def beat(self, trouble: str) -> None:
        """Say that all is well, or what is not."""
        where = urlsplit(self._url.get_secret_value())
        path = f"{where.path.rstrip('/')}/fail" if trouble else where.path
        request = Request(  # noqa: S310 the settings take http and https only
            urlunsplit(where._replace(path=path)), data=trouble.encode()[:_BODY], method="POST"
        )
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        answer = exchange(NAME, request, _DEADLINE_SECONDS)
        if answer.status >= 300:
            raise refusal(NAME, answer, hint="Check ALERT_HEARTBEAT_URL.")
