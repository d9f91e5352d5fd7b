"""What a file says of the rules that are there without it: another threshold, another severity, nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import inf
from typing import Annotated, Any, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
)

from ...core.command import COMMAND
from ...core.shipped import ShippedRule
from ...core.signal import Signal
from ..headings import HEADINGS
from ..matching import matches
from ..patterns import Match, checked
from .model import Labels, MetricRule, RuleName, RuleSeverity

_NO_EVENTS = {"slo_burn", "business_anomaly", "rule_no_data", "test"}


class EventRule(BaseModel):
    """How alerts are told that have no threshold, because something just happens: by their code, which is
    the name of ours, or, of whatever an application raises, by what they `match`.

    Without `enabled` they are not raised at all; `severity`, `labels` and `runbook` are put in place of
    or beside their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    match: Match = Field(default_factory=dict)
    enabled: bool = True
    severity: RuleSeverity | None = None
    labels: Labels = Field(default_factory=dict)
    runbook: str = ""

    @field_validator("match")
    @classmethod
    def _names_fields(cls, match: Match) -> Match:
        if "fingerprint" in match:
            raise ValueError("a fingerprint is made of source, category and key: match those")
        return checked(match)

    def takes(self, signal: Signal) -> bool:
        """Whether it says how the signal is told."""
        return (self.name not in HEADINGS or signal.code == self.name) and matches(self.match, signal)


def event_names(shipped: Iterable[ShippedRule]) -> list[str]:
    """The codes of alerts that no rule with a threshold raises."""
    return sorted(HEADINGS.keys() - _NO_EVENTS - {rule.name for rule in shipped})


def merged(rules: Sequence[MetricRule], shipped: Iterable[ShippedRule]) -> list[MetricRule]:
    """The shipped rules as the file has them, then those of its own."""
    found = {one.name: MetricRule.model_validate({**one.given, "<changed>": ()}) for one in shipped}
    return list({**found, **{rule.name: rule for rule in rules}}.values())


def limits(rules: Iterable[MetricRule], shipped: Iterable[ShippedRule]) -> dict[str, tuple[float, float]]:
    """The thresholds of shipped rules that a file changed, by name; infinite where there are none."""
    names = {rule.name for rule in shipped}
    return {rule.name: _limits(rule) for rule in rules if rule.name in names and rule.changed != ()}


def _limits(rule: MetricRule) -> tuple[float, float]:
    if not rule.enabled or rule.changed is None or rule.operator not in (">", ">="):
        return inf, inf
    return rule.value, inf if rule.critical is None else rule.critical


def _completed(given: object, info: ValidationInfo) -> object:
    """An entry without a metric is about a shipped rule, or about alerts that just happen."""
    name = given.get("name") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or "metric" in given or not isinstance(name, str):
        return given
    shipped: Mapping[str, ShippedRule] = {rule.name: rule for rule in _shipped(info)}
    if name in shipped:
        return {**shipped[name].given, **given, "<changed>": [key for key in given if key != "name"]}
    events = event_names(shipped.values())
    if name in events or "match" in given:
        return given
    near = get_close_matches(name, [*shipped, *events], n=1)
    meant = f"did you mean {near[0]}?" if near else f"{COMMAND} alerts rules lists them"
    own = "one of your own needs a metric, and alerts of your own a match"
    raise ValueError(f"there is no rule {name!r} to change ({meant}); {own}")


def _shipped(info: ValidationInfo) -> Iterable[ShippedRule]:
    found: Iterable[ShippedRule] = (info.context or {}).get("shipped", ())
    return found


def _kind(given: Any) -> str:
    """The tag of an entry; an entry that means an event has no metric, which _completed() saw to."""
    if isinstance(given, BaseModel):
        return f"<{type(given).__name__}>"
    if not isinstance(given, Mapping) or "metric" in given:
        return "<MetricRule>"
    return "<EventRule>" if given.get("name") in HEADINGS or "match" in given else "<MetricRule>"


RuleEntry: TypeAlias = Annotated[
    Annotated[MetricRule, Tag("<MetricRule>")] | Annotated[EventRule, Tag("<EventRule>")],
    Discriminator(_kind),
    BeforeValidator(_completed),
]
"""One of `rules` in the file; the validation's context holds the `shipped` rules."""
