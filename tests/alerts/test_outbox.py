"""From a raise to a delivery, with time standing still: ledger, outbox and sender together."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from app.alerts import queue
from app.alerts.channels.recording import RecordingChannel
from app.alerts.desk import Desk
from app.alerts.entries import Claim
from app.alerts.model import Kind, Receipt, Silence
from app.alerts.records import save
from app.core.clock import parse_rfc3339, rfc3339
from app.core.errors import DeliveryFailed, NotFound
from app.core.signal import Condition, Severity
from app.testing import FrozenClock, wait_until

from .examples import Room

REFUSED = DeliveryFailed("the server does not answer")
BROKEN = DeliveryFailed("the webhook was removed", permanent=True)


def test_raise_is_delivered_once(room: Room) -> None:
    """One notice, one row, one line of history."""
    room.observe()
    room.deliver()
    room.deliver()
    assert room.said() == ["fired"]
    assert [row["state"] for row in room.rows()] == ["sent"]
    assert room.reasons("delivered") == [""]


def test_end_of_what_was_told_is_told(room: Room) -> None:
    """At once, whatever the cooldown."""
    room.observe()
    room.deliver()
    room.clear()
    room.deliver()
    assert room.said() == ["fired", "resolved"]


def test_what_was_over_before_anybody_was_told_is_one_message(room: Room) -> None:
    """Fired and resolved while the channel was down: one late notice, and nothing else."""
    room.channels[0].failure = REFUSED
    room.observe()
    room.deliver()
    room.clear()
    room.pass_time(hours=1)
    room.channels[0].failure = None
    room.pass_time(minutes=10)
    assert room.said() == ["late"]
    assert [row["state"] for row in room.rows()] == ["superseded", "sent"]


def test_end_is_not_told_where_the_beginning_could_not_be(room: Room) -> None:
    """A channel that lost the fire for good says nothing of its end, and history says why."""
    room.channels[0].failure = BROKEN
    room.observe()
    room.deliver()
    room.channels[0].failure = None
    room.clear()
    room.deliver()
    assert room.said() == []
    assert "nobody was told that it fired" in room.reasons()


def test_repetitions_become_one_reminder_after_the_cooldown(room: Room) -> None:
    """15 minutes for HIGH; the reminder counts what came in between, and the next waits twice as long."""
    room.observe()
    room.deliver()
    for _ in range(37):
        room.observe()
    room.pass_time(minutes=14)
    assert room.said() == ["fired"]
    room.pass_time(minutes=1)
    assert room.said() == ["fired", "reminder"]
    assert room.channels[0].notices[1].repeats == 37
    room.observe()
    room.pass_time(minutes=29)
    assert len(room.said()) == 2
    room.pass_time(minutes=1)
    assert room.said() == ["fired", "reminder", "reminder"]


def test_repetition_after_the_cooldown_is_told_at_once(room: Room) -> None:
    """Nobody waits for a cooldown that is over."""
    room.observe()
    room.deliver()
    room.pass_time(hours=2)
    assert room.said() == ["fired"]
    room.observe()
    room.pass_time(seconds=1)
    assert room.said() == ["fired", "reminder"]


def test_cooldown_begins_at_the_delivery(room: Room) -> None:
    """An alert that could not be delivered for an hour is delivered, not cooled down."""
    room.channels[0].failure = REFUSED
    room.observe()
    room.pass_time(hours=1)
    room.channels[0].failure = None
    room.pass_time(minutes=5)
    delivered = room.clock.now()
    assert room.said() == ["fired"]
    room.observe()
    room.pass_time(minutes=14)
    assert room.said() == ["fired"]
    room.pass_time(minutes=1)
    assert room.said() == ["fired", "reminder"]
    assert room.clock.now() - delivered == timedelta(minutes=15)


def test_fire_within_the_cooldown_waits_for_its_end(room: Room) -> None:
    """A condition that comes and goes is told again after the cooldown, if it is so then."""
    room.observe()
    room.deliver()
    room.clear()
    room.deliver()
    room.pass_time(minutes=1)
    room.observe()
    room.deliver()
    assert room.said() == ["fired", "resolved"]
    assert "cooldown" in room.reasons()
    room.pass_time(minutes=14)
    assert room.said() == ["fired", "resolved", "fired"]


def test_square_wave_is_few_messages(room: Room) -> None:
    """On and off each 10 seconds for an hour, MEDIUM: one fire and one end."""
    for _ in range(180):
        room.observe(severity=Severity.MEDIUM)
        room.pass_time(seconds=10)
        room.clear(severity=Severity.MEDIUM)
        room.pass_time(seconds=10)
    assert len(room.said()) <= 4


def test_rise_in_severity_is_told_at_once(room: Room) -> None:
    """MEDIUM, then CRITICAL a second later."""
    room.observe(severity=Severity.MEDIUM)
    room.deliver()
    room.observe(severity=Severity.CRITICAL)
    room.deliver()
    assert room.said() == ["fired", "worse"]


def test_rise_before_the_first_delivery_is_one_message(room: Room) -> None:
    """The newest notice speaks for the older one."""
    room.observe(severity=Severity.MEDIUM)
    room.observe(severity=Severity.CRITICAL)
    room.deliver()
    assert room.said() == ["fired"]
    assert room.channels[0].notices[0].alert.severity is Severity.CRITICAL


def test_noted_signal_is_told_and_over(room: Room) -> None:
    """A good backup is a message, not a state."""
    room.observe("Backup made", condition=Condition.NOTED, severity=Severity.LOW)
    room.deliver()
    assert room.said() == ["noted"]
    assert not room.alert("Backup made").is_active


def test_expired_alert_is_told_to_be_over(room: Room) -> None:
    """It was not observed again in time, and that is the reason."""
    room.observe(expires_seconds=60)
    room.deliver()
    room.pass_time(seconds=61)
    assert room.said() == ["fired", "resolved"]
    assert room.alert().reason == "it was not observed again in time"


def test_failure_that_passes_is_tried_again_further_and_further_apart(room: Room) -> None:
    """After 1 to 2 s, then 2 to 4 s, never more often than that, and at least once a minute or so."""
    room.channels[0].failure = REFUSED
    room.observe()
    attempts = []
    for second in range(600):
        room.pass_time(seconds=1)
        made = room.rows()[0]["attempts"]
        attempts += [second] * (made - len(attempts))
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert pauses[0] <= 3
    assert max(pauses) <= 301
    assert 8 <= len(attempts) <= 20
    assert room.reasons("failed") == ["the server does not answer"]


@pytest.mark.parametrize("seconds", [1, 30, 3600])
def test_time_that_was_asked_for_is_given(room: Room, seconds: int) -> None:
    """Retry-After is obeyed to the second, by every notice of the channel."""
    room.channels[0].failure = DeliveryFailed("too many", retry_after=seconds)
    room.observe("a")
    room.deliver()
    room.channels[0].failure = None
    room.observe("b", severity=Severity.CRITICAL)
    room.pass_time(seconds=seconds - 0.001)
    assert room.said() == []
    room.pass_time(seconds=0.001)
    assert room.said() == ["fired", "fired"]


def test_clock_set_back_delays_nothing(room: Room) -> None:
    """What waits for a time that has moved away is sent."""
    room.channels[0].failure = REFUSED
    room.observe()
    room.deliver()
    room.channels[0].failure = None
    room.clock.set("2026-11-23T05:00:00Z")
    room.deliver()
    assert room.said() == ["fired"]


def test_worst_goes_first(room: Room) -> None:
    """A CRITICAL alert does not queue behind a hundred LOW ones."""
    for number in range(100):
        room.observe(f"low {number}", severity=Severity.LOW)
    room.observe("bad", severity=Severity.CRITICAL)
    room.deliver()
    assert room.channels[0].notices[0].alert.title == "bad"
    assert len(room.said()) == 101


@pytest.fixture
def three(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """Three channels; the third takes only what is HIGH."""
    channels = [RecordingChannel("mail"), RecordingChannel("chat"), RecordingChannel("phone", Severity.HIGH)]
    opened = Room(tmp_path / "alerts", clock, channels)
    yield opened
    opened.close()


def test_every_channel_is_told_by_itself(three: Room) -> None:
    """One channel's failure delays no other, and each is told the end if it was told the beginning."""
    three.channels[1].failure = REFUSED
    three.observe()
    three.deliver()
    assert [three.said(number) for number in range(3)] == [["fired"], [], ["fired"]]
    three.clear()
    three.deliver()
    assert [three.said(number) for number in range(3)] == [["fired", "resolved"], [], ["fired", "resolved"]]


