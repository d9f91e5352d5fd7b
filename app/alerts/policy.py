"""How alerts are handled here, made of the settings, the plan and the channels: values and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ..core.signal import Severity
from .bucket import stricter
from .escalation import Ladder, Rung
from .grouping import Grouping
from .model import Limits
from .overlays import Cooldown, Window
from .plan import EscalationRule, InhibitRule, MaintenanceWindow, Plan, QuietHours, RouteRule
from .routing import Route, Routing, Rule
from .settings import AlertSettings


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel, or a channel to one person (channel:person), as the engine treats it.

    limits: how many messages it gets; digests: whether what comes together is put into one message;
    can_be_asked: whether it finds again what a crash may have delivered.
    """

    name: str
    minimum: Severity = Severity.LOW
    limits: Limits = field(default_factory=Limits)
    digests: bool = False
    can_be_asked: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides what is sent, to whom, and when."""

    lanes: tuple[Lane, ...]
    cooldown: Cooldown
    grouping: Grouping
    routing: Routing
    zone: ZoneInfo
    ladders: tuple[Ladder, ...] = ()
    inhibit: tuple[InhibitRule, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    quiet_hours: QuietHours | None = None
    fallback: tuple[str, ...] = ()
    announces_acknowledgements: bool = True
    settle: timedelta = timedelta(0)
    by_name: Mapping[str, Lane] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {lane.name: lane for lane in self.lanes})

    def lane(self, name: str) -> Lane:
        """The lane of that name; one that is no longer configured has no limits."""
        return self.by_name.get(name) or Lane(name)

    def windows(self, now: datetime) -> list[Window]:
        """The maintenance that is under way."""
        ends = [(window, window.end_after(now, self.zone)) for window in self.maintenance]
        return [Window(window.name, window.match, end) for window, end in ends if end is not None]

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours end in which `now` lies."""
        return None if self.quiet_hours is None else self.quiet_hours.hours(self.zone).end_after(now)

    def fallbacks(self, lane: str) -> list[str]:
        """Who is asked, in this order, when a lane refuses for good: first the same person elsewhere."""
        person = lane.partition(":")[2]
        same = [other.name for other in self.lanes if person and other.name.partition(":")[2] == person]
        others = self.fallback or [other.name for other in self.lanes if ":" not in other.name]
        return [name for name in dict.fromkeys([*same, *others]) if name != lane]


def policy_of(settings: AlertSettings, plan: Plan, lanes: Iterable[Lane]) -> Policy:
    """The policy of an installation."""
    known = tuple(lanes)
    zone = ZoneInfo(settings.timezone or "UTC")
    routes = tuple(Route(lane.name, lane.minimum, waits=lane.digests) for lane in known)
    return Policy(
        lanes=known,
        cooldown=settings.cooldown_seconds,
        grouping=Grouping(settings.group_by, settings.group_wait_seconds),
        routing=Routing(routes, tuple(_rule(route, zone) for route in plan.routes)),
        zone=zone,
        ladders=tuple(_ladder(number, rule) for number, rule in enumerate(plan.escalation, start=1)),
        inhibit=plan.inhibit,
        maintenance=plan.maintenance,
        quiet_hours=plan.quiet_hours,
        fallback=settings.fallback,
        announces_acknowledgements=settings.announce_acknowledgements,
        settle=timedelta(seconds=settings.settle_seconds),
    )


def lane_limits(settings: AlertSettings, own: Limits, *, digests: bool) -> Limits:
    """A channel's own limits, and for one that people read also those of their attention."""
    return stricter(own, Limits(settings.burst, settings.refill_seconds)) if digests else own


def _rule(route: RouteRule, zone: ZoneInfo) -> Rule:
    hours = route.hours.hours(zone) if route.hours is not None else None
    return Rule(route.name, route.match, route.to, hours, route.outside, route.go_on)


def _ladder(number: int, rule: EscalationRule) -> Ladder:
    rungs = tuple(Rung(timedelta(minutes=step.after_minutes), step.to) for step in rule.steps)
    return Ladder(rule.name or f"number {number}", rule.match, rungs)
