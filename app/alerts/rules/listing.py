"""The document of all rules: what each says, and how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...core.clock import rfc3339
from ..headings import HEADINGS
from .durations import words_of
from .model import Anomaly, MetricRule, Named, Objective
from .shipping import EventRule, event_names
from .standing import ERROR, NO_DATA, Round, WatchStanding
from .watches import RuleSet

OFF, UNKNOWN = "off", "unknown"
_UNCHANGED = EventRule(name="unchanged")
STATES = ("firing", "recovering", "pending", ERROR, NO_DATA, "inactive", UNKNOWN, OFF)
"""What a rule can be, the worst first; unknown before it was evaluated."""


def rules_document(
    rules: RuleSet, events: Iterable[EventRule], last: Round | None, state: str | None = None
) -> dict[str, Any]:
    """{"evaluated_at", "evaluation_seconds", "pid", "counts", "rules", "events"}; `state` is a filter."""
    found = [_rule(rule, last) for rule in (*rules.rules, *rules.objectives, *rules.anomalies)]
    counts = Counter(rule["state"] for rule in found)
    return {
        "evaluated_at": _moment(last.at) if last else None,
        "evaluation_seconds": round(last.seconds, 6) if last else None,
        "pid": last.pid if last else None,
        "counts": {name: counts[name] for name in STATES},
        "rules": [rule for rule in found if state in (None, rule["state"])],
        "events": [] if state else list(_events(rules, {rule.name: rule for rule in events})),
    }


def _rule(rule: Named, last: Round | None) -> dict[str, Any]:
    watches = {key: one for key, one in (last.watches if last else {}).items() if one.rule == rule.name}
    is_shipped = isinstance(rule, MetricRule) and rule.changed is not None
    return {
        "name": rule.name,
        "kind": _KINDS[type(rule)],
        "shipped": is_shipped,
        "changed": list(rule.changed or ()) if isinstance(rule, MetricRule) else [],
        "enabled": rule.enabled,
        "title": rule.shown_title,
        "condition": condition_of(rule),
        **_state(rule, watches.values()),
        "series": [series for key, one in watches.items() for series in _series(key, one)],
        "series_total": sum(one.total for one in watches.values()),
        "definition": _definition(rule),
    }


def condition_of(rule: Named) -> str:
    """What a rule says, in a line."""
    if isinstance(rule, Objective):
        limit = f" within {words_of(rule.under_seconds)}" if rule.under_seconds else ""
        return f"{rule.target:g} % of requests succeed{limit}, over {rule.days:g} days"
    if isinstance(rule, Anomaly):
        ways = (("below", rule.drop), ("above", rule.surge))
        said = " or ".join(f"{word} {limit:g}" for word, limit in ways if limit is not None)
        return f"{rule.event} of the last hour is {said} times what is usual"
    assert isinstance(rule, MetricRule)
    return " ".join(_condition(rule))


def _condition(rule: MetricRule) -> Iterator[str]:
    unit = f" {rule.unit}" if rule.unit else ""
    match = ",".join(f'{name}="{text}"' for name, text in rule.match.items())
    metric = rule.metric + (f"{{{match}}}" if match else "")
    yield metric if rule.increase_over is None else f"increase({metric}[{words_of(rule.increase_over)}])"
    yield f"{rule.operator} {rule.value:g}{unit}"
    if rule.critical is not None:
        yield f"(critical {rule.critical:g}{unit})"
    if rule.samples > 1:
        yield f"in {rule.samples} samples"
    if rule.hold_seconds:
        yield f"for {words_of(rule.hold_seconds)}"


def _state(rule: Named, watches: Iterable[WatchStanding]) -> dict[str, Any]:
    found = sorted(watches, key=lambda one: STATES.index(one.state))
    if not rule.enabled or not found:
        return {"state": UNKNOWN if rule.enabled else OFF, "since": None}
    return {"state": found[0].state, "since": _moment(found[0].since)}


def _series(key: str, watch: WatchStanding) -> Iterator[dict[str, Any]]:
    for one in watch.series:
        yield {
            "watch": key,
            "labels": one.labels,
            "state": one.state,
            "value": one.value,
            "threshold": one.threshold,
            "severity": one.severity,
            "since": None if one.since is None else _moment(one.since),
        }


def _definition(rule: Named) -> dict[str, Any]:
    """What the file would say to have the same."""
    said = rule.model_dump(mode="json", by_alias=True, exclude={"changed", "enabled", "name"})
    for name in ("for", "keep_firing_for", "increase_over", "under"):
        if isinstance(seconds := said.get(name), float):
            said[name] = words_of(seconds)
    if isinstance(rule, MetricRule):
        said["recover"] = rule.recover if isinstance(rule.recover, float | None) else str(rule.recover)
    return said


def _events(rules: RuleSet, changed: Mapping[str, EventRule]) -> Iterator[dict[str, Any]]:
    """What just happens, as the file has it: by code, then what it says of an application's own alerts."""
    names = event_names(rules.shipped)
    for name in [*names, *(name for name in changed if name not in names)]:
        rule = changed.get(name, _UNCHANGED)
        yield {
            "name": name,
            "title": HEADINGS[name].en if name in HEADINGS else "",
            "match": {field: list(texts) for field, texts in rule.match.items()},
            "enabled": rule.enabled,
            "severity": rule.severity,
            "labels": dict(rule.labels),
            "runbook": rule.runbook,
        }


def _moment(seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


_KINDS: Mapping[type[Named], str] = {MetricRule: "rule", Objective: "objective", Anomaly: "anomaly"}