def test_channel_below_its_severity_is_told_when_it_gets_worse(three: Room) -> None:
    """It begins for that channel there, and ends there too."""
    three.observe(severity=Severity.LOW)
    three.deliver()
    three.observe(severity=Severity.HIGH)
    three.deliver()
    three.clear()
    three.deliver()
    assert three.said(0) == ["fired", "worse", "resolved"]
    assert three.said(2) == ["fired", "resolved"]
    assert "phone is used from HIGH on" in three.reasons()


def test_channel_is_not_reminded_of_what_it_does_not_take(three: Room) -> None:
    """It was told of an episode that was HIGH; the next one is LOW."""
    three.observe(severity=Severity.HIGH)
    three.deliver()
    three.clear()
    three.deliver()
    three.observe(severity=Severity.LOW)
    three.observe(severity=Severity.LOW)
    three.pass_time(hours=5)
    assert three.said(0) == ["fired", "resolved", "fired"]
    assert three.said(2) == ["fired", "resolved"]


def test_broken_channel_is_an_alert_of_the_others(three: Room) -> None:
    """Its notice is dead and counted, the others say so, and say when it works again."""
    three.channels[1].failure = BROKEN
    three.observe()
    three.deliver()
    three.deliver()
    assert three.channels[0].said()[1] == ("fired", "The alert channel chat fails")
    assert three.channels[2].said()[1] == ("fired", "The alert channel chat fails")
    known = three.outbox.overview([])["chat"]
    assert (known["dead"], known["dead_lately"], known["last_error"]) == (1, 1, BROKEN.fact)
    three.channels[1].failure = None
    three.observe("another")
    three.deliver()
    three.deliver()
    assert three.channels[0].said()[-1] == ("resolved", "The alert channel chat fails")


