"""From values to a grade: over a threshold for long enough, and under it by enough to be over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Grade

HYSTERESIS = 0.05


@dataclass(frozen=True, slots=True)
class Threshold:
    """Over `warning` or `critical` in `samples` values in a row; `unit` is how people read it."""

    warning: float
    critical: float
    samples: int = 1
    unit: str = "%"

    def grade(self, value: float | None) -> Grade:
        """The grade of one value by itself."""
        return _grade(value, self.warning, self.critical)

    def limit(self, grade: Grade) -> float:
        """The threshold that a value of this grade is over, or for OK the one it is under."""
        return self.critical if grade is Grade.CRITICAL else self.warning

    def enough(self, values: Sequence[float]) -> bool:
        """True when there are values enough to judge."""
        return len(values) >= self.samples


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade and why; with the value it was found for and the threshold, where there are numbers."""

    grade: Grade
    reason: str
    value: float | None = None
    limit: float | None = None


def judge(values: Sequence[float], threshold: Threshold, previous: Grade = Grade.OK) -> Verdict:
    """The verdict on the newest of at least one value, which stands last.

    It rises to what all of the last `samples` values are over, so that one spike is no alarm; it
    falls from `previous` only when all of them are 5 % below, so that a value on the edge is one
    alarm and not many.
    """
    recent = values[-threshold.samples :]
    keep = 1 - HYSTERESIS
    risen = _grade(min(recent), threshold.warning, threshold.critical)
    held = _grade(max(recent), threshold.warning * keep, threshold.critical * keep)
    grade = max(risen, min(held, previous, key=_rank), key=_rank)
    return Verdict(grade, _reason(values[-1], threshold, grade), values[-1], threshold.limit(grade))


def _grade(value: float | None, warning: float, critical: float) -> Grade:
    if value is None or value <= warning:
        return Grade.OK
    return Grade.CRITICAL if value > critical else Grade.WARNING


def _rank(grade: Grade) -> int:
    return grade.rank


def _reason(value: float, threshold: Threshold, grade: Grade) -> str:
    limit, unit = threshold.limit(grade), threshold.unit
    if grade is Grade.OK:
        enough = "" if value <= limit else " for long enough"
        return f"{value:.3g} {unit} is not over {limit:g} {unit}{enough}"
    if value <= limit:
        return f"{value:.3g} {unit} is not yet 5 % below {limit:g} {unit}"
    times = f" in {threshold.samples} samples in a row" if threshold.samples > 1 else ""
    return f"{value:.3g} {unit} is over {limit:g} {unit}{times}"
