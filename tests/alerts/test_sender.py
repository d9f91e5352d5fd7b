"""The thread that delivers through one channel."""

from __future__ import annotations

from app.alerts.channels.recording import RecordingChannel
from app.alerts.model import Notice, Receipt
from app.alerts.sender import Sender, attempt, tried
from app.core.errors import DeliveryFailed, Unavailable
from app.testing import wait_until

from .examples import NOON, Room, a_notice


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


def test_trial_is_told_as_it_went() -> None:
    """Of a good channel and of a bad one."""
    good, bad = RecordingChannel("good"), RecordingChannel("bad")
    bad.failure = DeliveryFailed("no such host", "Check it.", permanent=True)
    first, second = tried([good, bad], NOON)
    assert (first["channel"], first["ok"], first["error"]) == ("good", True, "")
    assert (second["channel"], second["ok"], second["error"], second["hint"]) == (
        "bad", False, "no such host", "Check it.",
    )  # fmt: skip
    assert tried([], NOON) == []
    assert good.said() == [("test", "Test message")]


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
