import pytest
from pydantic import ValidationError

from app.alerts.rules.model import BURNS, Anomaly, MetricRule, Objective, Rule


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"operator": ">", "value": 5, "recover": 6}, "above value"),
        ({"operator": "<", "value": 5, "recover": 4}, "below value"),
        ({"operator": "==", "value": 5, "recover": 4}, "means nothing"),
        ({"operator": ">", "value": 5, "critical": 5}, "not beyond"),
        ({"operator": "<", "value": 5, "critical": 6}, "not beyond"),
        ({"operator": "!=", "value": 5, "critical": 6}, "critical means nothing"),
        ({"value": 5, "recover": "a lot"}, "recover"),
        ({"value": 5, "for": "soon"}, "no duration"),
        ({"value": 5, "sevrity": "HIGH"}, "sevrity"),
        ({"operator": "=>", "value": 5}, "operator"),
        ({"value": 5, "name": "two words"}, "name"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(given: dict[str, object], why: str) -> None:
    """The error says which part is wrong."""
    with pytest.raises(ValidationError, match=why):
        Rule.model_validate({"name": "r", **given})


def test_severities_are_read_in_any_case() -> None:
    """`high` in a file is HIGH."""
    assert Rule.model_validate({"name": "r", "value": 1, "severity": "high"}).severity == "HIGH"


def test_labels_may_be_numbers_in_a_file() -> None:
    """YAML's 8080 is the text "8080"."""
    rule = MetricRule.model_validate({"name": "r", "value": 1, "metric": "up", "match": {"port": 8080}})
    assert rule.match == {"port": "8080"}


def test_the_burn_rates_are_those_of_the_workbook() -> None:
    """2 % in 1 h is 14.4 times too fast for 30 days, 5 % in 6 h is 6, 10 % in a day 3, in three days 1."""
    assert [round(burn.factor(30), 6) for burn in BURNS] == [14.4, 6.0, 3.0, 1.0]


@pytest.mark.parametrize(
    "given", [{"kind": "latency"}, {"kind": "availability", "under": "1s"}, {"target": 100}]
)
def test_an_objective_says_what_it_is_about(given: dict[str, object]) -> None:
    """Latency needs a limit, availability has none, and nothing is always available."""
    with pytest.raises(ValidationError):
        Objective.model_validate({"name": "o", "target": 99.9, **given})


def test_an_anomaly_judges_at_least_one_way() -> None:
    """Neither drop nor surge is a mistake."""
    with pytest.raises(ValidationError, match="drop, surge or both"):
        Anomaly.model_validate({"name": "a", "event": "lead_generated", "drop": None})
