"""The thread that delivers through one channel, one notice after the other, while this process leads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ..core.clock import Clock
from ..core.errors import AtalaiaError, DeliveryFailed
from ..core.guard import guard
from ..core.signal import Category, Condition, Emit, Severity, Signal
from .channels import Channel
from .model import Alert, Kind, Notice, Receipt, State
from .outbox import Outbox
from .queue import Claim
from .routing import CHANNEL_FAILED
from .state import alert_id

_POLL_SECONDS = 0.5
_STOP_SECONDS = 20.0
_PATIENCE = timedelta(minutes=15)
"""How long a channel may fail for reasons that pass before that is an alert of its own."""


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
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"atalaia-send-{channel.name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to deliver."""
        self._woken.set()

    def stop(self) -> None:
        """Finish what is being sent, and end."""
        self._stopping = True
        self._woken.set()

    def join(self) -> None:
        """Wait for the end, not longer than a delivery may take."""
        self._thread.join(_STOP_SECONDS)

    def deliver_next(self) -> bool:
        """Deliver one notice, or find out that it cannot be; False when there is none."""
        claim = self._outbox.claim(self._channel.name)
        if claim is None:
            return False
        outcome = attempt(self._channel, claim.notice)
        if isinstance(outcome, Receipt):
            if claim.failing_since is not None:
                self._say(claim, Condition.CLEARED, "it works again")
            self._outbox.sent(claim, outcome)
            return True
        # Because a crash between the two must rather say it twice than never.
        if outcome.permanent or self._has_no_patience_left(claim):
            self._say(claim, Condition.RAISED, outcome.fact)
        self._outbox.failed(claim, outcome)
        return True

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait(_POLL_SECONDS)
            self._woken.clear()
            with guard(f"alerts.send.{self._channel.name}"):
                while not self._stopping and self._may_send() and self.deliver_next():
                    pass

    def _has_no_patience_left(self, claim: Claim) -> bool:
        return claim.failing_since is not None and self._clock.now() - claim.failing_since >= _PATIENCE

    def _say(self, claim: Claim, condition: Condition, message: str) -> None:
        """Through the other channels; never about the failure of such a notice itself."""
        if claim.notice.alert.code == CHANNEL_FAILED and condition is Condition.RAISED:
            return
        self._emit(
            Signal(
                source="alerts",
                key=f"channel:{self._channel.name}",
                title=f"The alert channel {self._channel.name} fails",
                message=message,
                severity=Severity.HIGH,
                category=Category.SYSTEM,
                condition=condition,
                labels={"channel": self._channel.name},
                code=CHANNEL_FAILED,
            )
        )


def attempt(channel: Channel, notice: Notice) -> Receipt | DeliveryFailed:
    """How the delivery went; a channel that breaks its contract has failed for now."""
    outcome: Receipt | DeliveryFailed = DeliveryFailed(
        f"the channel {channel.name} broke off",
        "The reason is among the internal failures of the status page.",
    )
    with guard(f"alerts.channels.{channel.name}"):
        try:
            outcome = channel.deliver(notice)
        except DeliveryFailed as error:
            outcome = error
        except AtalaiaError as error:
            outcome = DeliveryFailed(error.fact, error.hint)
    return outcome


def tried(channels: Collection[Channel], now: datetime) -> list[dict[str, Any]]:
    """How a test message through each, all at once, did: {"channel", "ok", "seconds", "error", "hint"}."""
    with ThreadPoolExecutor(max_workers=max(len(channels), 1)) as pool:
        return list(pool.map(partial(_tried, now=now), channels))


def _tried(channel: Channel, now: datetime) -> dict[str, Any]:
    began = time.monotonic()
    outcome = attempt(channel, _test_notice(now))
    result = {"channel": channel.name, "seconds": round(time.monotonic() - began, 3)}
    if isinstance(outcome, Receipt):
        return {**result, "ok": not outcome.refused, "error": ", ".join(outcome.refused), "hint": ""}
    return {**result, "ok": False, "error": outcome.fact, "hint": outcome.hint}


def _test_notice(now: datetime) -> Notice:
    """A notice about nothing, to see whether messages arrive."""
    name = alert_id(now, "0" * 16)
    alert = Alert(
        id=name,
        fingerprint="0" * 16,
        source="alerts",
        key="test",
        title="Test message",
        severity=Severity.LOW,
        category=Category.SYSTEM,
        state=State.RESOLVED,
        started_at=now,
        seen_at=now,
        notified=Severity.LOW,
        resolved_at=now,
        code="test",
        noted=True,
    )
    return Notice(f"{name}.test", Kind.TEST, alert)
