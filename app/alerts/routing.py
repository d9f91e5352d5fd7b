"""To whom a notice goes: the lanes that a route names, else every channel that takes its severity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..core.signal import Severity
from .hours import Hours
from .matching import Matchers, matches
from .model import Alert

CHANNEL_FAILED = "channel_failed"
"""The code of the alert that a channel fails; its label `channel` says which."""


@dataclass(frozen=True, slots=True)
class Route:
    """A lane (a channel, or channel:person) and the severity from which on it is used.

    waits: whether what goes there waits for the others of its group.
    """

    channel: str
    minimum: Severity
    waits: bool = False

    @property
    def person(self) -> str:
        """Whose lane it is, "" when it is the channel's own."""
        return self.channel.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Rule:
    """Alerts that match go to whom `to` names, within `hours` or `outside` of them."""

    name: str
    match: Matchers
    to: tuple[str, ...]
    hours: Hours | None = None
    outside: bool = False
    goes_on: bool = False

    def takes(self, alert: Alert, now: datetime) -> bool:
        """Whether the rule is about the alert, now."""
        if self.hours is not None and (self.hours.end_after(now) is not None) is self.outside:
            return False
        return matches(self.match, alert)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a lane is used: `why_not` is empty when it is; `rule` is the name of what decided."""

    channel: str
    why_not: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """Every lane, and the rules that choose among them."""

    routes: tuple[Route, ...]
    rules: tuple[Rule, ...] = ()
    by_name: Mapping[str, Route] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {route.channel: route for route in self.routes})

    def decide(self, alert: Alert, now: datetime) -> list[Decision]:
        """One decision for each channel of its own, and for each lane that a rule names."""
        chosen = self._chosen(alert, now)
        own = [route for route in self.routes if not route.person]
        if chosen is None:
            return [Decision(route.channel, _why_not(alert, route)) for route in own]
        decisions = [
            Decision(name, _why_not(alert, self.by_name[name]), rule) for name, rule in chosen.items()
        ]
        said = "; ".join(dict.fromkeys(chosen.values()))
        elsewhere = [route.channel for route in own if route.channel not in chosen]
        return decisions + [Decision(name, f"the route {said} sends it elsewhere") for name in elsewhere]

    def lanes_of(self, names: Iterable[str]) -> list[str]:
        """The lanes that names of channels and people stand for."""
        found = []
        for name in names:
            found += [name] if name in self.by_name else [r.channel for r in self.routes if r.person == name]
        return list(dict.fromkeys(found))

    def _chosen(self, alert: Alert, now: datetime) -> dict[str, str] | None:
        """Lane → the rule that names it; None when no rule takes the alert."""
        chosen: dict[str, str] | None = None
        for number, rule in enumerate(self.rules, start=1):
            if rule.takes(alert, now):
                name = rule.name or f"number {number}"
                chosen = {**dict.fromkeys(self.lanes_of(rule.to), name), **(chosen or {})}
                if not rule.goes_on:
                    break
        return chosen


def _why_not(alert: Alert, route: Route) -> str:
    if alert.code == CHANNEL_FAILED and alert.labels.get("channel") == route.channel:
        return "it is this channel that fails"
    if alert.severity.rank < route.minimum.rank:
        return f"{route.channel} is used from {route.minimum} on"
    return ""
