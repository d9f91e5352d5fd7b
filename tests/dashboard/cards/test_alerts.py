"""The alerts come by urgency, each with what can be done about it."""

from __future__ import annotations

from app.core.clock import parse_rfc3339
from app.dashboard.cards import alerts, backups
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_alerts_come_by_urgency() -> None:
    """What nobody is on first, then the worst, then the oldest."""
    shown = alerts.view(
        {
            "alerts": [
                documents.alert(id="low", severity="LOW"),
                documents.alert(id="new", severity="HIGH", started_at="2026-11-23T11:59:00Z"),
                documents.alert(id="old", severity="HIGH"),
                documents.alert(id="taken", severity="CRITICAL", acknowledged_by="ann"),
            ]
        }
    )
    assert [alert.id for alert in shown] == ["old", "new", "low", "taken"]


def test_an_alert_can_be_acted_on() -> None:
    """Each button says to those who cannot see it which alert it is about."""
    made = alerts.markup(alerts.view({"alerts": [documents.alert()]}), frame())
    assert 'action="/production/alerts/a1/acknowledge"' in made
    assert 'action="/production/alerts/a1/resolve"' in made
    assert 'aria-label="Resolve: CPU is high"' in made
    assert "5 min ago" in made


def test_an_alert_of_a_known_kind_is_named_in_portuguese() -> None:
    """The pages word their titles in English; what a person raised stays as it was written."""
    shown = alerts.view(
        {"alerts": [documents.alert(code="backup_failed"), documents.alert(id="own", title="Caiu")]}
    )
    made = alerts.markup(shown, frame(words=PORTUGUESE))
    assert "Falha no backup" in made
    assert "Caiu" in made


def test_an_acknowledged_alert_cannot_be_acknowledged_again() -> None:
    """It says who did."""
    made = alerts.markup(alerts.view({"alerts": [documents.alert(acknowledged_by="ann")]}), frame())
    assert "acknowledged by ann" in made
    assert "/acknowledge" not in made


def test_who_may_only_look_sees_no_buttons() -> None:
    """Neither for alerts nor for backups."""
    reader = frame(can_act=False)
    assert "<form" not in alerts.markup(alerts.view({"alerts": [documents.alert()]}), reader)
    assert "<form" not in backups.markup(backups.view(documents.backup()), reader)


def test_an_id_cannot_lead_a_form_elsewhere() -> None:
    """Whatever it is made of, it stays one segment of the path."""
    made = alerts.markup(alerts.view({"alerts": [documents.alert(id="../login?x#y")]}), frame())
    assert 'action="/production/alerts/..%2Flogin%3Fx%23y/resolve"' in made


def test_a_moment_is_exact_in_its_title() -> None:
    """Relative times are for glancing."""
    made = alerts.markup(alerts.view({"alerts": [documents.alert()]}), frame())
    at = parse_rfc3339("2026-11-23T11:55:00Z")
    assert f'<time datetime="{at.isoformat()}" title="2026-11-23 11:55:00 UTC">' in made


def test_an_alert_says_why_it_is_not_told() -> None:
    """Each reason once with its channels and its end; a channel that is not meant for it is none."""
    silence = {"kind": "silence", "why": "silence 1a of ana", "until": "2026-11-23T12:30:00Z"}
    held = [
        {"channel": "email", **silence},
        {"channel": "slack", **silence},
        {"channel": "whatsapp", "kind": "route", "why": "whatsapp is used from HIGH on", "until": None},
    ]
    shown = alerts.view({"alerts": [documents.alert(held=held)]})
    made = alerts.markup(shown, frame())
    assert "Not told just now: <bdi>silence 1a of ana</bdi> (email, slack) · ends <time" in made
    assert "whatsapp" not in made
    assert "Sem aviso agora: <bdi>silêncio 1a de ana</bdi>" in alerts.markup(shown, frame(words=PORTUGUESE))


def test_an_alert_says_that_it_comes_and_goes() -> None:
    """Since when."""
    flapping = documents.alert(flapping_since="2026-11-23T11:50:00Z")
    made = alerts.markup(alerts.view({"alerts": [flapping]}), frame())
    assert 'comes and goes, since <time datetime="2026-11-23T11:50:00+00:00"' in made
