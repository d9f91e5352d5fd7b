"""To whom a notice goes: the channels that take its severity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..core.signal import Severity
from .model import Alert

CHANNEL_FAILED = "channel_failed"
"""The code of the alert that a channel fails; its label `channel` says which."""


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and the severity from which on it is used."""

    channel: str
    minimum: Severity


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a channel is used: `why_not` is empty when it is."""

    channel: str
    why_not: str = ""


def decide(alert: Alert, routes: Iterable[Route]) -> list[Decision]:
    """One decision for each route."""
    return [Decision(route.channel, _why_not(alert, route)) for route in routes]


def _why_not(alert: Alert, route: Route) -> str:
    if alert.code == CHANNEL_FAILED and alert.labels.get("channel") == route.channel:
        return "it is this channel that fails"
    if alert.severity.rank < route.minimum.rank:
        return f"{route.channel} is used from {route.minimum} on"
    return ""
