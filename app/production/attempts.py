"""Slows down whoever guesses tokens: after five failures within a minute a source has to wait."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil
from threading import Lock

from .sock_diag import canonical

_ALLOWED = 5
_WINDOW = timedelta(minutes=1)
_SOURCES = 1_000


class FailedAttempts:
    """The recent failures of each source in this process; bounded, the longest silent source goes first."""

    def __init__(self) -> None:
        self._by_source: OrderedDict[str, list[datetime]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._by_source)

    def wait_seconds(self, source: str, now: datetime) -> int:
        """How long this source has to wait before its next attempt, 0 when it need not."""
        with self._lock:
            recent = _recent(self._by_source.get(source, []), now)
        return ceil((recent[0] + _WINDOW - now).total_seconds()) if len(recent) >= _ALLOWED else 0

    def add(self, source: str, now: datetime) -> None:
        """Count one failure."""
        with self._lock:
            recent = _recent(self._by_source.pop(source, []), now)
            self._by_source[source] = [*recent, now][-_ALLOWED:]
            while len(self._by_source) > _SOURCES:
                self._by_source.popitem(last=False)


def source_of(client: tuple[str, int] | None) -> str:
    """Whom a failure is counted against: an IPv4 address or the /64 of an IPv6 one.

    Anything else, which only a proxy header can have put there, shares one source.
    """
    try:
        address = canonical(ip_address(client[0] if client else ""))
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ip_network((address.packed, 64), strict=False))
    return str(address)


def _recent(failures: list[datetime], now: datetime) -> list[datetime]:
    # Because after the clock was put back, failures of the future must not shut anybody out.
    return [at for at in failures if timedelta(0) <= now - at < _WINDOW]
