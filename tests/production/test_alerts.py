"""/production/alerts: raise, look, acknowledge, resolve and silence, by hand and from scripts."""

from __future__ import annotations

import pytest

from tests.production.served import OPERATOR, OPERATOR_ENTRY, Tower

ALERTS = "/production/alerts"


def raised(tower: Tower, **alert: object) -> str:
    """The id of an alert that was raised over HTTP."""
    answer = tower.ask("POST", ALERTS, json={"title": "Oven is hot", **alert})
    assert answer.status_code == 201
    return answer.json()["id"]


def test_an_alert_is_raised_with_all_that_is_known_of_it(tower: Tower) -> None:
    """Words in any case; it is active when the answer is there."""
    alert = {
        "message": "240 °C",
        "severity": "critical",
        "category": "business",
        "key": "oven-1",
        "labels": {"oven": "1"},
        "source": "kitchen",
    }
    raised(tower, **alert)
    (active,) = tower.ask("GET", f"{ALERTS}/active").json()["alerts"]
    assert (active["severity"], active["category"], active["key"]) == ("CRITICAL", "BUSINESS", "oven-1")
    assert (active["labels"], active["source"], active["message"]) == ({"oven": "1"}, "kitchen", "240 °C")


def test_active_alerts_are_filtered(tower: Tower) -> None:
    """By severity, category, source and text."""
    raised(tower, key="a", severity="HIGH", category="BUSINESS", source="kitchen")
    raised(tower, key="b", title="Fridge is warm")
    for query, titles in {
        "severity=high": ["Oven is hot"],
        "category=SYSTEM": ["Fridge is warm"],
        "source=kitchen": ["Oven is hot"],
        "q=fridge": ["Fridge is warm"],
        "q=nothing": [],
    }.items():
        found = tower.ask("GET", f"{ALERTS}/active?{query}").json()["alerts"]
        assert [alert["title"] for alert in found] == titles
    assert tower.ask("GET", f"{ALERTS}/active?severity=BAD").status_code == 400


@pytest.mark.parametrize("body", [{}, {"content": "{}"}, {"json": {"by": "", "reason": ""}}])
def test_an_alert_is_resolved_without_a_word(tower: Tower, body: dict[str, object]) -> None:
    """By whoever the access control says it was."""
    resolved = tower.ask("POST", f"{ALERTS}/{raised(tower)}/resolve", **body)
    assert resolved.status_code == 200
    assert (resolved.json()["state"], resolved.json()["resolved_by"]) == ("resolved", OPERATOR_ENTRY.name)


def test_who_and_why_are_kept(tower: Tower) -> None:
    """Of an acknowledgement and of a resolution; an acknowledged alert is active still."""
    alert_id = raised(tower)
    why = {"by": "ann", "reason": "on my way"}
    acknowledged = tower.ask("POST", f"{ALERTS}/{alert_id}/acknowledge", json=why).json()
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "ann")
    assert tower.ask("GET", f"{ALERTS}/active").json()["total"] == 1
    resolved = tower.ask("POST", f"{ALERTS}/{alert_id}/resolve", data={"by": "bob", "reason": "off"}).json()
    assert (resolved["resolved_by"], resolved["reason"]) == ("bob", "off")
    history = tower.ask("GET", f"{ALERTS}/history?alert_id={alert_id}").json()
    assert {"ann", "bob"} <= {step["who"] for step in history["events"]}


def test_what_is_over_or_unknown_cannot_be_resolved(tower: Tower) -> None:
    """409 and 404 say which."""
    alert_id = raised(tower)
    tower.ask("POST", f"{ALERTS}/{alert_id}/resolve")
    assert tower.ask("POST", f"{ALERTS}/{alert_id}/resolve").status_code == 409
    assert tower.ask("POST", f"{ALERTS}/none/resolve").status_code == 404
    assert tower.ask("POST", f"{ALERTS}/none/acknowledge").status_code == 404


def test_a_form_of_the_dashboard_leads_back_to_it(tower: Tower) -> None:
    """In the language of the page."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = tower.ask("POST", f"{ALERTS}/{raised(tower)}/resolve?lang=pt-BR", headers=browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/production/?lang=pt-BR")


def test_history_and_stats_are_told(tower: Tower) -> None:
    """Paged, and with counts."""
    raised(tower)
    assert tower.ask("GET", f"{ALERTS}/stats").json()["by_severity"]["MEDIUM"] == 1
    assert tower.ask("GET", f"{ALERTS}/history?limit=1").status_code == 200
    assert tower.ask("GET", f"{ALERTS}/history?limit=0").status_code == 400


def test_the_rules_are_told_and_asked_for_by_state(tower: Tower) -> None:
    """Also before anybody evaluated them; a state that is none is refused."""
    document = tower.ask("GET", f"{ALERTS}/rules").json()
    assert (document["evaluated_at"], document["rules"]) == (None, [])
    assert "backup_failed" in {event["name"] for event in document["events"]}
    assert tower.ask("GET", f"{ALERTS}/rules?state=no%20data").json()["events"] == []
    assert tower.ask("GET", f"{ALERTS}/rules?state=loud").status_code == 400


def test_a_silence_is_added_listed_and_ended(tower: Tower) -> None:
    """With matchers and an end."""
    silence = {"matchers": {"severity": "LOW"}, "minutes": 60, "comment": "deploy"}
    added = tower.ask("POST", f"{ALERTS}/silences", json=silence)
    assert (added.status_code, added.json()["author"]) == (201, OPERATOR_ENTRY.name)
    assert tower.ask("GET", f"{ALERTS}/silences").json()["total"] == 1
    ended = tower.ask("DELETE", f"{ALERTS}/silences/{added.json()['id']}", json={"by": "ann"})
    assert (ended.status_code, ended.json()["ended_by"]) == (200, "ann")
    assert tower.ask("GET", f"{ALERTS}/silences").json()["total"] == 0


@pytest.mark.parametrize(
    "silence",
    [
        {},
        {"matchers": {}},
        {"matchers": {"colour": "red"}, "minutes": 5},
        {"matchers": {"severity": "LOW"}, "minutes": -1},
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(tower: Tower, silence: dict[str, object]) -> None:
    """And nothing is silenced."""
    assert tower.ask("POST", f"{ALERTS}/silences", json=silence).status_code == 400
    assert tower.ask("DELETE", f"{ALERTS}/silences/none").status_code == 404


def test_a_test_message_goes_through_every_channel(tower: Tower) -> None:
    """Of which there is none here."""
    assert tower.ask("POST", f"{ALERTS}/test", token=OPERATOR).json() == {"ok": False, "channels": []}
