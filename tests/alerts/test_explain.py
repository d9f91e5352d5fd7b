"""Who would be told, when, and why."""

from __future__ import annotations

from app.alerts.config import parse_plan
from app.alerts.explain import explain, supposed
from app.alerts.policy import Lane, policy_of
from app.alerts.rules.shipping import EventRule
from app.alerts.settings import AlertSettings
from app.core.signal import Category, Severity

from .examples import NOON

TEXT = """
people: {ana: {chat: U1}}
routes: [{name: shop, match: {category: BUSINESS}, to: [chat]}]
escalation: [{match: {severity: HIGH+}, steps: [{after_minutes: 5, to: [ana]}]}]
quiet_hours: {from: "11:00", to: "13:00"}
"""
LANES = (Lane("mail"), Lane("chat", Severity.MEDIUM, digests=True), Lane("chat:ana"))
POLICY = policy_of(AlertSettings(), parse_plan(TEXT, "alerts.yaml"), LANES)


def test_explanation_is_what_would_happen() -> None:
    """The route, the wait, who is left out, and who comes next."""
    alert = supposed(Severity.HIGH, Category.BUSINESS, NOON, {"team": "shop"}, key="k")
    assert alert is not None
    assert explain(POLICY, alert, NOON) == {
        "severity": "HIGH",
        "told": [{"channel": "chat", "why": "the route shop", "after_seconds": 5.0}],
        "not_told": [{"channel": "mail", "why": "the route shop sends it elsewhere"}],
        "held": None,
        "escalation": [{"after_minutes": 5.0, "channels": ["chat:ana"]}],
    }


def test_what_would_be_held_says_until_when() -> None:
    """LOW in quiet hours."""
    alert = supposed(Severity.LOW, Category.SYSTEM, NOON, {})
    assert alert is not None
    found = explain(POLICY, alert, NOON)
    assert found["held"] == {"why": "quiet hours", "until": "2026-11-23T13:00:00.000000Z"}
    assert found["not_told"] == [{"channel": "chat", "why": "chat is used from MEDIUM on"}]
    assert found["escalation"] == []


def test_rules_of_the_file_are_part_of_the_explanation() -> None:
    """Another severity goes another way; what is switched off goes none."""
    said = [
        {"name": "loud", "match": {"key": "a"}, "severity": "LOW"},
        {"name": "off", "match": {"key": "b"}, "enabled": False},
    ]
    rules = [EventRule.model_validate(one) for one in said]
    alert = supposed(Severity.HIGH, Category.SYSTEM, NOON, {}, rules, key="a")
    assert alert is not None
    assert explain(POLICY, alert, NOON)["severity"] == "LOW"
    assert supposed(Severity.HIGH, Category.SYSTEM, NOON, {}, rules, key="b") is None
