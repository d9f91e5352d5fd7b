from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from app.alerts.config import tried_rules
from app.alerts.rules.model import Anomaly, MetricRule, Objective
from app.alerts.rules.trial import Case, failures
from app.alerts.rules.watches import RuleSet
from app.performance.rules import shipped
from app.performance.settings import PerformanceSettings

RULES = RuleSet(
    rules=[
        MetricRule.model_validate(
            {"name": "disk_full", "metric": "disk_ratio", "value": 0.9, "for": "5m", "severity": "high"}
        )
    ],
    objectives=[Objective.model_validate({"name": "available", "target": 99})],
    anomalies=[Anomaly.model_validate({"name": "few_bookings", "event": "booking"})],
)


def found(text: str, every_seconds: float = 60) -> list[str]:
    return list(failures(Case.model_validate(yaml.safe_load(text)), RULES, every_seconds, ZoneInfo("UTC")))


DISK = """
input_series:
  - series: disk_ratio{path="/"}
    values: 0.5x4 0.95x20 0.5
alert_rule_test:
"""


def test_what_is_as_expected_fails_nothing() -> None:
    """Before `for` nothing fires, then the series does, with its labels and severity."""
    case = """
  - {eval_time: 9m, alertname: disk_full}
  - {eval_time: 10m, alertname: disk_full, exp_alerts: [{exp_labels: {path: /, severity: high}}]}
  - {eval_time: 26m, alertname: disk_full}
"""
    assert found(DISK + case) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "{eval_time: 10m, alertname: disk_full}",
        "{eval_time: 9m, alertname: disk_full, exp_alerts: [{}]}",
        "{eval_time: 10m, alertname: disk_full, exp_alerts: [{exp_labels: {path: /data}}]}",
        "{eval_time: 10m, alertname: disk_full, exp_alerts: [{}, {}]}",
        "{eval_time: 10m, alertname: disk_full, exp_alerts: [{exp_annotations: {title: Else}}]}",
    ],
)
def test_what_is_not_as_expected_is_said(wrong: str) -> None:
    """Too many, too few, at another time or otherwise than expected: one sentence with what there was."""
    (said,) = found(f"{DISK}  - {wrong}")
    assert said.startswith("disk_full at ")


def test_objectives_and_anomalies_can_be_tried_too() -> None:
    """Counters called requests, requests_bad and events stand for what they count."""
    burning = """
input_series:
  - {series: requests, values: 0+100x120}
  - {series: requests_bad, values: 0+50x120}
alert_rule_test:
  - {eval_time: 90m, alertname: available, exp_alerts: [{exp_labels: {window: 1h}}, {}, {}, {}]}
"""
    assert found(burning) == []
    unusual = """
interval: 1h
input_series:
  - {series: 'events{event="booking"}', values: 0+10x671 6711x5}
alert_rule_test:
  - {eval_time: 671h, alertname: few_bookings}
  - {eval_time: 673h, alertname: few_bookings, exp_alerts: [{exp_labels: {event: booking}}]}
"""
    assert found(unusual, 3600) == []


def test_shipped_rules_are_tried_as_the_file_has_them(tmp_path: Path) -> None:
    """One that it changes, one that it leaves alone, one that it switched off."""
    (tmp_path / "alerts.yaml").write_text(
        "rules:\n  - {name: cpu_high, value: 50, samples: 1}\n  - {name: memory_high, enabled: false}\n"
    )
    (tmp_path / "tests.yaml").write_text("""
rule_files: [alerts.yaml]
tests:
  - input_series:
      - {series: atalaia_cpu_percent, values: 60x9}
      - {series: atalaia_memory_percent, values: 99x9}
      - {series: 'atalaia_disk_percent{path="/"}', values: 90x9}
    alert_rule_test:
      - {eval_time: 5m, alertname: cpu_high, exp_alerts: [{exp_labels: {severity: medium}}]}
      - {eval_time: 5m, alertname: memory_high}
      - {eval_time: 5m, alertname: disk_high, exp_alerts: [{exp_annotations: {title: Disk / is nearly full}}]}
""")
    ours = shipped(PerformanceSettings())
    tried = tried_rules(tmp_path / "tests.yaml", tmp_path / "none.yaml", ZoneInfo("UTC"), ours)
    assert tried == [("test 1", [])]
