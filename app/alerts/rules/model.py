"""What a rule says: a value that is compared, for how long, and what it is worth."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ...core.signal import Category, Severity
from .durations import Duration

Comparison = Literal[">", ">=", "<", "<=", "==", "!="]
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_UP, _DOWN = (">", ">="), ("<", "<=")


def _upper(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


def _texts(given: object) -> object:
    if not isinstance(given, Mapping):
        return given
    return {str(name): str(value) for name, value in given.items()}


Labels: TypeAlias = Annotated[dict[str, str], BeforeValidator(_texts)]
RuleName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,79}$")]
RuleSeverity = Annotated[Severity, BeforeValidator(_upper)]
RuleCategory = Annotated[Category, BeforeValidator(_upper)]


@dataclass(frozen=True, slots=True)
class Share:
    """So many percent of a threshold, like 5%."""

    percent: float

    def back(self, threshold: float, *, down: bool) -> float:
        """What lies so far behind a threshold, for a value on its way down, or up."""
        way = abs(threshold) * self.percent / 100
        return threshold - way if down else threshold + way

    def __str__(self) -> str:
        return f"{self.percent:g}%"


def _share(given: object) -> object:
    found = _SHARE.fullmatch(given) if isinstance(given, str) else None
    return Share(float(found[1])) if found else given


_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
Recovery: TypeAlias = Annotated[float | Share, BeforeValidator(_share)]


class NoData(StrEnum):
    """What it means that a rule finds nothing to compare: that all is well, nothing, or an alert."""

    OK = "ok"
    KEEP = "keep"
    ALERT = "alert"


class Named(BaseModel):
    """What every kind of rule says: what it is called, and what its alert tells.

    `title` and `message` may hold {<label>}, and `message` {value}, {threshold} and {about} too;
    `runbook` is a link for who gets it. With `enabled: false` it is there and watches nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    enabled: bool = True
    title: str = ""
    message: str = ""
    category: RuleCategory = Category.PERFORMANCE
    labels: Labels = Field(default_factory=dict)
    runbook: str = ""

    @property
    def shown_title(self) -> str:
        """The title, or the name as words."""
        return self.title or self.name.replace("_", " ").capitalize()


class Rule(Named):
    """A condition on one value: it holds while `value operator threshold`.

    `critical` is another threshold, from which on it is CRITICAL. `samples`: so many values in a row have
    to hold before it begins, and not to hold before it ends. `hold_seconds` (`for`): how long before it
    fires. `recover`: what the value has to pass on its way back before a fire is over; as a share, like
    5%, it holds for both thresholds. `keep_firing_seconds` (`keep_firing_for`): how long it has to stay
    there. `unit` is how people read the value.
    """

    operator: Comparison = ">"
    value: float
    critical: float | None = None
    samples: int = Field(1, ge=1, le=60)
    recover: Recovery | None = None
    hold_seconds: Duration = Field(0.0, alias="for")
    keep_firing_seconds: Duration = Field(0.0, alias="keep_firing_for")
    no_data: NoData = NoData.OK
    severity: RuleSeverity = Severity.MEDIUM
    unit: str = Field("", max_length=20)

    @model_validator(mode="after")
    def _is_critical_beyond_its_value(self) -> Self:
        if self.critical is None:
            return self
        if self.operator not in (*_UP, *_DOWN):
            raise ValueError(f"critical means nothing with {self.operator}")
        if (self.critical <= self.value) if self.operator in _UP else (self.critical >= self.value):
            raise ValueError(f"critical {self.critical:g} is not beyond value {self.value:g}")
        return self

    @model_validator(mode="after")
    def _recovers_on_the_other_side(self) -> Self:
        if self.recover is None or isinstance(self.recover, Share):
            return self
        if self.operator not in (*_UP, *_DOWN):
            raise ValueError(f"recover means nothing with {self.operator}")
        if (self.recover > self.value) if self.operator in _UP else (self.recover < self.value):
            side = "above" if self.operator in _UP else "below"
            raise ValueError(f"recover {self.recover:g} is {side} value {self.value:g}: it could never begin")
        return self

    def holds(self, values: Sequence[float], *, firing: bool) -> bool:
        """Whether the condition holds for values in a row; while it fires, until `recover` is passed."""
        back = self.recover if isinstance(self.recover, float) else None
        return self._holds(values, self.value, back, so_far=firing)

    def is_critical(self, values: Sequence[float], *, so_far: bool) -> bool:
        """The same for the second threshold."""
        return self.critical is not None and self._holds(values, self.critical, None, so_far=so_far)

    def threshold(self, *, critical: bool) -> float:
        """What is passed."""
        return self.critical if critical and self.critical is not None else self.value

    def passes(self, value: float, threshold: float) -> bool:
        """Whether one value is beyond a threshold."""
        return _COMPARE[self.operator](value, threshold)

    def _holds(self, values: Sequence[float], threshold: float, back: float | None, *, so_far: bool) -> bool:
        """It begins with all of the values, and ends with all of them."""
        if not so_far:
            return all(self.passes(value, threshold) for value in values)
        if isinstance(self.recover, Share):
            back = self.recover.back(threshold, down=self.operator in _UP)
        return any(self.passes(value, threshold if back is None else back) for value in values)


