"""How a condition is said to the alerts page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...core.measure import Sample, Vital
from ...core.signal import Category, Condition, Severity, Signal
from ..headings import HEADINGS, OWN_WORDS
from .model import MetricRule, Rule, Share
from .phases import Instance, Phase
from .readings import Series
from .watches import Watch

_FIELD = re.compile(r"\{(\w+)\}")
_BEYOND = {
    ">": "is over",
    ">=": "is at least",
    "<": "is under",
    "<=": "is at most",
    "==": "is",
    "!=": "is not",
}


def key_of(watch: Watch, series: Series) -> str:
    """The same for the same condition, every time: rule:<watch>{label="value"}."""
    if watch.shipped is not None:
        return _filled(watch.shipped.key, dict(series))
    shown = ",".join(f'{name}="{value}"' for name, value in series)
    return f"rule:{watch.key}" + (f"{{{shown}}}" if shown else "")


def failure_key_of(watch: Watch) -> str:
    """What the failure of a watch is said under."""
    return f"rule:{watch.key}:failed"


def severity_of(rule: Rule, now: Instance) -> Severity:
    """How bad it is: from the second threshold on it is CRITICAL."""
    return Severity.CRITICAL if now.is_critical else rule.severity


def raised(
    watch: Watch, series: Series, now: Instance, recent: Sequence[float], sample: Sample | None
) -> Signal:
    """That a condition is so; `recent` are the last values of its series, oldest first.

    `sample`: the one that was seen now, None when there was none.
    """
    rule, shipped = watch.rule, watch.shipped
    labels = {**dict(series), **_notes(sample), **rule.labels, "rule": rule.name, **_own_words(watch)}
    tells_numbers = shipped is None or not shipped.counts
    if tells_numbers and len(recent) > 1:
        labels["recent_values"] = ",".join(f"{value:.6g}" for value in recent)
    if rule.runbook:
        labels["runbook"] = rule.runbook
    return Signal(
        source=watch.source,
        key=key_of(watch, series),
        title=_filled(rule.shown_title, labels),
        severity=severity_of(rule, now),
        category=rule.category,
        message=_message(rule, now, labels, sample),
        labels=labels,
        code=watch.code,
        value=now.value if tells_numbers else None,
        threshold=rule.threshold(critical=now.is_critical) if tells_numbers else None,
        expires_seconds=shipped.expires_seconds if shipped else None,
    )


def cleared(watch: Watch, series: Series) -> Signal:
    """That a condition is not so, whether or not it ever was."""
    rule = watch.rule
    return Signal(
        watch.source,
        key_of(watch, series),
        _filled(rule.shown_title, dict(series)),
        rule.severity,
        rule.category,
        Condition.CLEARED,
        code=watch.code,
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


def _notes(sample: Sample | None) -> Mapping[str, str]:
    return sample.notes if isinstance(sample, Vital) else {}


def _own_words(watch: Watch) -> Mapping[str, str]:
    """Which words are a file's own, where ours are known too: those are told as they are."""
    if watch.code not in HEADINGS or not isinstance(watch.rule, MetricRule):
        return {}
    changed = watch.rule.changed
    own = [word for word in ("title", "message") if changed is None or word in changed]
    return {OWN_WORDS: " ".join(own)} if own else {}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: known.get(match[1], match[0]), text)


def _message(rule: Rule, now: Instance, labels: Mapping[str, str], sample: Sample | None) -> str:
    about = sample.about if isinstance(sample, Vital) else ""
    if rule.message:
        limit = rule.threshold(critical=now.is_critical)
        known = {**labels, "value": f"{now.value:.4g}", "threshold": f"{limit:g}", "about": about}
        return _filled(rule.message, known)
    return f"{about}: {_compared(rule, now)}" if about else _compared(rule, now)


def _compared(rule: Rule, now: Instance) -> str:
    unit = f" {rule.unit}" if rule.unit else ""
    threshold = rule.threshold(critical=now.is_critical)
    value, limit = f"{now.value:.4g}{unit}", f"{threshold:g}{unit}"
    if now.phase is not Phase.FIRING:
        return f"{value}: going back, not for long enough yet"
    if rule.passes(now.value, threshold):
        times = f" in {rule.samples} samples in a row" if rule.samples > 1 else ""
        return f"{value} {_BEYOND[rule.operator]} {limit}{times}"
    side = "below" if rule.operator in (">", ">=") else "above"
    if isinstance(rule.recover, Share):
        return f"{value} is not yet {rule.recover.percent:g} % {side} {limit}"
    if rule.recover is not None:
        return f"{value} is not yet {side} {rule.recover:g}{unit}"
    return f"{value} is not {side} {limit} for long enough"
