from collections.abc import Sequence

import pytest

from app.alerts.rules.model import Rule
from app.alerts.rules.phases import Instance, step


def rule(**given: object) -> Rule:
    return Rule.model_validate({"name": "hot", "value": 80, **given})


def phases(rule: Rule, *values: float | None) -> list[str]:
    """The phase after each minute, "-" while inactive."""
    instance: Instance | None = None
    found: list[str] = []
    for minute, value in enumerate(values):
        instance = step(instance, [] if value is None else [value], minute * 60.0, rule)
        found.append("-" if instance is None else instance.phase.value)
    return found


P, F, R, NOT = "pending", "firing", "recovering", "-"


@pytest.mark.parametrize(
    ("given", "values", "expected"),
    [
        ({}, (79, 80, 81, 79), (NOT, NOT, F, NOT)),
        ({"for": "2m"}, (81, 81, 81, 81), (P, P, F, F)),
        ({"for": "2m"}, (81, 81, 79, 81, 81, 81), (P, P, NOT, P, P, F)),
        ({"keep_firing_for": "2m"}, (81, 79, 79, 79), (F, R, R, NOT)),
        ({"keep_firing_for": "2m"}, (81, 79, 81, 79, 79, 79), (F, R, F, R, R, NOT)),
        ({"recover": 70}, (81, 75, 71, 70, 75), (F, F, F, NOT, NOT)),
        ({"operator": "<", "value": 5, "recover": 7}, (4, 6, 7, 6), (F, F, NOT, NOT)),
        ({}, (81, None), (F, NOT)),
        ({"no_data": "keep", "for": "1m"}, (81, None, 81, None), (P, P, F, F)),
        ({"keep_firing_for": "1m"}, (81, None, None), (F, R, NOT)),
    ],
)
def test_a_condition_lives_as_its_rule_says(
    given: dict[str, object], values: Sequence[float | None], expected: Sequence[str]
) -> None:
    """`for`, `keep_firing_for`, `recover` and `no_data` decide, minute by minute."""
    assert phases(rule(**given), *values) == list(expected)


def test_what_recovers_shows_the_last_value_that_was_seen() -> None:
    """A condition without data goes on showing what it saw last."""
    hot = rule(keep_firing_for="5m")
    firing = step(None, [90], 0, hot)
    quiet = step(firing, [], 60, hot)
    assert quiet is not None
    assert quiet.value == 90
    assert quiet.active_at == 0


@pytest.mark.parametrize(
    ("given", "values", "expected"),
    [
        ({"critical": 95}, (81, 96, 94, 80), "F F! F -"),
        ({"critical": 95, "recover": "5%"}, (96, 91, 90, 77, 76), "F! F! F F -"),
    ],
)
def test_a_condition_may_be_critical_and_fall_back(
    given: dict[str, object], values: Sequence[float], expected: str
) -> None:
    """The second threshold makes the same condition worse; a share is the way back from both."""
    instance: Instance | None = None
    found = []
    for value in values:
        instance = step(instance, [value], 0.0, rule(**given))
        found.append("-" if instance is None else "F!" if instance.is_critical else "F")
    assert found == expected.split()


def test_as_many_values_as_asked_for_begin_and_end_it() -> None:
    """Fewer change nothing; one among them that says otherwise neither."""
    hot = rule(samples=2)
    assert step(None, [99], 0, hot) is None
    assert step(None, [79, 99], 0, hot) is None
    firing = step(None, [99, 99], 0, hot)
    assert firing is not None
    assert step(firing, [99, 79], 0, hot) is not None
    assert step(firing, [79, 79], 0, hot) is None


def test_what_is_thin_goes_on_and_does_not_begin() -> None:
    """A single slow request is no alert, and no end of one."""
    assert step(None, [99], 0, rule(), is_thin=True) is None
    assert step(step(None, [99], 0, rule()), [99], 0, rule(), is_thin=True) is not None
