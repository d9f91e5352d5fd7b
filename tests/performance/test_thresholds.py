from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.performance.model import Grade
from app.performance.thresholds import Threshold, judge

CPU = Threshold(80, 95, samples=3)
DISK = Threshold(85, 95)
values = st.lists(st.floats(0, 100), min_size=3, max_size=10)


@pytest.mark.parametrize(
    ("value", "grade"),
    [(80, Grade.OK), (80.1, Grade.WARNING), (95, Grade.WARNING), (95.1, Grade.CRITICAL), (None, Grade.OK)],
)
def test_over_means_over(value: float | None, grade: Grade) -> None:
    """A value that equals a threshold is not over it."""
    assert CPU.grade(value) is grade


def test_one_spike_is_no_alarm() -> None:
    """Three samples in a row have to be over."""
    assert judge([10, 10, 99], CPU).grade is Grade.OK
    assert judge([99, 10, 99], CPU).grade is Grade.OK
    assert judge([85, 99, 96], CPU).grade is Grade.WARNING
    assert judge([96, 99, 96], CPU).grade is Grade.CRITICAL


def test_one_dip_is_no_relief() -> None:
    """Three samples in a row have to be below."""
    assert judge([90, 90, 10], CPU, Grade.WARNING).grade is Grade.WARNING
    assert judge([10, 10, 10], CPU, Grade.WARNING).grade is Grade.OK


def test_a_value_on_the_edge_is_one_alarm_and_not_many() -> None:
    """What is raised stays so until it is 5 % below the threshold."""
    grade, seen = Grade.OK, []
    for value in (86, 84, 86, 84, 81, 80):
        grade = judge([value], DISK, grade).grade
        seen.append(grade)
    assert seen == [Grade.WARNING] * 5 + [Grade.OK]


def test_it_falls_from_critical_to_warning_before_it_is_over() -> None:
    """90 is below 95 by more than 5 %, and still over 85."""
    assert judge([90], DISK, Grade.CRITICAL).grade is Grade.WARNING
    assert judge([94], DISK, Grade.CRITICAL).grade is Grade.CRITICAL


def test_the_reason_tells_value_and_threshold() -> None:
    """A person can check the verdict."""
    assert judge([96, 99, 97], CPU).reason == "97 % is over 95 % in 3 samples in a row"
    assert judge([84], DISK, Grade.WARNING).reason == "84 % is not yet 5 % below 85 %"
    assert judge([3], Threshold(2, 5, unit="s")).reason == "3 s is over 2 s"
    assert judge([20], DISK).reason == "20 % is not over 85 %"
    assert judge([10, 10, 99], CPU).reason == "99 % is not over 80 % for long enough"


@given(values, st.sampled_from(Grade))
def test_the_grade_is_never_above_what_was_seen_or_held(seen: list[float], previous: Grade) -> None:
    """A verdict is at most the worst of the newest samples' grades and the previous one."""
    worst = max([CPU.grade(value).rank for value in seen[-3:]] + [previous.rank])
    assert judge(seen, CPU, previous).grade.rank <= worst


@given(values, st.sampled_from(Grade))
def test_the_same_values_again_change_nothing(seen: list[float], previous: Grade) -> None:
    """Judging is idempotent, so evaluating more often than sampling is harmless."""
    grade = judge(seen, CPU, previous).grade
    assert judge(seen, CPU, grade).grade is grade
