"""Why an alert that fires is not told just now."""

from __future__ import annotations

import pytest

from app.alerts.holding import held_of, kind_of, worded
from app.core.clock import parse_rfc3339

NOW = parse_rfc3339("2026-11-23T12:00:00Z")
SOON, PAST = "2026-11-23T12:30:00.000000Z", "2026-11-23T11:30:00.000000Z"


def decision(
    what: str, why: str = "", due_at: str | None = SOON, channel: str = "email"
) -> dict[str, object]:
    return {"alert_id": "a", "channel": channel, "what": what, "why": why, "at": PAST, "due_at": due_at}


@pytest.mark.parametrize(
    ("why", "kind", "portuguese"),
    [
        ("silence 1a06 of ana maria", "silence", "silêncio 1a06 de ana maria"),
        (
            "inhibited: the database is down (a1)",
            "inhibited",
            "explicado por outro alerta: the database is down (a1)",
        ),
        ("maintenance: nightly import", "maintenance", "manutenção: nightly import"),
        ("acknowledged by ana", "acknowledged", "reconhecido por ana"),
        ("quiet hours", "quiet_hours", "horário de silêncio"),
        ("cooldown", "cooldown", "já foi avisado há pouco"),
        ("flapping: told when it has settled", "flapping", "vai e volta: avisado quando assentar"),
        ("whatsapp is used from HIGH on", "route", "whatsapp is used from HIGH on"),
    ],
)
def test_a_stored_reason_is_known_again(why: str, kind: str, portuguese: str) -> None:
    """And told in the reader's language."""
    assert kind_of(why) == kind
    assert worded(kind, why, "en") == why
    assert worded(kind, why, "pt-BR") == portuguese


def test_the_newest_decision_of_each_channel_counts() -> None:
    """What was sent holds nothing; two channels may be held by different reasons."""
    found = held_of(
        [
            decision("withheld", "cooldown"),
            decision("postponed", "quiet hours", channel="slack"),
            decision("delivered", channel="whatsapp"),
        ],
        NOW,
    )
    assert [(held.channel, held.kind, held.until) for held in found["a"]] == [
        ("email", "cooldown", SOON),
        ("slack", "quiet_hours", SOON),
    ]


def test_an_end_is_told_only_where_the_reason_has_one() -> None:
    """An inhibition is looked at again then, and may well go on."""
    (held,) = held_of([decision("withheld", "inhibited: the database is down (a1)")], NOW)["a"]
    assert held.until is None


def test_what_has_ended_holds_nothing() -> None:
    """Although nobody has looked since."""
    assert held_of([decision("withheld", "cooldown", PAST)], NOW) == {}
