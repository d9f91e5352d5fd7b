"""The life of a rule's condition, with Prometheus' semantics of `for` and `keep_firing_for`.

https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/; `recover` is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .model import NoData, Rule


class Phase(StrEnum):
    """PENDING: it holds, not yet for long enough. RECOVERING: it fired and does not hold any more."""

    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"

    @property
    def is_firing(self) -> bool:
        return self is not Phase.PENDING


@dataclass(frozen=True, slots=True)
class Instance:
    """A condition that is not inactive; times in seconds since 1970, `value` is the last that was seen."""

    phase: Phase
    active_at: float
    value: float
    quiet_at: float | None = None


def step(last: Instance | None, value: float | None, now: float, rule: Rule) -> Instance | None:
    """The condition after one evaluation; None is inactive. `value` is None when there was nothing to see.

    1. Nothing seen: it is as if it did not hold, unless the rule says to keep what was.
    2. It holds: active since it began to, firing once that is `for` ago.
    3. It does not: what was pending is over; what fired is over once that is `keep_firing_for` ago.
    """
    if value is None and rule.no_data is NoData.KEEP:
        return last
    firing = last is not None and last.phase.is_firing
    if value is not None and rule.holds(value, firing=firing):
        active_at = last.active_at if last is not None else now
        fires = firing or now - active_at >= rule.hold_seconds
        return Instance(Phase.FIRING if fires else Phase.PENDING, active_at, value)
    if last is None or not firing:
        return None
    quiet_at = last.quiet_at if last.quiet_at is not None else now
    if now - quiet_at >= rule.keep_firing_seconds:
        return None
    seen = last.value if value is None else value
    return replace(last, phase=Phase.RECOVERING, quiet_at=quiet_at, value=seen)