def test_channels_that_are_all_broken_make_no_storm(three: Room) -> None:
    """The failure to tell of a failure is not told."""
    for channel in three.channels:
        channel.failure = BROKEN
    three.observe()
    for _ in range(10):
        three.pass_time(seconds=10)
    assert len(three.rows()) == 3 + 3 * 2
    assert {row["state"] for row in three.rows()} == {"dead"}


def test_channel_that_fails_for_long_is_an_alert_too(three: Room) -> None:
    """A quarter of an hour of failures that may pass is no longer something that passes."""
    three.channels[1].failure = REFUSED
    three.observe()
    for _ in range(25):
        three.pass_time(minutes=1)
    titles = [title for _, title in three.channels[0].said()]
    assert titles.count("The alert channel chat fails") == 1


def test_dead_notice_of_what_still_fires_is_followed_by_another(room: Room) -> None:
    """A channel that was repaired learns of what is still wrong after its cooldown."""
    room.channels[0].failure = BROKEN
    room.observe()
    room.deliver()
    room.channels[0].failure = None
    room.pass_time(minutes=16)
    assert room.said() == ["fired"]


def test_crash_while_sending_is_repeated_and_says_so(room: Room) -> None:
    """The row of a dead process is taken back at once, keeps its key, and is marked."""
    room.observe()
    claim = room.outbox.claim("recording")
    assert claim is not None
    with room.database.write() as connection:
        connection.execute("update outbox set lease_owner = '4194305-1'")
    room.deliver()
    notice = room.channels[0].notices[0]
    assert notice.possibly_repeated
    assert notice.key == claim.notice.key


def test_sender_that_was_overtaken_marks_nothing(room: Room) -> None:
    """Its fence is older than that of the process which took the row over."""
    room.observe()
    claim = room.outbox.claim("recording")
    assert claim is not None
    room.pass_time(minutes=3)
    assert room.said() == ["fired"]
    assert not room.outbox.sent(claim, Receipt())
    assert not room.outbox.failed(claim, BROKEN)
    assert [row["state"] for row in room.rows()] == ["sent"]


def test_lease_of_the_living_is_respected(room: Room) -> None:
    """While this process is sending, nobody else takes the row."""
    room.observe()
    assert room.outbox.claim("recording") is not None
    assert room.outbox.claim("recording") is None


def test_channel_that_is_no_longer_configured_holds_nothing_up(three: Room) -> None:
    """Its notices are withheld, and say why."""
    three.observe()
    three.outbox.retire(["mail"])
    assert {(row["channel"], row["state"]) for row in three.rows()} == {
        ("mail", "pending"), ("chat", "withheld"), ("phone", "withheld"),
    }  # fmt: skip


def test_partly_refused_delivery_is_in_the_history(room: Room) -> None:
    """It counts as delivered, with the names of those who were not reached."""
    room.observe()
    claim = room.outbox.claim("recording")
    assert claim is not None
    room.outbox.sent(claim, Receipt("m1", ("bob@example.org",)))
    assert room.reasons("delivered") == ["but refused: bob@example.org"]


def test_times_of_rows_are_those_of_the_clock(room: Room) -> None:
    """So that a backlog says since when it waits."""
    room.channels[0].failure = REFUSED
    room.observe()
    began = room.clock.now()
    room.pass_time(minutes=6)
    oldest = room.outbox.overview([])["recording"]["oldest_pending_at"]
    assert parse_rfc3339(oldest) == began
    assert oldest == rfc3339(began)


