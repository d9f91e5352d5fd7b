"""Every rule with what it says and how it stands, as every worker shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.alerts.rules.listing import condition_of, rules_document
from app.alerts.rules.model import Anomaly, MetricRule, Objective
from app.alerts.rules.shipping import EventRule
from app.alerts.rules.standing import STANDING, read_round
from app.alerts.rules.watches import RuleSet

from .test_book import Host, full

GOAL = Objective.model_validate({"name": "available", "target": 99})


def shown(host: Host, *rules: MetricRule | Objective) -> dict[str, dict[str, object]]:
    """Each rule's document by its name."""
    metric = [rule for rule in rules if isinstance(rule, MetricRule)]
    goals = [rule for rule in rules if isinstance(rule, Objective)]
    document = rules_document(RuleSet(metric, goals), [], read_round(host.path.with_name(STANDING)))
    return {rule["name"]: rule for rule in document["rules"]}


def test_a_rule_shows_its_series_and_since_when(tmp_path: Path) -> None:
    """The worst first; what is inactive has a value and no since."""
    host, rule = Host(tmp_path), full(critical=0.97)
    book = host.book(rule)
    host.disks = {"/": 0.5, "/data": 0.98}
    book.evaluate()
    began = host.clock.now()
    host.clock.advance(seconds=10)
    book.evaluate()
    found = shown(host, rule)["disk_full"]
    moment = began.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    assert (found["state"], found["since"], found["series_total"]) == ("firing", moment, 2)
    assert found["series"] == [
        {
            "watch": "disk_full",
            "labels": {"path": path},
            "state": state,
            "value": value,
            "threshold": limit,
            "severity": severity,
            "since": since,
        }
        for path, state, value, limit, severity, since in (
            ("/data", "firing", 0.98, 0.97, "CRITICAL", moment),
            ("/", "inactive", 0.5, 0.9, "MEDIUM", None),
        )
    ]


def test_each_state_has_a_word(tmp_path: Path) -> None:
    """Pending, recovering, no data, an error, switched off, and unknown before the first look."""
    host = Host(tmp_path)
    slow = full(name="slow", **{"for": "5m"})
    lasting = full(name="lasting", keep_firing_for="5m")
    absent, off = full(name="absent", metric="nothing"), full(name="off", enabled=False)
    rules = (slow, lasting, absent, off, GOAL)
    assert {rule["state"] for rule in shown(host, *rules).values()} == {"unknown", "off"}
    book = host.book(*rules)  # The host knows of no requests, so the objective fails.
    host.disks["/"] = 0.95
    book.evaluate()
    assert shown(host, slow)["slow"]["state"] == "pending"
    host.disks["/"] = 0.1
    book.evaluate()
    assert {name: rule["state"] for name, rule in shown(host, *rules).items()} == {
        "slow": "inactive",
        "lasting": "recovering",
        "absent": "no data",
        "off": "off",
        "available": "error",
    }


def test_the_last_look_is_told_with_its_time_and_duration(tmp_path: Path) -> None:
    """Nothing before the first; a file that cannot be read is as none."""
    host = Host(tmp_path)
    assert rules_document(RuleSet(), [], None)["evaluated_at"] is None
    host.book(full()).evaluate()
    document = rules_document(RuleSet([full()]), [], read_round(host.path.with_name(STANDING)))
    assert document["evaluated_at"] == host.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    assert document["evaluation_seconds"] >= 0
    assert document["counts"]["inactive"] == 1
    host.path.with_name(STANDING).write_bytes(b"{")
    assert read_round(host.path.with_name(STANDING)) is None


def test_a_state_can_be_asked_for() -> None:
    """And leaves out what has none."""
    document = rules_document(RuleSet([full(), full(name="off", enabled=False)]), [], None, "off")
    assert ([rule["name"] for rule in document["rules"]], document["events"]) == (["off"], [])


def test_what_just_happens_is_listed_as_the_file_has_it() -> None:
    """With its severity, or switched off."""
    said = [
        {"name": "new_error", "enabled": False},
        {"name": "mine", "match": {"key": "a"}, "severity": "LOW"},
    ]
    events = [EventRule.model_validate(one) for one in said]
    listed = {event["name"]: event for event in rules_document(RuleSet(), events, None)["events"]}
    assert not listed["new_error"]["enabled"]
    assert (listed["backup_failed"]["enabled"], listed["backup_failed"]["severity"]) == (True, None)
    assert (listed["mine"]["match"], listed["mine"]["severity"]) == ({"key": ["a"]}, "LOW")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            full(match={"path": "/d*"}, critical=0.99, unit="x", samples=3, **{"for": "90s"}),
            'disk_ratio{path="/d*"} > 0.9 x (critical 0.99 x) in 3 samples for 1m30s',
        ),
        (full(increase_over="1h"), "increase(disk_ratio[1h]) > 0.9"),
        (GOAL, "99 % of requests succeed, over 30 days"),
        (
            Anomaly.model_validate({"name": "a", "event": "lead", "surge": 3}),
            "lead of the last hour is below 0.5 or above 3 times what is usual",
        ),
    ],
)
def test_a_rule_is_one_line(rule: MetricRule | Objective | Anomaly, said: str) -> None:
    """As a person reads it."""
    assert condition_of(rule) == said


def test_a_definition_is_what_a_file_would_say() -> None:
    """Durations and shares as text, so that it can be copied."""
    document = rules_document(RuleSet([full(recover="5%", **{"for": "90s"})]), [], None)
    definition = document["rules"][0]["definition"]
    assert (definition["for"], definition["recover"]) == ("1m30s", "5%")
    again = MetricRule.model_validate({"name": "disk_full", **definition})
    assert (again.hold_seconds, str(again.recover)) == (90, "5%")
