"""The writing end of business metrics: the calls that a host application makes."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ..core.clock import Clock, SystemClock
from ..core.guard import guard
from ..core.journal import Journal
from .model import checked
from .money import Refused
from .trouble import DROPPED, REFUSED

Amount = str | int | Decimal
Id = str | int | None
At = datetime | str | None

_QUIET_SECONDS = 60.0
_logger = logging.getLogger("atalaia.metrics")


class BusinessEvents:
    """Records what happens in the business; each call is one line of the journal.

    Every call answers True when its line is in the journal's file, and so survives the end of the
    process. False says that it waits for the disk (the journal counts what it has to drop), or that
    it was refused for a bad argument, which is counted in `refused` and logged once a minute, because
    observing must not break the observed: none of these calls raises.

    `key` makes an event count once per name, however often it is recorded. `at` says when it
    happened, if not now: an aware datetime or an RFC 3339 text. Any further keyword is a tag.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.refused = 0
        self.told: Counter[str] = Counter()
        self.telling = threading.Lock()
        self._clock: Clock = SystemClock()
        self._currency = "BRL"
        self._silent_until = 0.0

    def configure(self, clock: Clock, currency: str) -> None:
        """Say what the time is, and the currency of amounts that name none."""
        self._clock, self._currency = clock, currency

    def untold(self) -> Counter[str]:
        """What this process lost and the reading end has not `told` yet, by reason."""
        return Counter({DROPPED: self.journal.dropped, REFUSED: self.refused}) - self.told

    def conversation_started(
        self, user_id: Id, *, conversation_id: Id = None, key: Id = None, at: At = None, **tags: Any
    ) -> bool:
        """A conversation began; the tag `channel` is a good place for where."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("conversation_started", **who, key=key, at=at, tags=tags)

    def conversation_ended(
        self,
        user_id: Id,
        *,
        conversation_id: Id = None,
        outcome: str = "completed",
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """A conversation ended; with any other outcome than "completed" it does not count as completed."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("conversation_ended", **who, key=key, at=at, tags={"outcome": outcome, **tags})

    def conversation_handed_off(
        self, user_id: Id, *, conversation_id: Id = None, key: Id = None, at: At = None, **tags: Any
    ) -> bool:
        """A person took a conversation over."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("conversation_handed_off", **who, key=key, at=at, tags=tags)

    def lead_generated(
        self,
        user_id: Id,
        *,
        source: str | None = None,
        conversation_id: Id = None,
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """Somebody became a lead, by way of `source`."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("lead_generated", **who, key=key, at=at, tags={"source": source, **tags})

    def lead_qualified(
        self,
        user_id: Id,
        *,
        score: float | None = None,
        conversation_id: Id = None,
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """A lead turned out to be worth pursuing, with a score of the host's own scale."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("lead_qualified", **who, value=score, key=key, at=at, tags=tags)

    def booking_requested(
        self,
        booking_id: Id,
        *,
        user_id: Id = None,
        conversation_id: Id = None,
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """A booking was asked for; unless a key is given, it counts once by its id."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("booking_requested", **who, key=_first(key, booking_id), at=at, tags=tags)

    def booking_confirmed(
        self,
        booking_id: Id,
        *,
        user_id: Id = None,
        conversation_id: Id = None,
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """A booking was confirmed; unless a key is given, it counts once by its id."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("booking_confirmed", **who, key=_first(key, booking_id), at=at, tags=tags)

    def booking_cancelled(
        self,
        booking_id: Id,
        *,
        user_id: Id = None,
        conversation_id: Id = None,
        key: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """A booking was cancelled; unless a key is given, it counts once by its id."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("booking_cancelled", **who, key=_first(key, booking_id), at=at, tags=tags)

    def revenue(
        self,
        amount: Amount,
        *,
        currency: str | None = None,
        key: Id = None,
        user_id: Id = None,
        conversation_id: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """Money came in: a decimal text, Decimal or whole number; give a key, so that it counts once."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record("revenue", **who, amount=amount, currency=currency, key=key, at=at, tags=tags)

    def refund(
        self,
        amount: Amount,
        *,
        of: Id = None,
        currency: str | None = None,
        key: Id = None,
        user_id: Id = None,
        conversation_id: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """Money was given back, of the revenue with the key `of`; the amount is positive."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record(
            "refund", **who, amount=amount, currency=currency, of=of, key=key, at=at, tags=tags
        )

    def cost(
        self,
        amount: Amount,
        *,
        kind: str | None = None,
        currency: str | None = None,
        key: Id = None,
        user_id: Id = None,
        conversation_id: Id = None,
        at: At = None,
        **tags: Any,
    ) -> bool:
        """Money was spent, on a `kind` of thing."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        return self._record(
            "cost", **who, amount=amount, currency=currency, key=key, at=at, tags={"kind": kind, **tags}
        )

    def record(
        self,
        name: str,
        value: float | None = None,
        *,
        unit: str | None = None,
        tags: Mapping[str, Any] | None = None,
        key: Id = None,
        at: At = None,
        user_id: Id = None,
        conversation_id: Id = None,
        amount: Amount | None = None,
        currency: str | None = None,
    ) -> bool:
        """Anything else that is worth counting, adding up or averaging; without a value, 1."""
        who = {"user_id": user_id, "conversation_id": conversation_id}
        money = {"amount": amount, "currency": currency}
        return self._record(name, value=value, unit=unit, **who, **money, key=key, at=at, tags=tags)

    def _record(self, name: str, **given: Any) -> bool:
        with guard("metrics.record"):
            try:
                event = checked(name, now=self._clock.now(), default_currency=self._currency, **given)
            except Refused as reason:
                self._refuse(name, reason)
                return False
            return self.journal.append(msgspec.to_builtins(event))
        return False

    def _refuse(self, name: object, reason: Refused) -> None:
        self.refused += 1
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _QUIET_SECONDS
            _logger.warning("event %s was refused (%d so far): %s", str(name)[:64], self.refused, reason)


def _first(key: Id, booking_id: Id) -> Id:
    return booking_id if key is None else key
