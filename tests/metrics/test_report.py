"""The dashboard document says what the sums are, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.metrics.money import MICRO
from app.metrics.report import Flow, Total, dashboard, measures
from app.metrics.rollup import OTHER, Row

NOBODY = Flow(active=0, duration=0, ended=0, people=0, stages=(0, 0, 0, 0, 0))


def total(
    name: str,
    events: int = 1,
    *,
    value: int = 1,
    amount: int = 0,
    currency: str = "",
    unit: str = "",
    tags: Mapping[str, str] | None = {},
) -> Total:
    """A series whose events all have one value; `amount` in hundredths."""
    row = Row(events, events, events * value * MICRO, value * MICRO, value * MICRO, amount * MICRO // 100)
    return Total(name, currency, unit, tags, row)


def document(*totals: Total, flow: Flow = NOBODY) -> dict[str, Any]:
    """The sections for these sums."""
    return dashboard(totals, flow, "BRL")


def test_rates_are_fractions_and_null_without_a_whole() -> None:
    """One of three is 0.3333; of nothing there is no rate."""
    counted = document(total("conversation_started", 3), total("conversation_ended"))["conversations"]
    assert counted["completion_rate"] == 0.3333
    assert counted["handoff_rate"] == 0.0
    assert document()["conversations"]["completion_rate"] is None


def test_a_rate_is_never_above_one() -> None:
    """What was requested yesterday may be confirmed today."""
    booked = document(total("booking_requested"), total("booking_confirmed", 2))["bookings"]
    assert (booked["confirmation_rate"], booked["confirmed"]) == (1.0, 2)


def test_a_conversation_with_another_outcome_is_not_completed() -> None:
    """Its value is zero, and it is not counted among the completed."""
    abandoned = total("conversation_ended", 5, value=0, tags={"outcome": "abandoned"})
    assert document(abandoned, total("conversation_ended", 2))["conversations"]["completed"] == 2


def test_durations_are_averaged_over_conversations_with_both_ends() -> None:
    """Two that took 90 seconds together took 45 each; of none there is no average."""
    flow = Flow(active=1, duration=90 * MICRO, ended=2, people=1, stages=(1, 0, 0, 0, 0))
    assert document(flow=flow)["conversations"]["average_duration_seconds"] == 45.0
    assert document()["conversations"]["average_duration_seconds"] is None


def test_scores_are_averaged_over_leads_that_have_one() -> None:
    """A lead that was qualified without a score does not lower the average."""
    unscored = Total("lead_qualified", "", "", {}, Row(events=3))
    assert document(total("lead_qualified", 2, value=80), unscored)["leads"]["average_score"] == 80.0


def test_revenue_is_gross_refunds_and_net_per_currency() -> None:
    """Currencies are never added up, and the default one is always there."""
    revenue = document(
        total("revenue", 2, amount=30000, currency="BRL"),
        total("refund", amount=5050, currency="BRL"),
        total("revenue", amount=1000_00, currency="JPY"),
    )["revenue"]
    assert revenue == {
        "BRL": {"gross": "300.00", "refunds": "50.50", "net": "249.50", "count": 2},
        "JPY": {"gross": "1000", "refunds": "0", "net": "1000", "count": 1},
    }
    assert document()["revenue"] == {"BRL": {"gross": "0.00", "refunds": "0.00", "net": "0.00", "count": 0}}


def test_refunds_may_exceed_what_came_in() -> None:
    """A refund of an earlier month's revenue makes this month's net negative."""
    assert document(total("refund", amount=5, currency="BRL"))["revenue"]["BRL"]["net"] == "-0.05"


def test_costs_are_told_by_kind() -> None:
    """The dearest kind comes first; costs of no kind are unknown."""
    costs = document(
        total("cost", amount=100, currency="BRL"),
        total("cost", amount=900, currency="BRL", tags={"kind": "llm"}),
    )["costs"]
    assert costs["BRL"] == {"total": "10.00", "by_kind": {"llm": "9.00", "unknown": "1.00"}}


def test_leads_are_told_by_source_the_largest_first() -> None:
    """Beyond fifty sources the small ones come together, and so do those the rollups did not keep."""
    many = [total("lead_generated", n, tags={"source": f"s{n:02}"}) for n in range(1, 61)]
    by_source = document(*many, total("lead_generated", 7, tags=None))["leads"]["by_source"]
    assert next(iter(by_source)) == "s60"
    assert by_source[OTHER] == 7 + sum(range(1, 11))
    assert sum(by_source.values()) == 7 + sum(range(1, 61))


def test_the_funnel_compares_each_stage_with_the_first_and_the_one_before() -> None:
    """Four people began, two became leads, one asked for a booking."""
    flow = Flow(active=0, duration=0, ended=0, people=4, stages=(4, 2, 1, 0, 0))
    funnel = document(flow=flow)["funnel"]
    assert [stage["people"] for stage in funnel] == [4, 2, 1, 0, 0]
    assert [stage["of_first"] for stage in funnel] == [1.0, 0.5, 0.25, 0.0, 0.0]
    assert [stage["of_previous"] for stage in funnel] == [1.0, 0.5, 0.5, 0.0, None]


def test_a_custom_event_is_counted_summed_and_averaged() -> None:
    """It has its unit, its money and its tags with it."""
    custom = document(
        total("nps", 2, value=9, unit="score", tags={"unit": "sp"}),
        total("nps", value=6, unit="score", amount=150, currency="USD", tags={"unit": "rj"}),
    )["custom"]["nps"]
    assert custom == {
        "count": 3,
        "sum": 24,
        "average": 8.0,
        "min": 6,
        "max": 9,
        "unit": "score",
        "amounts": {"USD": "1.50"},
        "tags": {"unit": {"sp": 2, "rj": 1}},
    }


def test_a_custom_event_of_several_units_has_none() -> None:
    """Seconds and metres are added up as bare numbers, and not called either."""
    custom = document(total("x", unit="s"), total("x", unit="m"))["custom"]["x"]
    assert custom["unit"] is None


def test_measures_are_counters_of_events_and_money() -> None:
    """Names are summed over currencies, money is told per currency in whole units."""
    ever = [
        ("cost", "BRL", 1, 1_500_000),
        ("revenue", "BRL", 2, 300_500_000),
        ("revenue", "JPY", 1, 9_000_000),
    ]
    families = {
        one.name: {tuple(sample.labels.values()): sample.value for sample in one.samples}
        for one in measures(ever)
    }
    assert families == {
        "atalaia_business_events": {("cost",): 1, ("revenue",): 3},
        "atalaia_business_revenue": {("BRL",): 300.5, ("JPY",): 9.0},
        "atalaia_business_refunds": {},
        "atalaia_business_costs": {("BRL",): 1.5},
    }
