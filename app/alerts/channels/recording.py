"""A channel that keeps what it is given, for tests of a host application and for our own."""

from __future__ import annotations

from threading import Lock

from ...core.errors import DeliveryFailed
from ...core.signal import Severity
from ..model import Notice, Receipt


class RecordingChannel:
    """Accepts every notice into `notices`, or fails with `failure` while that is set.

    takes_digests: whether it gets what comes together as one notice, as channels do that people read.
    """

    addressable = True

    def __init__(
        self,
        name: str = "recording",
        minimum_severity: Severity = Severity.LOW,
        *,
        takes_digests: bool = False,
    ) -> None:
        self.name = name
        self.minimum_severity = minimum_severity
        self.takes_digests = takes_digests
        self.notices: list[Notice] = []
        self.failure: DeliveryFailed | None = None
        self._lock = Lock()

    def deliver(self, notice: Notice) -> Receipt:
        if self.failure is not None:
            raise self.failure
        with self._lock:
            self.notices.append(notice)
            return Receipt(reference=str(len(self.notices)))

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def said(self) -> list[tuple[str, str]]:
        """Kind and title of every notice, in order."""
        return [(notice.kind.value, notice.alert.title) for notice in self.notices]
