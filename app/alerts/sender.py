"""The thread that delivers through one channel, one notice after the other, while this process leads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from ..core.bell import Bell
from ..core.clock import Clock
from ..core.errors import AtalaiaError, DeliveryFailed
from ..core.guard import guard
from ..core.poll import Poll
from ..core.signal import Condition, Emit
from .channels import Channel
from .entries import Claim
from .lanes import offer
from .model import Delivery, Notice, Progress, Receipt
from .outbox import Outbox
from .routing import CHANNEL_FAILED
from .troubles import channel_failed

_T = TypeVar("_T")
_POLL_SECONDS, _REST_SECONDS = 0.5, 60.0
_STOP_SECONDS = 20.0
_PATIENCE = timedelta(minutes=15)
"""How long a channel may fail for reasons that pass before that is an alert of its own."""
_ASKED = 5
"""Attempts up to which a channel that does not answer a look-up is waited for: about half a minute."""


class Sender:
    """Serial, so that a crash repeats at most one notice of a channel."""

    def __init__(
        self, channel: Channel, outbox: Outbox, may_send: Callable[[], bool], emit: Emit, clock: Clock
    ) -> None:
        self._channel = channel
        self._outbox = outbox
        self._may_send = may_send
        self._emit = emit
        self._clock = clock
        self._poll = Poll(outbox.look)
        self._woken = Bell()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"atalaia-send-{channel.name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to deliver."""
        self._woken.ring()

    def stop(self) -> None:
        """Finish what is being sent, and end."""
        self._stopping = True
        self._woken.ring()

    def join(self) -> None:
        """Wait for the end, not longer than a delivery may take."""
        self._thread.join(_STOP_SECONDS)

    def work(self) -> bool:
        """Deliver a notice, or ask what became of one; False when nothing is due."""
        is_due = bool(self._outbox.with_due([self._channel.name]))
        return is_due and (self.deliver_next() or self.ask_next())

    def deliver_next(self) -> bool:
        """Deliver one notice, or find out that it cannot be; False when there is none."""
        claim = self._outbox.claim(self._channel.name)
        if claim is None:
            return False
        outcome = attempt(self._channel, claim.notice, claim.attempts)
        if isinstance(outcome, Receipt):
            if claim.failing_since is not None:
                self._say(Condition.CLEARED, "it works again")
            self._outbox.sent(claim, outcome)
            return True
        # Because a crash between the two must rather say it twice than never.
        is_about_channels = all(entry.alert.code == CHANNEL_FAILED for entry in claim.entries)
        if (outcome.permanent or self._has_no_patience_left(claim)) and not is_about_channels:
            self._say(Condition.RAISED, outcome.fact)
        self._outbox.failed(claim, outcome)
        return True

    def ask_next(self) -> bool:
        """Ask what became of one message that was accepted; False when there is none to ask for now."""
        accepted = self._outbox.to_ask(self._channel.name)
        if accepted is None:
            return False
        delivery = progress_of(self._channel, accepted.reference)
        if delivery.progress is Progress.FAILED and delivery.permanent:
            self._say(Condition.RAISED, delivery.reason)
        self._outbox.asked(accepted, delivery)
        return True

    def _run(self) -> None:
        is_calm = False
        while not self._stopping:
            # Because what is open may become due by itself; for anything else somebody wakes it.
            self._woken.wait(_REST_SECONDS if is_calm else _POLL_SECONDS)
            is_calm = False
            with guard(f"alerts.send.{self._channel.name}"):
                is_calm = not self._deliver_due()

    def _deliver_due(self) -> bool:
        """Deliver what is due; whether anything is open."""
        if not self._may_go_on() or not self._poll(self._open):
            return False
        self._deliver_all()
        return True

    def _open(self) -> int:
        return self._outbox.has_open(self._channel.name)

    def _deliver_all(self) -> None:
        while self._may_go_on() and self.work():
            pass

    def _may_go_on(self) -> bool:
        return not self._stopping and self._may_send()

    def _has_no_patience_left(self, claim: Claim) -> bool:
        return claim.failing_since is not None and self._clock.now() - claim.failing_since >= _PATIENCE

    def _say(self, condition: Condition, message: str) -> None:
        """Through the other channels."""
        self._emit(channel_failed(self._channel.name, condition, message))


def attempt(channel: Channel, notice: Notice, attempts: int = 1) -> Receipt | DeliveryFailed:
    """How the delivery went; what may have been delivered before is looked up first, where that can be.

    Who does not answer that question just now is asked again by the next attempts.
    """
    look_up = offer(channel, "look_up") if notice.possibly_repeated else None
    if look_up is not None:
        found = _tried_to(channel, lambda: look_up(notice))
        if isinstance(found, Receipt):
            return found
        if isinstance(found, DeliveryFailed) and not found.permanent and attempts < _ASKED:
            return found
        notice = replace(notice, possibly_repeated=found is not None)
    outcome = _tried_to(channel, lambda: channel.deliver(notice))
    return outcome or Receipt()


def reach(channel: Channel) -> Receipt | DeliveryFailed:
    """How connecting and signing in went, without a message."""
    return _tried_to(channel, channel.check) or Receipt()


def progress_of(channel: Channel, reference: str) -> Delivery:
    """What became of an accepted message; still on its way when that cannot be asked now."""
    status = offer(channel, "status")
    if status is None:
        return Delivery(Progress.DELIVERED)
    answer = _tried_to(channel, lambda: status(reference))
    return Delivery(Progress.PENDING) if isinstance(answer, DeliveryFailed) else answer


def _tried_to(channel: Channel, work: Callable[[], _T]) -> _T | DeliveryFailed:
    """What a channel answers; one that breaks its contract has failed for now."""
    with guard(f"alerts.channels.{channel.name}"):
        try:
            return work()
        except DeliveryFailed as error:
            return error
        except AtalaiaError as error:
            return DeliveryFailed(error.fact, error.hint)
    return DeliveryFailed(
        f"the channel {channel.name} broke off",
        "The reason is among the internal failures of the status page.",
    )
