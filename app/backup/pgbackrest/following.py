"""Tells how far a run is, and ends it when it has to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ...core.errors import AtalaiaError
from ..catalog import Catalog
from ..client import Client
from ..model import CalledOff, Running
from .program import GoOn, share_of

_TELL_SECONDS = 1.0
_WATCH_SECONDS = 0.2


class Following:
    """One run: `go_on` raises when it has to end."""

    def __init__(self, go_on: GoOn, catalog: Catalog, running: Running) -> None:
        self._go_on = go_on
        self._catalog = catalog
        self._told_at = 0.0
        self._first, self._until = 0, 100
        self.running = running

    def tell(self, phase: str, percent: int, until: int) -> None:
        """Another phase begins, which goes from one percentage to the other."""
        self._first, self._until = percent, until
        self.running = replace(self.running, phase=phase, percent=percent)
        self._catalog.tell(self.running)

    def on_line(self, line: str) -> None:
        """A line of pgBackRest's log."""
        share = share_of(line)
        if share is not None:
            self.on_share(share)

    def on_share(self, share: float) -> None:
        """So much of the phase is done, 0.0 to 1.0."""
        if time.monotonic() - self._told_at >= _TELL_SECONDS:
            self._told_at = time.monotonic()
            percent = self._first + int(share * (self._until - self._first))
            self.running = replace(self.running, percent=percent)
            self._catalog.tell(self.running)

    def go_on(self) -> None:
        """Stopped or CalledOff when it has to end."""
        self._go_on()
        if self._catalog.is_cancelled(self.running.id):
            raise CalledOff("it was cancelled", "The next one that is due waits for an hour.")


@contextmanager
def watched(client: Client, go_on: GoOn) -> Iterator[None]:
    """Until the block ends, what the client asks is ended as soon as `go_on` raises."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            try:
                go_on()
            except AtalaiaError as why:
                client.end(why)
                return

    thread = threading.Thread(target=watch, name="atalaia-pgbackrest-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
