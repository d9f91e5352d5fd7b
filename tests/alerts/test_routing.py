"""To whom a notice goes."""

from __future__ import annotations

from app.alerts.routing import Decision, Route, decide
from app.core.signal import Severity

from .examples import fired

ROUTES = (Route("email", Severity.LOW), Route("whatsapp", Severity.HIGH))


def test_channel_takes_its_severity_and_worse() -> None:
    """A MEDIUM alert goes by mail, and why it does not go to WhatsApp is said."""
    assert decide(fired(severity=Severity.MEDIUM), ROUTES) == [
        Decision("email"),
        Decision("whatsapp", "whatsapp is used from HIGH on"),
    ]
    assert not any(decision.why_not for decision in decide(fired(severity=Severity.HIGH), ROUTES))


def test_failure_of_a_channel_is_told_by_the_others() -> None:
    """Nothing is gained by writing a mail about mails that fail."""
    broken = fired(code="channel_failed", labels={"channel": "email"})
    assert decide(broken, ROUTES) == [
        Decision("email", "it is this channel that fails"),
        Decision("whatsapp"),
    ]
