"""Facts into state: reading, trimming, and what is read only once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.alerts import store
from app.alerts.facts import Acknowledged, Ended, Silenced, Unsilenced
from app.alerts.ledger import Ledger
from app.alerts.plan import EVERYBODY
from app.alerts.policy import policy_of
from app.alerts.settings import AlertSettings
from app.core.guard import failures
from app.core.signal import Severity
from app.testing import FrozenClock

from .examples import Room

HOUR = timedelta(hours=1)


def silence(room: Room, **matchers: str) -> None:
    """Ana silences for an hour."""
    now = room.clock.now()
    room.source.write(Silenced(now, "s1", matchers, now + HOUR, "ana", "deploy"))
    room.ledger.fold(room.folder)


def test_line_that_nobody_can_read_is_counted_and_passed(room: Room) -> None:
    """What stands behind it is read."""
    before = failures.snapshot().get("alerts.journal")
    room.source.journal.append({"fact": "sung"})
    room.observe()
    assert room.alert().is_active
    assert failures.snapshot()["alerts.journal"].count == (before.count if before else 0) + 1


def test_acts_are_facts_too(room: Room) -> None:
    """Acknowledged by one, ended by another, each with a reason, in the history."""
    room.observe()
    name = room.alert().id
    room.source.write(Acknowledged(room.clock.now(), name, "ana", "on it"))
    room.source.write(Ended(room.clock.now(), name, "bob", "fixed"))
    room.source.write(Ended(room.clock.now(), "no such alert", "bob", ""))
    room.ledger.fold(room.folder)
    assert (room.alert().acknowledged_by, room.alert().resolved_by) == ("ana", "bob")
    assert room.reasons("acknowledged") == ["on it"]


def test_acknowledged_alert_is_not_reminded_of(room: Room) -> None:
    """And the history says why nothing came."""
    room.observe()
    room.deliver()
    room.source.write(Acknowledged(room.clock.now(), room.alert().id, "ana", ""))
    room.observe()
    room.pass_time(minutes=16)
    assert room.said() == ["fired"]
    assert "acknowledged by ana" in room.reasons()


def test_silence_keeps_quiet_and_its_end_tells_what_still_fires(room: Room) -> None:
    """What is over by then stays quiet."""
    silence(room, category="BUSINESS")
    room.observe("still there")
    room.observe("gone")
    room.deliver()
    room.clear("gone")
    room.pass_time(minutes=59)
    assert room.said() == []
    room.pass_time(minutes=1)
    assert [notice.alert.title for notice in room.channels[0].notices] == ["still there"]
    assert room.reasons() == ["silence s1 of ana"] * 2 + ["nobody was told that it fired"]


def test_silence_that_is_ended_early_tells_at_once(room: Room) -> None:
    """Not only when it would have ended by itself."""
    silence(room, key="Gate*")
    room.observe()
    room.deliver()
    room.source.write(Unsilenced(room.clock.now(), "s1", "ana"))
    room.pass_time(seconds=1)
    assert room.said() == ["fired"]


def test_silence_does_not_fit_what_it_does_not_match(room: Room) -> None:
    """Other alerts are told as ever."""
    silence(room, category="SECURITY")
    room.observe()
    room.deliver()
    assert room.said() == ["fired"]


def test_no_channel_is_a_reason(tmp_path: Path, clock: FrozenClock) -> None:
    """History says that nobody could be told."""
    room = Room(tmp_path, clock)
    room.ledger = Ledger(room.database, policy_of(AlertSettings(), EVERYBODY, []), clock)
    room.observe()
    assert room.reasons() == ["no channel is configured"]
    room.close()


def test_index_that_is_made_again_wakes_nobody_for_old_news(room: Room) -> None:
    """The state is the same, and only what still fires is told again."""
    room.observe("old")
    room.clear("old")
    room.observe("still there", severity=Severity.LOW)
    before = room.alert("still there")
    room.pass_time(hours=25)
    room.channels[0].notices.clear()
    room.database.path.unlink()
    room.ledger.fold(room.folder)
    room.deliver()
    assert room.said() == ["fired"]
    assert room.alert("still there") == before


def test_trim_deletes_what_is_over_for_long_with_its_journals(room: Room) -> None:
    """And neither what still fires nor what was not read."""
    room.observe("old")
    room.clear("old")
    room.observe("still there")
    room.deliver()
    room.pass_time(days=91)
    room.observe("new")
    room.clear("new")
    assert len(list(room.folder.glob("*.jsonl"))) == 2
    room.ledger.trim(room.folder, room.clock.now() - timedelta(days=90))
    assert len(list(room.folder.glob("*.jsonl"))) == 1
    with room.database.read() as connection:
        assert [alert.title for alert in store.active(connection)] == ["still there"]
        assert {event["title"] for event in store.history(connection, 99, 1 << 62, None)} == {
            "still there",
            "new",
        }
        assert len(store.offsets(connection)) == 1


def test_reason_that_comes_again_is_counted_on_its_line(room: Room) -> None:
    """So that an alert which lasts for days does not fill the history."""
    room.observe()
    for _ in range(10):
        room.observe()
    with room.database.read() as connection:
        events = store.history(connection, 99, 1 << 62, None)
    assert [(event["what"], event["count"]) for event in events] == [("repeated", 10), ("raised", 1)]
