"""How a condition is said to the alerts page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...core.signal import Category, Severity, Signal
from .model import Rule
from .phases import Instance, Phase
from .readings import Series
from .watches import Watch

_FIELD = re.compile(r"\{(\w+)\}")


def key_of(watch: Watch, series: Series) -> str:
    """The same for the same condition, every time: rule:<watch>{label="value"}."""
    shown = ",".join(f'{name}="{value}"' for name, value in series)
    return f"rule:{watch.key}" + (f"{{{shown}}}" if shown else "")


def failure_key_of(watch: Watch) -> str:
    """What the failure of a watch is said under."""
    return f"rule:{watch.key}:failed"


def raised(watch: Watch, series: Series, now: Instance, recent: Sequence[float]) -> Signal:
    """That a condition is so; `recent` are the last values of its series, oldest first."""
    rule = watch.rule
    labels = {**dict(series), **rule.labels, "rule": rule.name}
    if len(recent) > 1:
        labels["recent_values"] = ",".join(f"{value:.6g}" for value in recent)
    if rule.runbook:
        labels["runbook"] = rule.runbook
    return Signal(
        source="alerts",
        key=key_of(watch, series),
        title=_filled(rule.shown_title, labels),
        severity=rule.severity,
        category=rule.category,
        message=_message(rule, now, labels),
        labels=labels,
        code=watch.code,
        value=now.value,
        threshold=rule.value,
    )


def failed(watch: Watch) -> Signal:
    """That a rule could not be evaluated."""
    return Signal(
        source="alerts",
        key=failure_key_of(watch),
        title=f"The rule {watch.rule.name} could not be evaluated",
        severity=Severity.MEDIUM,
        category=Category.SYSTEM,
        message="What it is about is not watched meanwhile; the status says why, under internal.",
        labels={"rule": watch.rule.name},
        code="rule_failed",
    )


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: known.get(match[1], match[0]), text)


def _message(rule: Rule, now: Instance, labels: Mapping[str, str]) -> str:
    if rule.message:
        known = {**labels, "value": f"{now.value:.4g}", "threshold": f"{rule.value:g}"}
        return _filled(rule.message, known)
    compared = f"{now.value:.4g} {rule.operator} {rule.value:g}"
    return compared if now.phase is Phase.FIRING else f"{now.value:.4g}: going back, not for long enough yet"