_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class MetricRule(Rule):
    """A rule on what GET /production/metrics exposes, for each series that `match` fits.

    With `increase_over` (seconds) it compares how much a counter grew within that time. `changed`:
    what a file says otherwise than the shipped rule of this name; None for a rule of its own.
    """

    metric: str = Field(pattern=f"^{_METRIC.pattern}$")
    match: Labels = Field(default_factory=dict)
    increase_over: Duration | None = Field(None, gt=0)
    # Because no file may say it itself, the name is one that it cannot have.
    changed: tuple[str, ...] | None = Field(None, alias="<changed>")


class Objective(Named):
    """A service level objective: `target` percent of requests succeed, or take at most `under_seconds`.

    An alert when the error budget of `days` burns too fast: see BURNS.
    """

    kind: Literal["availability", "latency"] = "availability"
    target: float = Field(gt=0, lt=100)
    under_seconds: Duration | None = Field(None, gt=0, alias="under")
    min_requests: int = Field(10, ge=1)
    days: float = Field(30.0, ge=1, le=90)

    @model_validator(mode="after")
    def _latency_has_a_limit(self) -> Self:
        if (self.kind == "latency") != (self.under_seconds is not None):
            raise ValueError("a latency objective needs `under` (like 500ms), an availability one has none")
        return self


class Burn(BaseModel):
    """A share of the budget that is gone within `long_seconds`, and still going within `short_seconds`."""

    model_config = ConfigDict(frozen=True)

    share: float
    long_seconds: float
    short_seconds: float
    severity: Severity

    def factor(self, days: float) -> float:
        """How many times too fast that is; 14.4 for 2 % of 30 days within an hour."""
        return self.share * days * 86400 / self.long_seconds


BURNS = (
    Burn(share=0.02, long_seconds=3600, short_seconds=300, severity=Severity.CRITICAL),
    Burn(share=0.05, long_seconds=6 * 3600, short_seconds=1800, severity=Severity.HIGH),
    Burn(share=0.10, long_seconds=86400, short_seconds=7200, severity=Severity.MEDIUM),
    Burn(share=0.10, long_seconds=3 * 86400, short_seconds=6 * 3600, severity=Severity.MEDIUM),
)
"""Google's SRE workbook, chapter 5, table 5-8: multiwindow, multi-burn-rate alerts."""


class Anomaly(Named):
    """A business event whose last whole hour is unlike the same hour of the last four weeks.

    It fires below `drop` or above `surge` times the median of those; hours that usually have
    fewer than `min_usual` are not judged.
    """

    event: str = Field(min_length=1)
    drop: float | None = Field(0.5, gt=0, lt=1)
    surge: float | None = Field(None, gt=1)
    min_usual: float = Field(5.0, gt=0)
    severity: RuleSeverity = Severity.MEDIUM
    category: RuleCategory = Category.BUSINESS

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        if self.drop is None and self.surge is None:
            raise ValueError("give drop, surge or both")
        return self