def test_what_one_channel_refuses_another_is_told(tmp_path: Path, clock: FrozenClock) -> None:
    """At once, though it is used from CRITICAL on only; the end reaches it too."""
    mail, phone = RecordingChannel("mail"), RecordingChannel("phone", Severity.CRITICAL)
    room = Room(tmp_path / "alerts", clock, [mail, phone])
    mail.failure = BROKEN
    room.observe()
    room.deliver()
    assert phone.said() == [("fired", "Gateway refuses")]
    assert room.reasons("fallback") == ["mail refused it"]
    room.clear()
    room.deliver()
    assert phone.said()[-1] == ("resolved", "Gateway refuses")
    room.close()


def test_nobody_is_told_twice_by_a_fallback(three: Room) -> None:
    """Where another channel is told anyway, the history says so."""
    three.channels[1].failure = BROKEN
    three.observe()
    three.deliver()
    assert three.said(0).count("fired") == 1
    assert three.reasons("fallback") == ["chat refused it; mail is told anyway"]


def test_failing_channel_is_told_of_once_an_hour(three: Room) -> None:
    """However many notices it refuses."""
    three.channels[1].failure = BROKEN
    for number in range(20):
        three.observe(f"a{number}")
        three.pass_time(minutes=2)
    titles = [title for _, title in three.channels[0].said()]
    assert titles.count("The alert channel chat fails") == 1


def test_what_waited_before_a_start_waits_until_everything_was_looked_at(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """Ten seconds, except for what is CRITICAL; what comes after the start does not wait."""
    first = Room(tmp_path / "alerts", clock)
    first.observe("old")
    first.observe("old and bad", severity=Severity.CRITICAL)
    first.close()
    clock.advance(seconds=5)
    room = Room(tmp_path / "alerts", clock, settle_seconds=10)
    room.observe("new")
    room.deliver()
    assert [title for _, title in room.channels[0].said()] == ["old and bad", "new"]
    room.pass_time(seconds=9.9)
    assert len(room.said()) == 2
    room.pass_time(seconds=0.1)
    assert room.channels[0].said()[2] == ("fired", "old")
    room.close()


def test_failure_that_may_have_delivered_is_repeated_and_says_so(room: Room) -> None:
    """Everything was handed over, and then there was no answer."""
    room.channels[0].failure = DeliveryFailed("no answer in time", uncertain=True)
    room.observe()
    room.deliver()
    room.channels[0].failure = None
    room.pass_time(seconds=3)
    assert [notice.possibly_repeated for notice in room.channels[0].notices] == [True]


def test_later_notices_know_what_the_first_was_called(room: Room) -> None:
    """So that a channel can put them below it."""
    room.observe()
    room.deliver()
    room.observe(severity=Severity.CRITICAL)
    room.deliver()
    room.clear()
    room.deliver()
    assert [notice.reference for notice in room.channels[0].notices] == ["", "1", "1"]


def test_one_alert_has_its_whole_story(three: Room) -> None:
    """Every step, oldest first, and what became of each notice."""
    three.observe()
    three.deliver()
    three.clear()
    three.deliver()
    page = Desk(three.source, three.ledger, three.database, three.folder, three.clock)
    story = page.alert(three.alert().id)
    assert story["history"][0]["what"] == "raised"
    assert [notice["state"] for notice in story["notices"]] == ["sent"] * 6
    assert story["seconds_to_resolve"] == 0
    with pytest.raises(NotFound):
        page.alert("nothing")


def test_silence_that_was_written_while_a_sender_waited_for_the_file_holds(room: Room) -> None:
    """The moment of a claim is that at which it has the file: what is silenced by then is not told."""
    room.observe("usual")
    claims: list[Claim | None] = []
    sender = threading.Thread(target=lambda: claims.append(room.outbox.claim("recording")))
    with room.database.write() as connection:
        sender.start()
        wait_until(lambda: "write" in stack_of(sender), what="the sender at the file")
        room.clock.advance(seconds=1)
        now = room.clock.now()
        alert = replace(room.alert("usual"), id="2", fingerprint="f2", key="k2", started_at=now)
        save(connection, Silence("s", {"key": "*"}, now, now + timedelta(hours=1), "ana"))
        save(connection, alert)
        queue.add(connection, alert, Kind.FIRED, "recording", now)
    sender.join()
    assert claims == [None]


def stack_of(thread: threading.Thread) -> set[str]:
    """The names of the functions that a thread is in."""
    frame = sys._current_frames().get(thread.ident or 0)
    return {step.name for step in traceback.extract_stack(frame)} if frame else set()
