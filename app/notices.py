"""What Atalaia says of itself to the alerts page: none of these is the business of one page."""

from __future__ import annotations

from .core.guard import Failure
from .core.signal import Category, Severity, Signal
from .core.workers import Worker

_EXPIRES_SECONDS = 900


def worker_died(worker: Worker) -> Signal:
    """A process ended without saying goodbye."""
    return Signal(
        source="app",
        key=f"worker:{worker.pid}:{worker.started_at}",
        title=f"Worker {worker.pid} died without a word",
        message=f"It had worked since {worker.started_at}; it was killed or it crashed.",
        severity=Severity.HIGH,
        category=Category.SYSTEM,
        labels={"pid": str(worker.pid)},
        code="worker_died",
        expires_seconds=_EXPIRES_SECONDS,
    )


def access_attack(client: str) -> Signal:
    """Somebody guesses tokens."""
    return Signal(
        source="app",
        key=f"access:{client}",
        title=f"{client} keeps trying wrong tokens",
        message="It is refused for a while each time; see logs/security.log.",
        severity=Severity.HIGH,
        category=Category.SECURITY,
        labels={"client": client},
        code="access_attack",
        expires_seconds=_EXPIRES_SECONDS,
    )


def internal_failure(place: str, failure: Failure) -> Signal:
    """A guard kept an exception of ours from the host."""
    return Signal(
        source="app",
        key=f"internal:{place}",
        title=f"Atalaia itself failed in {place}",
        message=f"{failure.count} times since this process began, last: {failure.last}",
        severity=Severity.MEDIUM,
        category=Category.SYSTEM,
        labels={"place": place},
        code="internal_failure",
        value=float(failure.count),
        expires_seconds=_EXPIRES_SECONDS,
    )
