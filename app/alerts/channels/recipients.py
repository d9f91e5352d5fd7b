"""Who was served already: so that trying a notice again for one recipient repeats it to no other."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from ...core.errors import DeliveryFailed

_REMEMBERED = 100


class Served:
    """Recipients by notice, for the last hundred notices that were partly delivered."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, set[str]] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self, key: str, recipients: Iterable[str]) -> list[str]:
        """Those who are still to be served."""
        with self._lock:
            return [recipient for recipient in recipients if recipient not in self._by_key.get(key, ())]

    def each(
        self, key: str, recipients: Sequence[str], send: Callable[[str], str]
    ) -> tuple[list[str], tuple[str, ...]]:
        """What `send` answered for everybody who was still to be served, and why others were refused.

        DeliveryFailed for now where that helps, and for good only when everybody was refused so.
        """
        answers: list[str] = []
        refused: list[DeliveryFailed] = []
        for recipient in self.missing(key, recipients):
            try:
                answers.append(send(recipient))
            except DeliveryFailed as error:
                if not error.permanent:
                    raise
                refused.append(error)
            self.add(key, [recipient])
        self.forget(key)
        if len(refused) == len(recipients):
            raise refused[-1]
        return answers, tuple(error.fact for error in refused)

    def add(self, key: str, recipients: Iterable[str]) -> None:
        """They were served."""
        with self._lock:
            self._by_key.setdefault(key, set()).update(recipients)
            while len(self._by_key) > _REMEMBERED:
                self._by_key.popitem(last=False)

    def forget(self, key: str) -> None:
        """The notice is delivered as a whole."""
        with self._lock:
            self._by_key.pop(key, None)
