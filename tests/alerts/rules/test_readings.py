from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.alerts.rules.model import BURNS, Anomaly, MetricRule, Objective
from app.alerts.rules.readings import Series, burn, increase, samples, unlike
from app.core.measure import HistogramSample, Measure, Sample

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")


def metric(name: str, **match: str) -> MetricRule:
    return MetricRule.model_validate({"name": "r", "value": 1, "metric": name, "match": match})


def values(measures: list[Measure], rule: MetricRule) -> dict[Series, float]:
    return {series: sample.value for series, sample in samples(measures, rule).items()}


def test_the_series_that_fit_are_compared() -> None:
    """`match` chooses by label, with * for anything."""
    up = Measure("up", "gauge", "", [Sample(1, {"service": "openai"}), Sample(0, {"service": "whatsapp"})])
    assert values([up], metric("up", service="whats*")) == {(("service", "whatsapp"),): 0}
    assert len(values([up], metric("up"))) == 2
    assert values([up], metric("down")) == {}


def test_a_metric_is_named_as_it_is_exposed() -> None:
    """A counter ends with _total, a histogram has a _count and a _sum."""
    events = Measure("events", "counter", "", [Sample(7)])
    durations = Measure("seconds", "histogram", "", [HistogramSample([(1.0, 3), (float("inf"), 5)], 9.5)])
    assert values([events], metric("events_total")) == {(): 7}
    assert values([durations], metric("seconds_count")) == {(): 5}
    assert values([durations], metric("seconds_sum")) == {(): 9.5}


@pytest.mark.parametrize(("points", "grown"), [((1, 4, 9), 8), ((5, 2, 3), 3), ((4,), 0), ((), 0)])
def test_a_counter_that_fell_began_again(points: tuple[float, ...], grown: float) -> None:
    """What it has counted since then is added."""
    assert increase(list(enumerate(points))) == grown


def test_both_windows_have_to_burn() -> None:
    """The budget burns as fast as the slower of the two windows says, and few requests are no data."""
    goal = Objective.model_validate({"name": "o", "target": 99.0})
    page = BURNS[0]
    requests = {page.long_seconds: (1000, 200), page.short_seconds: (100, 5)}
    assert burn(lambda seconds, _: requests[seconds], goal, page) == pytest.approx(5.0)
    requests[page.short_seconds] = (9, 9)
    assert burn(lambda seconds, _: requests[seconds], goal, page) is None


def test_a_latency_objective_asks_for_slow_requests() -> None:
    """What is bad is what takes longer than `under`."""
    goal = Objective.model_validate({"name": "o", "kind": "latency", "target": 95, "under": "500ms"})
    asked = []

    def requests(seconds: float, under: float | None) -> tuple[int, int]:
        asked.append(under)
        return 100, 10

    assert burn(requests, goal, BURNS[0]) == pytest.approx(2.0)
    assert asked == [0.5, 0.5]


def bookings(hours: Counter[datetime]):
    """Counts by the hour that they begin with."""

    def events(name: str, begin: datetime, end: datetime) -> float:
        assert end - begin == timedelta(hours=1)
        return float(hours[begin]) if name == "booking" else 0.0

    return events


def test_an_hour_is_compared_with_the_same_hours_before() -> None:
    """4 bookings where the median of four weeks is 16 are a quarter of what is usual."""
    now = datetime(2026, 11, 23, 15, 20, tzinfo=UTC)
    begin = datetime(2026, 11, 23, 14, tzinfo=UTC)
    hours = Counter({begin: 4})
    for week, count in enumerate((16, 0, 16, 20), start=1):
        hours[begin - timedelta(weeks=week)] = count
    rule = Anomaly.model_validate({"name": "a", "event": "booking"})
    assert unlike(bookings(hours), rule, now, SAO_PAULO) == 0.25


def test_hours_are_those_of_the_local_clock() -> None:
    """The week before the clocks changed, 9 o'clock was at another time of UTC."""
    now = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)  # 10:30 in New York, on the day after the change
    hours = Counter({datetime(2026, 11, 2, 14, tzinfo=UTC): 10})
    for day in (5, 12, 19, 26):
        hours[datetime(2026, 10, day, 13, tzinfo=UTC)] = 10
    rule = Anomaly.model_validate({"name": "a", "event": "booking"})
    assert unlike(bookings(hours), rule, now, NEW_YORK) == 1.0


def test_hours_with_little_in_them_are_not_judged() -> None:
    """Below min_usual there is nothing to compare with."""
    rule = Anomaly.model_validate({"name": "a", "event": "booking", "min_usual": 5})
    assert unlike(bookings(Counter()), rule, datetime(2026, 11, 23, tzinfo=UTC), SAO_PAULO) is None
