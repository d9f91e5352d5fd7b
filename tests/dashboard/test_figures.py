"""Figures read as people of a language write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.dashboard import figures
from app.dashboard.english import ENGLISH
from app.dashboard.portuguese import PORTUGUESE


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figures.number(1234.5, ENGLISH, 1), "1,234.5"),
        (figures.number(1234.5, PORTUGUESE, 1), "1.234,5"),
        (figures.number(None, ENGLISH), "—"),
        (figures.number(float("nan"), ENGLISH), "—"),
        (figures.percent(12.34, PORTUGUESE), "12,3 %"),
        (figures.percent(None, ENGLISH), "—"),
        (figures.milliseconds(12.4, ENGLISH), "12 ms"),
        (figures.milliseconds(2400, PORTUGUESE), "2,40 s"),
        (figures.milliseconds(None, ENGLISH), "—"),
        (figures.size(999, ENGLISH), "999 B"),
        (figures.size(1_500_000, ENGLISH), "1.5 MB"),
        (figures.size(None, ENGLISH), "—"),
        (figures.money("1234567.80", "BRL", PORTUGUESE), "BRL 1.234.567,80"),
        (figures.money("-0.10", "JPY", ENGLISH), "JPY -0.10"),
    ],
)
def test_a_figure_is_written_as_the_language_does(shown: str, expected: str) -> None:
    """What is missing is a dash, and money keeps every digit."""
    assert shown == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=5, seconds=10), "5 min"),
        (timedelta(hours=3, minutes=4), "3 h 4 min"),
        (timedelta(days=2, minutes=4), "2 d"),
        (timedelta(days=400, hours=1, minutes=2), "400 d 1 h"),
    ],
)
def test_a_span_has_two_units_at_most(length: timedelta, expected: str) -> None:
    """And they stand side by side."""
    assert figures.span(length) == expected
