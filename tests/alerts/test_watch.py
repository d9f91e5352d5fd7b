"""What keeps notices back just now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.alerts import watch
from app.alerts.channels.recording import RecordingChannel
from app.alerts.config import parse_plan
from app.alerts.facts import Silenced
from app.alerts.holding import Untold
from app.alerts.ledger import Ledger
from app.alerts.plan import EVERYBODY, InhibitRule
from app.core.clock import parse_rfc3339, rfc3339
from app.core.signal import Severity
from app.testing import FrozenClock

from .examples import Room

DOWN = "database_unreachable"


def test_database_that_is_down_explains_what_follows(room: Room) -> None:
    """Errors and slow answers are not told while it lasts; what still is so afterwards is, at once."""
    room.observe("The database does not answer", code=DOWN)
    room.observe("Many requests fail", code="error_rate_high")
    room.observe("Slow answers", code="response_time_high")
    room.observe("Oven is hot")
    room.deliver()
    assert [title for _, title in room.channels[0].said()] == ["The database does not answer", "Oven is hot"]
    room.clear("Slow answers", code="response_time_high")
    room.clear("The database does not answer", code=DOWN)
    room.pass_time(seconds=1)
    assert room.channels[0].said()[2:] == [
        ("resolved", "The database does not answer"),
        ("fired", "Many requests fail"),
    ]
    assert any(why.startswith("inhibited: the database is down") for why in room.reasons())


def test_end_of_what_was_told_before_its_cause_is_told(room: Room) -> None:
    """Inhibition withholds no good news."""
    room.observe("Many requests fail", code="error_rate_high")
    room.deliver()
    room.observe("The database does not answer", code=DOWN)
    room.clear("Many requests fail", code="error_rate_high")
    room.deliver()
    assert ("resolved", "Many requests fail") in room.channels[0].said()


def test_cause_that_gets_better_explains_no_more(tmp_path: Path) -> None:
    """What it held back is told as soon as it is no longer what the rule is about."""
    rule = InhibitRule(name="bad host", source={"severity": ("CRITICAL",)}, target={"key": ("slow",)})
    clock = FrozenClock()
    room = Room(tmp_path, clock, plan=EVERYBODY.model_copy(update={"inhibit": (rule,)}))
    room.observe("host", severity=Severity.CRITICAL)
    room.observe("slow")
    room.pass_time(seconds=5)
    assert room.channels[0].said() == [("fired", "host")]
    room.observe("host", severity=Severity.LOW)
    room.pass_time(seconds=1)
    assert room.channels[0].said()[1:] == [("fired", "slow")]
    room.close()


def test_rules_of_inhibition_are_those_of_this_start(room: Room) -> None:
    """A rule that was taken out of the file holds nothing back any more."""
    room.observe("The database does not answer", code=DOWN)
    room.ledger.prepare()
    assert inhibitors(room) == 1
    without = EVERYBODY.model_copy(update={"inhibit": ()})
    other = Room(room.folder, room.clock, room.channels, without)
    Ledger(room.database, other.policy, room.clock).prepare()
    assert inhibitors(room) == 0
    other.close()


def test_silence_until_resolved_ends_with_what_it_is_about(room: Room) -> None:
    """The next episode is told; the end of one of two is not the end of both."""
    now = room.clock.now()
    far = parse_rfc3339("2027-11-01T00:00:00Z")
    room.source.write(Silenced(now, "s1", {"key": "Gate*"}, far, "ana", "known", until_resolved=True))
    room.observe("Gate A")
    room.observe("Gate B")
    room.clear("Gate A")
    room.deliver()
    room.observe("Gate A")
    room.deliver()
    assert room.said() == []
    room.clear("Gate A")
    room.clear("Gate B")
    assert "s1: what it was about is over" in room.reasons("unsilenced")
    room.observe("Gate B")
    room.deliver()
    assert room.channels[0].said() == [("fired", "Gate B")]


def inhibitors(room: Room) -> int:
    """How many alerts explain others."""
    with room.database.read() as connection:
        return len(connection.execute("select * from inhibitor").fetchall())


def untold(room: Room) -> Untold:
    with room.database.read() as connection:
        return watch.untold(connection, room.clock.now())


def held(room: Room, title: str = "Gateway refuses") -> list[tuple[str, str | None]]:
    """What keeps an alert quiet now, and until when."""
    return [(one.why, one.until) for one in untold(room).held.get(room.alert(title).id, ())]


def test_what_is_silenced_says_by_whom_until_when(room: Room) -> None:
    """And no more once the silence is over and it was told."""
    now = room.clock.now()
    end = now + timedelta(hours=1)
    room.source.write(Silenced(now, "1a2b", {"severity": "*"}, end, "ana", "moving"))
    room.observe()
    room.deliver()
    assert held(room) == [("silence 1a2b of ana", rfc3339(end))]
    room.pass_time(hours=1, seconds=1)
    assert room.said() == ["fired"]
    assert held(room) == []


def test_what_is_explained_says_by_what(room: Room) -> None:
    """Until that is over, whenever that is."""
    room.observe("The database does not answer", code=DOWN)
    room.observe("Slow answers", code="response_time_high")
    room.deliver()
    down = room.alert("The database does not answer", code=DOWN)
    assert held(room, "Slow answers") == [(f"inhibited: the database is down ({down.id})", None)]
    assert held(room, "The database does not answer") == []


def test_what_was_told_not_long_ago_says_until_when(room: Room) -> None:
    """It came back before anybody needs another message about it."""
    room.observe()
    room.deliver()
    room.clear()
    room.observe()
    room.deliver()
    ((why, until),) = held(room)
    assert why == "cooldown"
    assert until == rfc3339(room.clock.now() + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("text", "why", "until"),
    [
        ("quiet_hours: {from: 22:00, to: 07:00}", "quiet hours", "2026-11-24T07:00:00.000000Z"),
        (
            "maintenance: [{name: move, from: '22:00', to: '23:30'}]",
            "maintenance: move",
            "2026-11-23T23:30:00.000000Z",
        ),
    ],
)
def test_what_waits_for_hours_says_for_which(
    tmp_path: Path, clock: FrozenClock, text: str, why: str, until: str
) -> None:
    """And when they end."""
    clock.set("2026-11-23T23:00:00Z")
    room = Room(
        tmp_path,
        clock,
        [RecordingChannel("mail")],
        parse_plan(text, "a.yaml", {"mail": False}),
        timezone="UTC",
    )
    room.observe(severity=Severity.LOW)
    room.pass_time(minutes=10)
    assert held(room) == [(why, until)]
    room.close()


def test_what_comes_and_goes_says_since_when(room: Room) -> None:
    """Until it has settled."""
    for _ in range(20):
        room.observe()
        room.pass_time(seconds=10)
        room.clear()
        room.pass_time(seconds=10)
    room.observe()
    room.pass_time(seconds=10)
    assert room.alert().fingerprint in untold(room).flapping
    assert held(room) == [("flapping: told when it has settled", None)]
    room.pass_time(minutes=60)
    assert untold(room).flapping == {}
