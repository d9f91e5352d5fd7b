"""The life of a rule's condition, with Prometheus' semantics of `for` and `keep_firing_for`.

https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/; `recover` is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """A condition that is not inactive; times in seconds since 1970, `value` is the last that was seen.

    `is_critical`: it is beyond the second threshold of its rule.
    """

    phase: Phase
    active_at: float
    value: float
    quiet_at: float | None = None
    is_critical: bool = False


def step(
    last: Instance | None, values: Sequence[float], now: float, rule: Rule, *, is_thin: bool = False
) -> Instance | None:
    """The condition after one evaluation; None is inactive.

    `values` are the last ones that were seen, the newest last; none when there is nothing to see. What
    is thin begins nothing.

    1. Nothing seen: it is as if it did not hold, unless the rule says to keep what was.
    2. Fewer values than the rule asks for: nothing changes.
    3. It holds: active since it began to, firing once that is `for` ago.
    4. It does not: what was pending is over; what fired is over once that is `keep_firing_for` ago.
    """
    if len(values) < rule.samples and (values or rule.no_data is NoData.KEEP):
        return last
    recent = values[-rule.samples :]
    if recent and (holding := _holding(last, recent, now, rule, is_thin=is_thin)):
        return holding
    if last is None or not last.phase.is_firing:
        return None
    quiet_at = last.quiet_at if last.quiet_at is not None else now
    if now - quiet_at >= rule.keep_firing_seconds:
        return None
    seen = values[-1] if values else last.value
    return replace(last, phase=Phase.RECOVERING, quiet_at=quiet_at, value=seen)


def _holding(
    last: Instance | None, values: Sequence[float], now: float, rule: Rule, *, is_thin: bool
) -> Instance | None:
    firing = last is not None and last.phase.is_firing
    if not rule.holds(values, firing=firing) or (is_thin and not firing):
        return None
    active_at = last.active_at if last is not None else now
    fires = firing or now - active_at >= rule.hold_seconds
    critical = rule.is_critical(values, so_far=last is not None and last.is_critical)
    return Instance(Phase.FIRING if fires else Phase.PENDING, active_at, values[-1], is_critical=critical)
