"""How alerts are handled here."""

from __future__ import annotations

from app.alerts.config import parse_plan
from app.alerts.plan import EVERYBODY
from app.alerts.policy import Lane, policy_of
from app.alerts.settings import AlertSettings
from app.core.clock import parse_rfc3339

LANES = [Lane("mail"), Lane("chat"), Lane("phone"), Lane("mail:ana"), Lane("chat:ana")]
SETTINGS = AlertSettings(timezone="America/Sao_Paulo")


def test_other_channels_are_fallen_back_on_in_their_order() -> None:
    """A person first by another of her addresses; the setting decides where it is given."""
    usual = policy_of(SETTINGS, EVERYBODY, LANES)
    assert usual.fallbacks("mail") == ["chat", "phone"]
    assert usual.fallbacks("mail:ana") == ["chat:ana", "mail", "chat", "phone"]
    chosen = policy_of(SETTINGS.model_copy(update={"fallback": ("phone",)}), EVERYBODY, LANES)
    assert chosen.fallbacks("mail") == ["phone"]
    assert chosen.fallbacks("phone") == []


def test_hours_are_those_of_the_installation() -> None:
    """Unless they name a zone of their own."""
    text = """
    quiet_hours: {from: "22:00", to: "07:00"}
    maintenance: [{name: x, from: "22:00", to: "23:00", timezone: UTC}]
    """
    policy = policy_of(SETTINGS, parse_plan(text, "alerts.yaml"), LANES)
    evening = parse_rfc3339("2026-11-23T22:30:00-03:00")
    assert policy.quiet_until(evening) == parse_rfc3339("2026-11-24T10:00:00Z")
    assert policy.windows(evening) == []
    assert [window.name for window in policy.windows(parse_rfc3339("2026-11-23T22:30:00Z"))] == ["x"]


def test_lane_that_is_gone_has_no_limits() -> None:
    """What waits for it is withheld elsewhere."""
    assert policy_of(SETTINGS, EVERYBODY, LANES).lane("gone") == Lane("gone")
