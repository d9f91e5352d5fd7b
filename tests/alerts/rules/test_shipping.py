"""What config/alerts.yaml may say of rules that are there without it, and of alerts that just happen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.alerts.config import parse_plan, rules_of
from app.alerts.plan import Plan
from app.alerts.rules.adaptation import adapted
from app.alerts.rules.shipping import limits
from app.core.errors import SettingsError
from app.core.shipped import ShippedRule
from app.core.signal import Category, Condition, Severity, Signal

CPU = ShippedRule(
    "cpu_high",
    "performance",
    "cpu",
    {"name": "cpu_high", "metric": "cpu", "value": 80, "critical": 95, "recover": "5%", "unit": "%"},
)
DAMAGED = Signal("backup", "b1", "Damaged", Severity.HIGH, Category.SYSTEM, code="backup_damaged")


def plan(*rules: str) -> Plan:
    return parse_plan("rules:\n" + "".join(f"  - {rule}\n" for rule in rules), "alerts.yaml", shipped=[CPU])


def test_what_a_file_leaves_out_is_as_shipped() -> None:
    """And what it changes is known."""
    (rule,) = plan("{name: cpu_high, value: 70}").metric_rules
    assert (rule.metric, rule.value, rule.critical, rule.changed) == ("cpu", 70, 95, ("value",))


def test_shipped_rules_come_first_then_those_of_the_file() -> None:
    """Each once, whatever the file says of it."""
    own = "{name: mine, metric: up, value: 1}"
    found = rules_of([plan(own, "{name: cpu_high, enabled: false}")], [CPU]).rules
    assert [(rule.name, rule.enabled, rule.changed) for rule in found] == [
        ("cpu_high", False, ("enabled",)),
        ("mine", True, None),
    ]
    assert rules_of([Plan()], [CPU]).rules[0].changed == ()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{name: cpu_high, value: 70}", {"cpu_high": (70, 95)}),
        ("{name: cpu_high, critical: null}", {"cpu_high": (80, float("inf"))}),
        ("{name: cpu_high, enabled: false}", {"cpu_high": (float("inf"),) * 2}),
        ("{name: cpu_high, metric: mine, value: 3}", {"cpu_high": (float("inf"),) * 2}),
        ("{name: other, metric: mine, value: 3}", {}),
    ],
)
def test_the_thresholds_that_a_file_changes_are_told(
    rule: str, expected: dict[str, tuple[float, float]]
) -> None:
    """So that what is shown beside the value is what the alert is about."""
    assert limits(rules_of([plan(rule)], [CPU]).rules, [CPU]) == expected


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "{name: cpu_hihg, value: 3}",
            "line 2: there is no rule 'cpu_hihg' to change (did you mean cpu_high?)",
        ),
        ("{name: zzz, value: 3}", "python -m app alerts rules lists them"),
        ("{name: mine, severity: low}", "alerts of your own a match"),
        ("{name: mine, match: {kee: a}}", "there is no field 'kee' to match"),
        ("{name: mine, match: {fingerprint: a}}", "match those"),
        ("{name: cpu_high, valu: 3}", "line 2: rules.0.valu: there is no 'valu' here (did you mean value?)"),
        ("{name: cpu_high, value: 99}", "critical 95 is not beyond value 99"),
        ("{name: cpu_high, recover: lots}", "line 2: rules.0.recover"),
        ("{name: backup_damaged, value: 3}", "there is no 'value' here"),
        ("{name: backup_damaged, severty: low}", "did you mean severity?"),
    ],
)
def test_a_mistake_is_said_with_its_line_and_what_was_meant(rule: str, said: str) -> None:
    """As everywhere in the file."""
    with pytest.raises(SettingsError) as error:
        plan(rule)
    assert said.partition(": ")[0] in error.value.fact
    assert said.rpartition(": ")[2] in error.value.fact


def test_an_alert_that_just_happens_gets_what_the_file_says() -> None:
    """Another severity, labels and a runbook beside its own; its end is left as it is."""
    rules = plan(
        "{name: backup_damaged, severity: critical, labels: {team: ops}, runbook: https://w}"
    ).event_rules
    told = adapted(DAMAGED, rules)
    assert told is not None
    assert (told.severity, told.labels) == (Severity.CRITICAL, {"team": "ops", "runbook": "https://w"})
    over = replace(DAMAGED, condition=Condition.CLEARED)
    assert adapted(over, rules) is over


def test_what_is_switched_off_is_over_and_is_not_raised_again() -> None:
    """What was raised before the file said so ends with the next time that it would be raised."""
    rules = plan(
        "{name: backup_damaged, enabled: false}", "{name: backup_succeeded, enabled: false}"
    ).event_rules
    ended = adapted(DAMAGED, rules)
    assert ended is not None
    assert ended.condition is Condition.CLEARED
    good = Signal(
        "backup", "b", "Made", Severity.LOW, Category.SYSTEM, Condition.NOTED, code="backup_succeeded"
    )
    assert adapted(good, rules) is None
    own = Signal("app", "gateway", "Refuses", Severity.HIGH, Category.BUSINESS)
    assert adapted(own, rules) is own


def test_what_an_application_raises_is_told_as_the_file_says() -> None:
    """By its key, its code, whatever an alert has; the first entry that fits decides."""
    rules = plan(
        "{name: hot, match: {key: 'oven-*', labels.shop: [1, 2]}, severity: critical, labels: {team: pie}}",
        "{name: quiet_ovens, match: {key: 'oven-*'}, enabled: false}",
        "{name: few_bookings, match: {code: no_bookings}, severity: low, runbook: https://w}",
    ).event_rules
    oven = Signal("app", "oven-1", "Hot", Severity.HIGH, Category.SYSTEM, labels={"shop": "2"})
    told = adapted(oven, rules)
    assert told is not None
    assert (told.severity, told.labels) == (Severity.CRITICAL, {"shop": "2", "team": "pie"})
    quiet = adapted(replace(oven, labels={}), rules)
    assert quiet is not None
    assert quiet.condition is Condition.CLEARED
    coded = adapted(replace(oven, key="x", code="no_bookings"), rules)
    assert coded is not None
    assert (coded.severity, coded.labels["runbook"]) == (Severity.LOW, "https://w")


def test_an_alert_of_ours_can_be_changed_in_part() -> None:
    """With a match beside its name, only what fits both."""
    rules = plan("{name: backup_damaged, match: {labels.file: 'old*'}, enabled: false}").event_rules
    assert adapted(DAMAGED, rules) is DAMAGED
    assert adapted(replace(DAMAGED, labels={"file": "old.dump"}), rules) is not DAMAGED
