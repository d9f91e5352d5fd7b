"""To whom a notice goes."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from app.alerts.hours import Hours, days_of
from app.alerts.routing import Decision, Route, Routing, Rule
from app.core.signal import Severity

from .examples import NOON, fired

LOW, HIGH = Severity.LOW, Severity.HIGH
ROUTES = (Route("email", LOW), Route("whatsapp", HIGH), Route("email:ana", LOW), Route("whatsapp:ana", HIGH))
OFFICE = Hours(time(8), time(18), ZoneInfo("UTC"), days_of("Mon-Fri"))


def told(*rules: Rule, severity: Severity = HIGH, hours: float = 0) -> list[str]:
    """The lanes that an alert goes to."""
    decisions = Routing(ROUTES, rules).decide(fired(severity=severity), NOON + timedelta(hours=hours))
    return [decision.channel for decision in decisions if not decision.why_not]


def test_channel_takes_its_severity_and_worse() -> None:
    """A MEDIUM alert goes by mail, and why it does not go to WhatsApp is said; people only by a route."""
    assert Routing(ROUTES).decide(fired(severity=Severity.MEDIUM), NOON) == [
        Decision("email"),
        Decision("whatsapp", "whatsapp is used from HIGH on"),
    ]
    assert told() == ["email", "whatsapp"]


def test_failure_of_a_channel_is_told_by_the_others() -> None:
    """Nothing is gained by writing a mail about mails that fail."""
    broken = fired(code="channel_failed", labels={"channel": "email"})
    assert Routing(ROUTES).decide(broken, NOON) == [
        Decision("email", "it is this channel that fails"),
        Decision("whatsapp"),
    ]


def test_first_route_that_matches_decides() -> None:
    """And the channels that it leaves out are told why."""
    shop = Rule("shop", {"category": "BUSINESS"}, ("ana",))
    assert told(shop, Rule("rest", {}, ("email",))) == ["email:ana", "whatsapp:ana"]
    decisions = Routing(ROUTES, (shop,)).decide(fired(), NOON)
    assert Decision("email", "the route shop sends it elsewhere") in decisions
    assert Decision("email:ana", "", "shop") in decisions


def test_route_that_goes_on_adds_to_the_next() -> None:
    """Nobody is told twice, and a channel's own severity still holds."""
    routes = Rule("a", {}, ("email", "ana"), goes_on=True), Rule("b", {}, ("whatsapp", "email"))
    assert sorted(told(*routes)) == ["email", "email:ana", "whatsapp", "whatsapp:ana"]
    assert sorted(told(*routes, severity=LOW)) == ["email", "email:ana"]


def test_route_holds_within_its_hours_or_outside_of_them() -> None:
    """Monday noon is office time, Monday midnight is not."""
    day = Rule("day", {}, ("email",), OFFICE)
    night = Rule("night", {}, ("whatsapp",), OFFICE, outside=True)
    assert told(day, night) == ["email"]
    assert told(day, night, hours=12) == ["whatsapp"]


def test_alert_that_no_route_takes_goes_everywhere() -> None:
    """A gap between the routes must not swallow it."""
    assert told(Rule("x", {"category": "SYSTEM"}, ("email",))) == ["email", "whatsapp"]


def test_names_stand_for_lanes() -> None:
    """A channel for itself, a person for all her addresses, both for one of them."""
    routing = Routing(ROUTES)
    assert routing.lanes_of(["email", "ana", "whatsapp:ana"]) == ["email", "email:ana", "whatsapp:ana"]
    assert routing.lanes_of(["nobody"]) == []
