from __future__ import annotations

from math import inf

import pytest

from app.performance.model import Grade
from app.performance.thresholds import Threshold

CPU = Threshold(80, 95)


@pytest.mark.parametrize(
    ("value", "grade"),
    [(80, Grade.OK), (80.1, Grade.WARNING), (95, Grade.WARNING), (95.1, Grade.CRITICAL), (None, Grade.OK)],
)
def test_over_means_over(value: float | None, grade: Grade) -> None:
    """A value that equals a threshold is not over it."""
    assert CPU.grade(value) is grade


def test_an_infinite_threshold_is_none() -> None:
    """A rule that is switched off, or has no second threshold, grades nothing by it."""
    assert Threshold(inf, inf).grade(1e9) is Grade.OK
    assert Threshold(80, inf).grade(1e9) is Grade.WARNING
