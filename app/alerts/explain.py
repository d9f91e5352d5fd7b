"""Who would be told of an alert, when, and why: the same decisions, asked without an alert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..core.clock import rfc3339
from ..core.signal import Category, Severity, Signal
from .escalation import ladder_of
from .facts import observed, unchanged
from .model import Alert, Kind, Told
from .overlays import Circumstances, hold
from .policy import Policy
from .routing import Decision
from .rules.adaptation import adapted
from .rules.shipping import EventRule
from .state import observe

SWITCHED_OFF: dict[str, Any] = {
    "severity": None,
    "told": [],
    "not_told": [],
    "held": {"why": "a rule of the file switches it off", "until": None},
    "escalation": [],
}
"""The explanation of what is not even raised."""


def supposed(
    severity: Severity,
    category: Category,
    at: datetime,
    labels: Mapping[str, str],
    rules: Iterable[EventRule] = (),
    **fields: str,
) -> Alert | None:
    """An alert that would begin then, as the file's rules have it; None when they switch it off.

    `fields` are title, key, source and code.
    """
    said: dict[str, Any] = {"title": "Example", "key": "example", "source": "app", **fields}
    wanted = adapted(Signal(severity=severity, category=category, labels=labels, **said), rules)
    return observe(None, None, observed(wanted, at, unchanged)).alert if wanted is not None else None


def explain(policy: Policy, alert: Alert, now: datetime) -> dict[str, Any]:
    """{"severity", "told": [...], "not_told": [...], "held": why, "escalation": [...]}."""
    decisions = policy.routing.decide(alert, now)
    around = Circumstances(
        maintenance=policy.windows(now),
        quiet_until=policy.quiet_until(now),
        quiet_severities=policy.quiet_hours.severities if policy.quiet_hours else (),
    )
    held = hold(Kind.FIRED, alert, Told(alert.fingerprint, ""), around, policy.cooldown, now)
    return {
        "severity": alert.severity,
        "told": [_told(policy, alert, decision) for decision in decisions if not decision.why_not],
        "not_told": [
            {"channel": decision.channel, "why": decision.why_not}
            for decision in decisions
            if decision.why_not
        ],
        "held": None
        if held is None
        else {"why": held.why, "until": rfc3339(held.until) if held.until else None},
        "escalation": _ladder(policy, alert),
    }


def _told(policy: Policy, alert: Alert, decision: Decision) -> dict[str, Any]:
    route = policy.routing.by_name[decision.channel]
    wait = policy.grouping.wait_of(alert, Kind.FIRED) if route.waits else 0.0
    why = f"the route {decision.rule}" if decision.rule else f"every channel from {route.minimum} on"
    return {"channel": decision.channel, "why": why, "after_seconds": wait}


def _ladder(policy: Policy, alert: Alert) -> list[dict[str, Any]]:
    ladder = ladder_of(alert, policy.ladders)
    return [
        {"after_minutes": rung.after.total_seconds() / 60, "channels": policy.routing.lanes_of(rung.to)}
        for rung in (ladder.rungs if ladder is not None else ())
    ]
