"""The file with routes, people, escalation, quiet hours, maintenance and inhibition."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.alerts.config import parse_plan, read_plan
from app.alerts.plan import EVERYBODY
from app.core.clock import parse_rfc3339
from app.core.errors import SettingsError
from app.core.signal import Severity

CHANNELS = {"email": True, "slack": False, "whatsapp": True}
GOOD = """
people:
  ana: {email: ana@example.org, whatsapp: "+5511987654321"}
routes:
  - {name: shop, match: {category: business, labels.team: [shop, pay]}, to: [slack, ana, "email:ana"]}
escalation:
  - {match: {severity: CRITICAL}, steps: [{after_minutes: 10, to: ana}, {after_minutes: 30, to: [email]}]}
quiet_hours: {from: 22:00, to: 07:00, days: Sun-Thu, severities: low}
maintenance:
  - {name: nightly, from: "02:00", to: "03:00", match: {key: "import*"}}
  - {name: move, starts: 2026-12-01T01:00:00-03:00, ends: 2026-12-01T02:00:00-03:00}
inhibit: []
"""
MISTAKES = {
    "rotes: []": "line 1: rotes: there is no 'rotes' here (did you mean routes?)",
    "routes:\n  - {to: [slak]}": "line 2: there is no channel or person 'slak' (did you mean slack?)",
    "routes:\n  - {to: []}": "line 2: routes.0.to: Tuple should have at least 1 item",
    "routes:\n  - {too: [slack]}": "there is no 'too' here (did you mean to?)",
    "routes:\n  - to: [slack]\n    match: {sverity: LOW}": "line 3: routes.0.match: there is no",
    "routes:\n  - {to: [slack], hours: {from: 8h, to: 18h}}": "line 2: routes.0.hours.from: ",
    "routes:\n  - {to: [slack], hours: {days: Xyz, from: '8:00', to: '9:00'}}": "line 2",
    "people: {ana: {slack: U1}}\nroutes: [{to: [ana]}]": "line 2: ana has no address that a configured",
    "people: {ana: {email: a@b}}\nroutes: [{to: ['slack:ana']}]": "ana cannot be told by slack",
    "routes: [{to: ['email:eva']}]": "there is no person 'eva'",
    "escalation: [{steps: []}]": "line 1: escalation.0.steps",
    "escalation: [{steps: [{after_minutes: 9, to: [slack]}, {after_minutes: 3, to: [slack]}]}]": "later",
    "escalation: [{steps: [{after_minutes: 9, to: [slik]}]}]": "there is no channel or person 'slik'",
    "quiet_hours: {from: '22:00'}": "quiet_hours.to: Field required",
    "quiet_hours: {from: '22:00', to: '7:00', timezone: Mars/Base}": "is no IANA time zone",
    "quiet_hours: {from: '22:00', to: '07:00', severities: [LOUD]}": "quiet_hours.severities.0",
    "maintenance: [{name: x}]": "give either starts and ends, or from and to",
    "maintenance: [{name: x, starts: 2026-12-01T01:00:00, ends: 2026-12-01T02:00:00}]": "need a zone",
    "maintenance: [{name: x, starts: 2026-12-01T01:00:00Z, ends: 2026-11-01T02:00:00Z}]": "ends before",
    "inhibit: [{name: x, source: {}, target: {key: a}}]": "inhibit.0.source",
    "inhibit: [{name: x, source: {key: a}, target: {key: b}, equal: [hosst]}]": "no field 'hosst'",
    "routes: [": "line 1: ",
    "- 1": "line 1: the file: ",
}


def test_whole_file_is_read() -> None:
    """Every part of it, with lists where one is enough and times without quotes."""
    plan = parse_plan(GOOD, "alerts.yaml", CHANNELS)
    assert plan.routes[0].match == {"category": ("business",), "labels.team": ("shop", "pay")}
    assert plan.escalation[0].steps[0].to == ("ana",)
    assert plan.quiet_hours is not None
    assert plan.quiet_hours.severities == (Severity.LOW,)
    assert plan.inhibit == ()


def test_windows_are_once_or_every_week() -> None:
    """And end when they say."""
    weekly, once = parse_plan(GOOD, "alerts.yaml").maintenance
    zone = ZoneInfo("America/Sao_Paulo")
    night, moved = parse_rfc3339("2026-11-24T02:30:00-03:00"), parse_rfc3339("2026-12-01T01:30:00-03:00")
    assert weekly.end_after(night, zone) == parse_rfc3339("2026-11-24T06:00:00Z")
    assert once.end_after(moved, zone) == parse_rfc3339("2026-12-01T05:00:00Z")
    assert once.end_after(night, zone) is None


@pytest.mark.parametrize("text", MISTAKES)
def test_mistake_is_said_with_its_line(text: str) -> None:
    """And with what was probably meant."""
    with pytest.raises(SettingsError) as caught:
        parse_plan(text, "alerts.yaml", CHANNELS)
    assert caught.value.fact.startswith("alerts.yaml, line ")
    assert MISTAKES[text] in caught.value.fact


def test_all_mistakes_are_said_at_once() -> None:
    """So that a file is mended in one go."""
    with pytest.raises(SettingsError) as caught:
        parse_plan("rotes: 1\nroutes:\n  - {too: a}", "alerts.yaml")
    assert caught.value.fact.count("line ") == 3


def test_no_file_is_the_usual_plan(tmp_path: Path) -> None:
    """So is an empty one; one that cannot be read is an error."""
    assert read_plan(tmp_path / "alerts.yaml") == EVERYBODY
    (tmp_path / "alerts.yaml").write_text("# nothing yet\n")
    assert read_plan(tmp_path / "alerts.yaml", CHANNELS) == EVERYBODY
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError):
        read_plan(tmp_path / "folder")
