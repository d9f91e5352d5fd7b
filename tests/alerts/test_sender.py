"""The thread that delivers through one channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.alerts.channels.recording import RecordingChannel
from app.alerts.model import Delivery, Notice, Progress, Receipt
from app.alerts.sender import Sender, attempt, progress_of, reach
from app.core.errors import DeliveryFailed, Unavailable
from app.core.signal import Severity
from app.testing import FrozenClock, wait_until

from .examples import Room, a_notice


class Rude(RecordingChannel):
    """A channel of somebody else's that breaks its contract."""

    def deliver(self, notice: Notice) -> Receipt:  # noqa: ARG002
        raise KeyError("SECRET")


class Unsure(RecordingChannel):
    """A channel that raises another error of ours."""

    def deliver(self, notice: Notice) -> Receipt:  # noqa: ARG002
        raise Unavailable("the gateway is closed", "Wait.")


def test_channel_that_breaks_its_contract_has_failed_for_now() -> None:
    """Its notice comes again, its secret goes nowhere."""
    outcome = attempt(Rude("rude"), a_notice())
    assert isinstance(outcome, DeliveryFailed)
    assert not outcome.permanent
    assert "SECRET" not in str(outcome)
    other = attempt(Unsure("unsure"), a_notice())
    assert isinstance(other, DeliveryFailed)
    assert other.fact == "the gateway is closed"


def test_thread_delivers_while_its_process_leads(room: Room) -> None:
    """And begins by itself when leadership comes to it."""
    leads: list[bool] = []
    channel = room.channels[0]
    sender = Sender(channel, room.outbox, lambda: bool(leads), room.source.observe, room.clock)
    sender.start()
    room.observe()
    sender.wake()
    assert room.said() == []
    leads.append(True)
    wait_until(lambda: room.said() == ["fired"], what="the notice")
    sender.stop()
    sender.join()
    room.observe("another")
    assert room.said() == ["fired"]


class Searchable(RecordingChannel):
    """A channel that can be asked whether it has a message already."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Receipt | DeliveryFailed | None = None

    def look_up(self, notice: Notice) -> Receipt | None:  # noqa: ARG002
        if isinstance(self.answer, DeliveryFailed):
            raise self.answer
        return self.answer


class Slow(RecordingChannel):
    """A channel that accepts first and delivers later."""

    def __init__(self) -> None:
        super().__init__()
        self.progress: list[Delivery | DeliveryFailed] = []

    def deliver(self, notice: Notice) -> Receipt:
        return replace(super().deliver(notice), is_final=False)

    def status(self, reference: str) -> Delivery:
        """What is next in `progress`."""
        assert reference
        found = self.progress.pop(0) if self.progress else Delivery(Progress.PENDING)
        if isinstance(found, DeliveryFailed):
            raise found
        return found


def test_what_may_have_arrived_is_looked_up_first() -> None:
    """Found: not sent again. Not there: sent as if for the first time. Never known: sent and marked."""
    channel = Searchable()
    doubtful = replace(a_notice(), possibly_repeated=True)
    channel.answer = Receipt("m1")
    assert attempt(channel, doubtful) == Receipt("m1")
    assert channel.notices == []
    channel.answer = None
    attempt(channel, doubtful)
    channel.answer = DeliveryFailed("it cannot tell", permanent=True)
    attempt(channel, doubtful)
    assert [notice.possibly_repeated for notice in channel.notices] == [False, True]


def test_look_up_that_fails_for_now_is_tried_again_before_it_is_done_without() -> None:
    """Because a repetition that can be avoided is worth waiting for, and the message is worth more."""
    channel = Searchable()
    doubtful = replace(a_notice(), possibly_repeated=True)
    channel.answer = DeliveryFailed("busy")
    assert [attempt(channel, doubtful, attempts) for attempts in (1, 4)] == [channel.answer] * 2
    assert channel.notices == []
    attempt(channel, doubtful, 5)
    assert [notice.possibly_repeated for notice in channel.notices] == [True]


def test_what_is_surely_new_is_not_looked_up() -> None:
    """Asking costs time and quota."""
    channel = Searchable()
    channel.answer = Receipt("m1")
    attempt(channel, a_notice())
    assert len(channel.notices) == 1


def test_channel_that_cannot_be_asked_has_delivered() -> None:
    """And one that does not answer the question just now has not done so yet."""
    assert progress_of(RecordingChannel(), "m1") == Delivery(Progress.DELIVERED)
    slow = Slow()
    slow.progress = [DeliveryFailed("busy")]
    assert progress_of(slow, "m1") == Delivery(Progress.PENDING)


def test_reaching_a_channel_sends_nothing() -> None:
    """It connects and signs in."""
    channel = RecordingChannel()
    assert reach(channel) == Receipt()
    channel.failure = DeliveryFailed("no such host")
    assert reach(channel) is channel.failure
    assert channel.notices == []


@pytest.fixture
def slow(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """A slow channel, and another."""
    opened = Room(tmp_path / "alerts", clock, [Slow(), RecordingChannel("mail", Severity.CRITICAL)])
    yield opened
    opened.close()


def progress(room: Room, *answers: Delivery | DeliveryFailed) -> None:
    """What the slow channel will answer."""
    channel = room.channels[0]
    assert isinstance(channel, Slow)
    channel.progress = list(answers)


def test_accepted_is_not_delivered_until_it_is_confirmed(slow: Room) -> None:
    """It is asked after 2 seconds, and again; the history has both."""
    slow.observe()
    slow.deliver()
    assert [row["state"] for row in slow.rows()] == ["accepted"]
    progress(slow, Delivery(Progress.PENDING), Delivery(Progress.DELIVERED))
    slow.pass_time(seconds=2)
    assert [row["state"] for row in slow.rows()] == ["accepted"]
    slow.pass_time(seconds=2)
    assert [row["state"] for row in slow.rows()] == ["sent"]
    assert slow.reasons("accepted") == [""]
    assert slow.reasons("delivered") == ["confirmed"]


def test_accepted_message_that_failed_for_good_goes_another_way(slow: Room) -> None:
    """The other channel is told at once, and that this one fails."""
    slow.observe()
    slow.deliver()
    progress(slow, Delivery(Progress.FAILED, "the template was rejected", permanent=True))
    slow.pass_time(seconds=2)
    slow.pass_time(seconds=1)
    assert slow.said(1) == ["fired"]
    assert slow.reasons("fallback") == ["recording refused it"]
    assert slow.reasons("dead") == ["the template was rejected"]


def test_accepted_message_that_failed_for_now_is_sent_again(slow: Room) -> None:
    """The cooldown does not stand in its way, because nothing was delivered."""
    slow.observe()
    slow.deliver()
    progress(slow, Delivery(Progress.FAILED, "the phone is off"))
    slow.pass_time(seconds=2)
    slow.pass_time(seconds=1)
    assert slow.said() == ["fired", "fired"]


def test_message_of_which_nothing_is_heard_is_believed_in_after_an_hour(slow: Room) -> None:
    """It is asked further and further apart, twenty times, and the history says so."""
    slow.observe()
    slow.deliver()
    for _ in range(120):
        slow.pass_time(seconds=40)
    assert slow.reasons("unconfirmed") == ["nobody can say whether it arrived"]
    assert slow.said() == ["fired"]
