"""What operators do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.alerts.desk import Desk
from app.core.errors import Conflict, InputRejected, NotFound, Unavailable

from .examples import Room, a_signal


@pytest.fixture
def desk(room: Room) -> Desk:
    """The desk of the room."""
    return Desk(room.source, room.ledger, room.database, room.folder, room.clock)


def test_raise_is_answered_with_the_alert(desk: Desk, room: Room) -> None:
    """Its id is the one that it can be resolved by, and a second raise is the same alert."""
    first = desk.raise_now(a_signal())
    assert first["id"] == room.alert().id
    assert first["state"] == "firing"
    again = desk.raise_now(a_signal())
    assert (again["id"], again["repeats"]) == (first["id"], 1)


def test_resolve_says_who_and_why(desk: Desk) -> None:
    """And cannot be done twice."""
    name = desk.raise_now(a_signal())["id"]
    over = desk.resolve(name, "ana", "restarted")
    assert (over["state"], over["resolved_by"], over["reason"]) == ("resolved", "ana", "restarted")
    with pytest.raises(Conflict):
        desk.resolve(name, "bob", "")
    with pytest.raises(Conflict):
        desk.acknowledge(name, "bob", "")


def test_acknowledge_can_be_repeated(desk: Desk) -> None:
    """The first one stays."""
    name = desk.raise_now(a_signal())["id"]
    assert desk.acknowledge(name, "ana", "")["acknowledged_by"] == "ana"
    assert desk.acknowledge(name, "bob", "")["acknowledged_by"] == "ana"


def test_unknown_alert_is_not_found(desk: Desk) -> None:
    """Whatever is asked of it."""
    for act in (desk.resolve, desk.acknowledge):
        with pytest.raises(NotFound):
            act("nothing", "ana", "")


def test_silence_begins_now_and_has_an_end(desk: Desk) -> None:
    """Given as a time or in minutes."""
    timed = desk.add_silence({"key": "*"}, "2026-11-23T18:00:00-03:00", None, "ana", "deploy")
    assert (timed["starts_at"], timed["ends_at"]) == (
        "2026-11-23T12:00:00.000000Z",
        "2026-11-23T21:00:00.000000Z",
    )
    assert desk.add_silence({"key": "*"}, None, 30, "ana", "")["ends_at"] == "2026-11-23T12:30:00.000000Z"


@pytest.mark.parametrize(
    "given",
    [
        {"matchers": {}, "minutes": 5},
        {"matchers": {"colour": "red"}, "minutes": 5},
        {"minutes": None},
        {"minutes": -1},
        {"minutes": 1e9},
        {"minutes": 5, "ends_at": "2026-11-23T18:00:00Z"},
        {"ends_at": "2026-11-23T18:00:00"},
        {"ends_at": "tomorrow"},
        {"ends_at": "2026-11-23T11:00:00Z"},
    ],
)
def test_silence_without_sense_is_rejected(desk: Desk, given: dict[str, Any]) -> None:
    """No matcher, an unknown one, no end, two ends, an end in the past or after years."""
    said = {"matchers": {"key": "*"}, "ends_at": None, "minutes": None, "by": "ana", "comment": "", **given}
    with pytest.raises(InputRejected):
        desk.add_silence(**said)


def test_silence_can_be_ended_once(desk: Desk) -> None:
    """By its id, with who did it."""
    name = desk.add_silence({"key": "*"}, None, 30, "ana", "")["id"]
    ended = desk.end_silence(name, "bob")
    assert (ended["ends_at"], ended["ended_by"]) == ("2026-11-23T12:00:00.000000Z", "bob")
    with pytest.raises(NotFound):
        desk.end_silence(name, "bob")


def test_act_that_only_waits_in_memory_is_not_answered_as_done(desk: Desk, room: Room) -> None:
    """A full disk: the caller hears that it is not durable."""
    room.observe()
    room.source.journal.open(Path("/dev/full/nowhere"))
    with pytest.raises(Unavailable) as caught:
        desk.resolve(room.alert().id, "ana", "")
    assert "disk" in caught.value.hint


def test_texts_of_operators_are_redacted_and_printable(desk: Desk, room: Room) -> None:
    """They are shown and sent like all others."""
    room.source.redact = lambda text: text.replace("4111", "***")
    name = desk.raise_now(a_signal())["id"]
    over = desk.resolve(name, "ana\r\n", "card 4111\x00")
    assert (over["resolved_by"], over["reason"]) == ("ana", "card ***")
