"""How what just happens is told where a file says so: not at all, with another severity, with a runbook."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ...core.signal import Condition, Signal
from .shipping import EventRule


def adapted(signal: Signal, events: Iterable[EventRule]) -> Signal | None:
    """The signal as the first rule wants it that takes it; None when nobody wants it.

    What is switched off and was raised before is over.
    """
    if signal.condition is Condition.CLEARED:
        return signal
    rule = next((rule for rule in events if rule.takes(signal)), None)
    if rule is None:
        return signal
    if not rule.enabled:
        return replace(signal, condition=Condition.CLEARED) if signal.condition is Condition.RAISED else None
    runbook = {"runbook": rule.runbook} if rule.runbook else {}
    labels = {**signal.labels, **rule.labels, **runbook}
    return replace(signal, severity=rule.severity or signal.severity, labels=labels)
