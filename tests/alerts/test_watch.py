"""What keeps notices back just now."""

from __future__ import annotations

from pathlib import Path

from app.alerts.facts import Silenced
from app.alerts.ledger import Ledger
from app.alerts.plan import EVERYBODY, InhibitRule
from app.core.clock import parse_rfc3339
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
