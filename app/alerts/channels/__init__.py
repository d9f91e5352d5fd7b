"""The channels: each formats a notice, hands it over within its deadline, and says how that went."""

from __future__ import annotations

from typing import Protocol

from ...core.signal import Severity
from ..model import Notice, Receipt


class Channel(Protocol):
    """A way to tell somebody.

    name                in settings, history, stats and measures; the same for ever
    minimum_severity    what is less severe is not sent this way
    deliver()           hands over one notice; returns when the other side has accepted it
    check()             connects and signs in without sending anything, where that is possible

    Both raise DeliveryFailed, and nothing else, within a total deadline of 15 seconds: permanent when
    trying again cannot help, with retry_after when the other side asked for time, uncertain when all of
    it was handed over and only the answer is missing. No text of theirs holds a secret. deliver() may
    be called by several threads, and again for the same `notice.key` after a failure or a crash.
    tests/contracts/test_channels.py is what a new channel has to pass.

    A channel may have more, which is used where it is there:

    limits           how fast it takes messages (model.Limits); without it, as fast as they come
    takes_digests    False for a machine that wants every notice by itself
    addressable      it can tell the people whom `notice.recipients` names in place of its own
    costs_money      it is left out of the daily canary
    look_up(notice)  the Receipt of what a crash may have cut off after it arrived, None when it has
                     certainly not; DeliveryFailed when that cannot be told, permanent if it never can
    status(reference)  what became of a message whose Receipt was not final (model.Delivery)
    refresh(alerts)  is given all that fires each minute, for those who forget
    """

    @property
    def name(self) -> str: ...
    @property
    def minimum_severity(self) -> Severity: ...
    def deliver(self, notice: Notice) -> Receipt: ...
    def check(self) -> None: ...
