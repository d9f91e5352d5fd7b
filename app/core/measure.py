"""What was measured, as values that any exposition can render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series; `value` in the unit that the measure's name ends with."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vital(Sample):
    """A sample that alert rules are held against, with what they have to know of it.

    `before`: the values before it, oldest first, where it is measured more often than rules look.
    `is_thin`: too little stands behind it to begin an alert, and enough to go on with one. `about`: what
    it is made of, for people. `notes`: labels that do not tell series apart.
    """

    before: Sequence[float] = ()
    is_thin: bool = False
    about: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """Cumulative counts per upper bound (the last bound is +Inf), with their sum."""

    buckets: Sequence[tuple[float, int]]
    sum: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """A family of series, named as Prometheus asks for: atalaia_<what>_<unit>[_total].

    A counter's name is given without `_total`; the exposition adds it.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[Sample | HistogramSample]
