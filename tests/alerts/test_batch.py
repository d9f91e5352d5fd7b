"""What goes out together: groups, digests, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.alerts.channels.recording import RecordingChannel
from app.alerts.facts import Acknowledged
from app.alerts.model import Kind, Notice
from app.core.errors import DeliveryFailed
from app.core.signal import Category, Severity
from app.testing import FrozenClock

from .examples import Room

REFUSED = DeliveryFailed("the server does not answer")
CUT_OFF = DeliveryFailed("no answer in time", uncertain=True)
BROKEN = DeliveryFailed("the webhook was removed", permanent=True)


@pytest.fixture
def read(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """A room with a channel that people read: with groups, digests and a bucket."""
    opened = Room(tmp_path / "alerts", clock, [RecordingChannel("slack", takes_digests=True)])
    yield opened
    opened.close()


def last(room: Room) -> Notice:
    """The newest notice of the first channel."""
    return room.channels[0].notices[-1]


@pytest.mark.parametrize(
    ("severity", "seconds"),
    [(Severity.CRITICAL, 0), (Severity.HIGH, 5), (Severity.MEDIUM, 30), (Severity.LOW, 300)],
)
def test_alert_waits_for_its_group(read: Room, severity: Severity, seconds: float) -> None:
    """The worse, the shorter; CRITICAL not at all."""
    read.observe(severity=severity)
    read.deliver()
    if seconds:
        read.pass_time(seconds=seconds - 0.001)
        assert read.said() == []
        read.pass_time(seconds=0.001)
    assert read.said() == ["fired"]


def test_older_word_is_not_told_in_place_of_a_newer_one_that_is_held_back(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """What a cooldown keeps from being said to be over is not said to be somebody's instead."""
    channels = [RecordingChannel("slack", takes_digests=True)]
    room = Room(tmp_path / "alerts", clock, channels, announce_acknowledgements=True)
    room.observe("again")
    room.pass_time(seconds=5)
    room.clear("again")
    room.deliver()
    room.observe("other")
    room.observe("again")
    room.source.write(Acknowledged(clock.now(), room.alert("again").id, "ana", ""))
    room.clear("again")
    room.pass_time(seconds=6)
    assert channels[0].said() == [("fired", "again"), ("resolved", "again"), ("fired", "other")]
    room.close()


def test_group_is_one_message(read: Room) -> None:
    """What came within the wait goes along, though its own wait is not over; the worst is told by name."""
    for number in range(12):
        read.observe(f"a{number}")
        read.pass_time(seconds=0.4)
    read.pass_time(seconds=1)
    assert read.said() == ["digest"]
    digest = last(read).digest
    assert digest is not None
    assert (digest.total, len(digest.items), digest.by_severity) == (12, 10, {Severity.HIGH: 12})
    assert digest.by_kind == {Kind.FIRED: 12}
    assert read.reasons("delivered") == ["in a digest of 12"] * 12


def test_groups_are_told_apart_while_it_is_quiet(read: Room) -> None:
    """Business and system are two messages of two each, and ends are not mixed with beginnings."""
    for category in (Category.BUSINESS, Category.SYSTEM):
        for number in range(2):
            read.observe(f"{category} {number}", category=category)
    read.pass_time(seconds=5)
    assert len(read.said()) == 2
    assert {notice.digest.total for notice in read.channels[0].notices if notice.digest} == {2}


def test_empty_bucket_puts_everything_together(read: Room) -> None:
    """Four messages, and then one a minute that holds what came meanwhile."""
    for number in range(50):
        read.observe(f"a{number}", key=f"a{number}")
        read.pass_time(seconds=6)
    assert len(read.said()) <= 4 + 6
    read.pass_time(seconds=70)
    told = sum(notice.digest.total if notice.digest else 1 for notice in read.channels[0].notices)
    assert told == 50


def test_critical_has_a_lane_of_its_own(read: Room) -> None:
    """It is not kept waiting by the messages that the others have used up."""
    for number in range(10):
        read.observe(f"a{number}")
        read.pass_time(seconds=5)
    read.observe("bad", severity=Severity.CRITICAL)
    read.deliver()
    assert last(read).alert.title == "bad"
    assert last(read).kind is Kind.FIRED


