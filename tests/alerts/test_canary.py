"""The daily trial of every channel."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from app.alerts.canary import is_due, tried
from app.alerts.channels.recording import RecordingChannel
from app.core.clock import parse_rfc3339
from app.core.errors import DeliveryFailed

from .examples import NOON

PAULO = ZoneInfo("America/Sao_Paulo")


class Dear(RecordingChannel):
    """Each message costs money."""

    costs_money = True


def test_trial_is_told_as_it_went() -> None:
    """Of a good channel and of a bad one."""
    good, bad = RecordingChannel("good"), RecordingChannel("bad")
    bad.failure = DeliveryFailed("no such host", "Check it.", permanent=True)
    first, second = tried([good, bad], NOON)
    assert (first.channel, first.error) == ("good", "")
    assert (second.channel, second.error, second.hint) == ("bad", "no such host", "Check it.")
    assert second.document()["ok"] is False
    assert tried([], NOON) == []
    assert good.said() == [("test", "Test message")]


@pytest.mark.parametrize(("mode", "messages"), [("check", (0, 0)), ("message", (1, 0)), ("all", (1, 1))])
def test_mode_says_who_gets_a_real_message(mode: str, messages: tuple[int, int]) -> None:
    """Where a message costs money, only when that is wanted."""
    cheap, dear = RecordingChannel("cheap"), Dear("dear")
    assert [trial.error for trial in tried([cheap, dear], NOON, mode)] == ["", ""]
    assert (len(cheap.notices), len(dear.notices)) == messages


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-23T11:59:59Z", False),
        ("2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z", True),
        ("2026-11-23T12:00:01Z", "2026-11-23T23:00:00Z", False),
        ("2026-11-20T12:00:01Z", "2026-11-23T03:00:00Z", True),
    ],
)
def test_trial_is_due_at_its_time_of_day(last: str, now: str, due: bool) -> None:
    """Nine in Sao Paulo; one that was missed is made up for."""
    assert is_due(parse_rfc3339(last), parse_rfc3339(now), time(9), PAULO) is due
