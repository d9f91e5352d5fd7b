"""Who was served already: so that trying a notice again for one recipient repeats it to no other."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ...core.errors import DeliveryFailed

_REMEMBERED = 100

Outcome: TypeAlias = str | DeliveryFailed
"""What became of one recipient: the answer to the message, or why it was refused for good."""


class Served:
    """Recipients by notice, for the last hundred notices that were partly delivered."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, dict[str, Outcome]] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self, key: str, recipients: Iterable[str]) -> list[str]:
        """Those who are still to be served."""
        with self._lock:
            return [recipient for recipient in recipients if recipient not in self._by_key.get(key, ())]

    def each(
        self, key: str, recipients: Sequence[str], send: Callable[[str], str]
    ) -> tuple[list[str], tuple[str, ...]]:
        """What `send` answered for everybody, now and before, and why others were refused.

        DeliveryFailed for now where that helps, uncertain when somebody has it already; for good only
        when everybody was refused so.
        """
        for recipient in self.missing(key, recipients):
            try:
                outcome: Outcome = send(recipient)
            except DeliveryFailed as error:
                if not error.permanent:
                    error.uncertain |= self.missing(key, recipients) != [*recipients]
                    raise
                outcome = error
            self.add(key, {recipient: outcome})
        outcomes = self.forget(key).values()
        refused = [outcome for outcome in outcomes if isinstance(outcome, DeliveryFailed)]
        if refused and len(refused) == len(outcomes):
            raise refused[-1]
        answers = [outcome for outcome in outcomes if isinstance(outcome, str)]
        return answers, tuple(error.fact for error in refused)

    def add(self, key: str, outcomes: Mapping[str, Outcome]) -> None:
        """It is known what became of these."""
        with self._lock:
            self._by_key.setdefault(key, {}).update(outcomes)
            while len(self._by_key) > _REMEMBERED:
                self._by_key.popitem(last=False)

    def forget(self, key: str) -> Mapping[str, Outcome]:
        """The notice is delivered as a whole; what became of everybody."""
        with self._lock:
            return self._by_key.pop(key, {})
