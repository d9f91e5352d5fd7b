"""Who is told of a change, and who later if nothing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.alerts.channels.recording import RecordingChannel
from app.alerts.config import parse_plan
from app.alerts.facts import Acknowledged
from app.core.signal import Severity
from app.testing import FrozenClock

from .examples import Room

PLAN = """
people:
  ana: {mail: ana@example.org, chat: U1}
  bob: {mail: bob@example.org}
routes:
  - {name: shop, match: {category: BUSINESS}, to: [chat]}
escalation:
  - match: {severity: HIGH+}
    steps:
      - {after_minutes: 10, to: [bob]}
      - {after_minutes: 30, to: [ana, mail]}
"""
OpenRoom = Callable[..., Room]


@pytest.fixture
def open_room(tmp_path: Path, clock: FrozenClock) -> Iterator[OpenRoom]:
    """Makes a room with two channels and a plan."""
    opened: list[Room] = []

    def make(text: str = PLAN, **settings: object) -> Room:
        channels = [RecordingChannel("mail"), RecordingChannel("chat")]
        plan = parse_plan(text, "alerts.yaml", {"mail": True, "chat": True})
        opened.append(Room(tmp_path / "alerts", clock, channels, plan, **settings))
        return opened[0]

    yield make
    for room in opened:
        room.close()


def acknowledge(room: Room) -> None:
    """Ana is on it."""
    room.source.write(Acknowledged(room.clock.now(), room.alert().id, "ana", ""))
    room.ledger.fold(room.folder)
    room.deliver()


def test_route_says_who_is_told(open_room: OpenRoom) -> None:
    """Only the chat of the shop; the history names the route."""
    room = open_room()
    room.observe()
    room.deliver()
    assert (room.said(0), room.said(1)) == ([], ["fired"])
    assert room.reasons("routed") == ["by the route shop"]
    assert "the route shop sends it elsewhere" in room.reasons()


def test_what_nobody_is_on_goes_up_the_ladder(open_room: OpenRoom) -> None:
    """Bob by mail after ten minutes, Ana by both and the common mail after thirty, then nobody."""
    room = open_room()
    room.observe()
    room.pass_time(minutes=9.9)
    assert room.said(0) == []
    room.pass_time(minutes=0.1)
    room.pass_time(minutes=0.1)
    mail, chat = room.channels
    assert [(n.kind, n.recipients) for n in mail.notices] == [("escalated", ("bob@example.org",))]
    assert mail.notices[0].key.endswith(".escalated-0.mail.bob")
    room.pass_time(minutes=20)
    assert sorted(n.recipients for n in mail.notices[1:]) == [(), ("ana@example.org",)]
    assert chat.notices[-1].recipients == ("U1",)
    room.pass_time(hours=3)
    assert room.said(0).count("escalated") == 3
    assert room.reasons("escalated")[0] == "nobody was on it within 10 minutes (number 1)"


def test_what_somebody_is_on_stays_where_it_is(open_room: OpenRoom) -> None:
    """Until it gets worse: then the ladder begins anew."""
    room = open_room()
    room.observe()
    room.deliver()
    acknowledge(room)
    room.pass_time(hours=1)
    assert room.said(0) == []
    room.observe(severity=Severity.CRITICAL)
    room.pass_time(seconds=1)
    assert room.said(0) == []
    room.pass_time(minutes=10)
    assert room.said(0) == ["escalated"]


def test_what_is_over_is_not_escalated_and_its_end_reaches_everybody(open_room: OpenRoom) -> None:
    """Bob, who was woken, may sleep again."""
    room = open_room()
    room.observe()
    room.pass_time(minutes=11)
    room.clear()
    room.pass_time(hours=1)
    assert (room.said(0), room.said(1)) == (["escalated", "resolved"], ["fired", "resolved"])


def test_those_who_were_told_learn_who_is_on_it(open_room: OpenRoom) -> None:
    """Whatever the cooldown; nobody else does."""
    room = open_room(announce_acknowledgements=True)
    room.observe()
    room.deliver()
    acknowledge(room)
    assert (room.said(0), room.said(1)) == ([], ["fired", "acknowledged"])
    assert room.channels[1].notices[1].alert.acknowledged_by == "ana"


def test_quiet_hours_end_with_everything_that_came(open_room: OpenRoom, clock: FrozenClock) -> None:
    """LOW and MEDIUM wait until seven; what was over by then is told as that; HIGH does not wait."""
    clock.set("2026-11-23T23:00:00Z")
    room = open_room("quiet_hours: {from: 22:00, to: 07:00}", timezone="UTC")
    room.observe("low", severity=Severity.LOW)
    room.observe("short", severity=Severity.MEDIUM)
    room.observe("high")
    room.deliver()
    room.clear("short", severity=Severity.MEDIUM)
    room.pass_time(hours=7.9)
    assert room.said() == ["fired"]
    assert room.outbox.overview([])["mail"]["oldest_pending_at"] is None
    room.pass_time(hours=0.1)
    assert sorted(room.channels[0].said()[1:]) == [("fired", "low"), ("late", "short")]
    assert "quiet hours" in room.reasons("postponed")


def test_maintenance_ends_with_what_still_fires(open_room: OpenRoom) -> None:
    """And says in the history why nothing came before."""
    text = "maintenance: [{name: import, match: {key: Gate*}, from: '11:00', to: '13:00', timezone: UTC}]"
    room = open_room(text)
    room.observe()
    room.observe("Oven is hot")
    room.deliver()
    assert room.channels[0].said() == [("fired", "Oven is hot")]
    assert "maintenance: import" in room.reasons()
    room.pass_time(hours=1)
    assert ("fired", "Gateway refuses") in room.channels[0].said()


def test_square_wave_is_few_messages_whatever_its_severity(open_room: OpenRoom) -> None:
    """On and off each ten seconds for an hour: told, over, comes and goes, has settled."""
    room = open_room("", cooldown_critical_seconds=0)
    for _ in range(180):
        room.observe(severity=Severity.CRITICAL)
        room.pass_time(seconds=10)
        room.clear(severity=Severity.CRITICAL)
        room.pass_time(seconds=10)
    flapping = room.said()
    assert flapping[-1] == "flapping"
    assert flapping.count("flapping") == 1
    room.pass_time(minutes=30)
    assert room.said()[len(flapping) :] in (["resolved"], ["late"])
    assert "flapping: told when it has settled" in room.reasons()


def test_what_still_fires_when_it_has_settled_is_told(open_room: OpenRoom) -> None:
    """It went on and off, and then stayed."""
    room = open_room("")
    for _ in range(20):
        room.observe()
        room.pass_time(seconds=10)
        room.clear()
        room.pass_time(seconds=10)
    room.observe()
    for _ in range(60):
        room.pass_time(minutes=1)
    assert room.said()[-1] in ("fired", "reminder")
    assert room.reasons("settled") == ["it no longer comes and goes"]
