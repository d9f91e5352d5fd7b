"""Every rule as something to watch: a condition, and how to read the values that it compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ...core.measure import Measure, Sample
from ...core.shipped import ShippedRule
from .durations import words_of
from .growth import Growth
from .model import BURNS, Anomaly, Burn, MetricRule, Named, NoData, Objective, Rule
from .readings import Series, Sources, burn, is_measured, samples, series_of, unlike

Read = Callable[["Moment"], "Mapping[Series, Sample] | None"]
"""The series that there are; None when that is not known, so that everything stays as it was."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One evaluation: when, and what was measured then."""

    now: datetime
    measures: Sequence[Measure]

    @property
    def seconds(self) -> float:
        """Since 1970."""
        return self.now.timestamp()


@dataclass(frozen=True, slots=True)
class Watch:
    """`key` tells it from every other one; `code` is what its alerts are worded and matched by.

    `shipped`: the rule that it is, where nobody wrote one. What that reads is all there is: a series
    that it finds no more is over.
    """

    key: str
    code: str
    rule: Rule
    read: Read
    shipped: ShippedRule | None = None

    @property
    def source(self) -> str:
        """The word of the page that its alerts are said by."""
        return self.shipped.source if self.shipped else "alerts"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that is to be watched; `rules` are those that are shipped, too."""

    rules: Sequence[MetricRule] = ()
    objectives: Sequence[Objective] = ()
    anomalies: Sequence[Anomaly] = ()
    shipped: Sequence[ShippedRule] = ()

    def watches(self, sources: Sources, growth: Growth, zone: ZoneInfo) -> Iterator[Watch]:
        """What is switched on; `zone` is whose hours an anomaly compares."""
        shipped = {rule.name: rule for rule in self.shipped}
        for rule in filter(_is_on, self.rules):
            origin = None if rule.changed is None else shipped.get(rule.name)
            yield Watch(rule.name, rule.name, rule, _metric(rule, growth, origin), origin)
            if rule.no_data is NoData.ALERT:
                yield _absence(rule)
        for goal in filter(_is_on, self.objectives):
            for at in BURNS:
                yield _burning(goal, at, sources)
        for anomaly in filter(_is_on, self.anomalies):
            yield from _unusual(anomaly, sources, zone)

    @property
    def metrics(self) -> set[str]:
        """The names of everything that is compared."""
        return {rule.metric for rule in self.rules if rule.enabled}


NO_RULES = RuleSet()
"""Nothing is watched."""


def _is_on(rule: Named) -> bool:
    return rule.enabled


def _metric(rule: MetricRule, growth: Growth, shipped: ShippedRule | None) -> Read:
    def read(moment: Moment) -> Mapping[Series, Sample] | None:
        found = samples(moment.measures, rule)
        is_known = bool(found) or is_measured(moment.measures, rule.metric)
        if shipped and rule.no_data is NoData.KEEP and not is_known:
            return None
        if rule.increase_over is None:
            return found
        totals = {series: sample.value for series, sample in found.items()}
        return _samples(growth.of(rule, totals, moment.seconds))

    return read


def _absence(rule: MetricRule) -> Watch:
    """That there is nothing to compare, which is a condition of its own."""
    absent = Rule.model_validate(
        {
            **rule.model_dump(include=set(Named.model_fields) | {"severity"}),
            "title": f"{rule.shown_title}: no data",
            "message": f"{rule.metric} is not measured, or no series of it fits.",
            "for": rule.hold_seconds,
            "value": 0,
        }
    )

    def read(moment: Moment) -> Mapping[Series, Sample]:
        return _one(0.0 if samples(moment.measures, rule) else 1.0)

    return Watch(f"{rule.name}:no_data", "rule_no_data", absent, read)


def _burning(goal: Objective, at: Burn, sources: Sources) -> Watch:
    window = words_of(at.long_seconds)
    kind = "succeed" if goal.under_seconds is None else f"take at most {words_of(goal.under_seconds)}"
    rule = Rule(
        name=goal.name,
        title=goal.title or f"{goal.shown_title}: the error budget burns too fast",
        message=goal.message
        or f"{goal.target:g} % of requests should {kind}; the budget of {goal.days:g} days burns"
        " {value} times too fast ({threshold} allowed over "
        + window
        + ")",
        category=goal.category,
        labels={**goal.labels, "window": window, "objective": f"{goal.target:g} %"},
        runbook=goal.runbook,
        operator=">",
        value=round(at.factor(goal.days), 3),
        severity=at.severity,
    )

    def read(_: Moment) -> Mapping[Series, Sample]:
        rate = burn(sources.requests, goal, at)
        return {} if rate is None else _one(rate)

    # Because words of one's own are told as they are, in whatever language they are.
    return Watch(f"{goal.name}:{window}", goal.name if goal.title else "slo_burn", rule, read)


def _unusual(anomaly: Anomaly, sources: Sources, zone: ZoneInfo) -> Iterator[Watch]:
    def read(moment: Moment) -> Mapping[Series, Sample]:
        times = unlike(sources.events, anomaly, moment.now, zone)
        return {} if times is None else _samples({series_of({"event": anomaly.event}): times})

    for way, sign, limit in (("drop", "<", anomaly.drop), ("surge", ">", anomaly.surge)):
        if limit is not None:
            rule = Rule.model_validate(
                {
                    **anomaly.model_dump(exclude={"event", "drop", "surge", "min_usual"}),
                    "title": anomaly.title or f"Unusual number of {anomaly.event}",
                    "message": anomaly.message or "the last hour had {value} times what is usual then",
                    "operator": sign,
                    "value": limit,
                }
            )
            code = anomaly.name if anomaly.title else "business_anomaly"
            yield Watch(f"{anomaly.name}:{way}", code, rule, read)


def _one(value: float) -> Mapping[Series, Sample]:
    return {(): Sample(value)}


def _samples(values: Mapping[Series, float]) -> Mapping[Series, Sample]:
    return {series: Sample(value, dict(series)) for series, value in values.items()}
