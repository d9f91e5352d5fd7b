from app.alerts.rules.growth import POINTS, Growth
from app.alerts.rules.model import MetricRule


def rule(operator: str = ">", span: str = "10m") -> MetricRule:
    return MetricRule.model_validate(
        {"name": "r", "value": 1, "operator": operator, "metric": "m_total", "increase_over": span}
    )


def grown(growth: Growth, rule: MetricRule, minutes: int, each: float = 1.0) -> list[float | None]:
    """The increase after each minute of a counter that grows evenly."""
    return [growth.of(rule, {(): each * minute}, minute * 60.0).get(()) for minute in range(minutes)]


def test_an_increase_is_that_of_the_span() -> None:
    """Once there is more than the span, what is older does not count."""
    assert grown(Growth(), rule(), 15)[-1] == 10


def test_a_counter_that_is_not_known_long_enough_is_too_little_to_say_few() -> None:
    """Fewer than so many cannot be said before the whole span is known."""
    found = grown(Growth(), rule("<"), 12)
    assert found[:10] == [None] * 10
    assert found[10:] == [10, 10]


def test_many_is_said_as_soon_as_it_is_so() -> None:
    """More than so many is so already, whatever the rest of the span would show."""
    assert grown(Growth(), rule(">"), 3)[-1] == 2


def test_a_span_keeps_a_bounded_number_of_points() -> None:
    """A day of samples each 10 s is kept as a few hundred points, and says the same."""
    growth, day = Growth(), rule(span="1d")
    for number in range(2 * 8640):
        found = growth.of(day, {(): float(number)}, number * 10.0)
    assert len(growth.points["r"][()]) <= 2 * POINTS + 2
    assert abs(found[()] - 8640) <= 8640 / POINTS