def test_storm_is_ten_messages_at_most(read: Room) -> None:
    """A thousand distinct alerts of every severity in ten seconds, watched for five minutes."""
    severities = list(Severity)
    for number in range(1_000):
        read.observe(f"a{number}", severity=severities[number % 4], category=list(Category)[number // 4 % 4])
        if number % 20 == 0:
            read.pass_time(seconds=0.2)
    for _ in range(310):
        read.pass_time(seconds=1)
    assert len(read.said()) <= 10
    told = sum(notice.digest.total if notice.digest else 1 for notice in read.channels[0].notices)
    assert told == 1_000
    assert {row["state"] for row in read.rows()} == {"sent"}


def test_digest_that_failed_is_made_anew(read: Room) -> None:
    """It says what is so by then: one is over, and one more has come; the same ones keep their key."""
    read.channels[0].failure = REFUSED
    read.observe("a")
    read.observe("b")
    read.pass_time(seconds=5)
    first = [row["key"] for row in read.rows() if row["kind"] == "digest"]
    read.pass_time(seconds=60)
    assert [row["key"] for row in read.rows() if row["kind"] == "digest"] == first
    read.clear("b")
    read.observe("c")
    read.channels[0].failure = None
    read.pass_time(minutes=5)
    assert sorted(read.said()) == ["digest", "late"]
    digest = next(notice.digest for notice in read.channels[0].notices if notice.digest)
    assert [(item.alert.title, item.kind) for item in digest.items] == [("a", Kind.FIRED), ("c", Kind.FIRED)]


def test_digest_that_was_cut_off_is_repeated_as_it_was(read: Room) -> None:
    """Under the same key and marked, because it may have arrived."""
    read.channels[0].failure = CUT_OFF
    read.observe("a")
    read.observe("b")
    read.pass_time(seconds=5)
    read.observe("c")
    read.channels[0].failure = None
    read.pass_time(seconds=3)
    notice = last(read)
    assert notice.possibly_repeated
    assert notice.digest is not None
    assert notice.digest.total == 2
    assert [row["key"] for row in read.rows() if row["kind"] == "digest"] == [notice.key]


def test_digest_of_a_dead_process_is_repeated(read: Room) -> None:
    """Its rows are not lost with it."""
    read.observe("a")
    read.observe("b")
    read.clock.advance(seconds=5)
    claim = read.outbox.claim("slack")
    assert claim is not None
    with read.database.write() as connection:
        connection.execute("update outbox set lease_owner = '4194305-1' where state = 'sending'")
    read.deliver()
    assert last(read).key == claim.notice.key
    assert last(read).possibly_repeated
    assert read.said() == ["digest"]


def test_hour_without_a_channel_is_one_late_message_for_each(read: Room) -> None:
    """A thousand that fired and ended inside drain as five digests at most, and each is told once."""
    read.channels[0].failure = REFUSED
    for number in range(1_000):
        read.observe(f"a{number}", severity=list(Severity)[number % 4])
    read.pass_time(minutes=30)
    for number in range(1_000):
        read.clear(f"a{number}", severity=list(Severity)[number % 4])
    read.pass_time(minutes=30)
    read.channels[0].failure = None
    for _ in range(10):
        read.pass_time(minutes=1)
    assert len(read.said()) <= 5
    told = [notice.digest for notice in read.channels[0].notices if notice.digest]
    assert sum(digest.total for digest in told) == 1_000
    assert {kind for digest in told for kind in digest.by_kind} == {Kind.LATE}


def test_end_of_what_a_digest_told_is_told(read: Room) -> None:
    """With the reference of the digest, below which it belongs."""
    read.observe("a")
    read.observe("b")
    read.pass_time(seconds=5)
    read.clear("a")
    read.deliver()
    assert read.said() == ["digest", "resolved"]
    assert last(read).reference == "1"
