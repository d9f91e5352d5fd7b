"""A log as Server-Sent Events, for a bounded number of readers."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import msgspec

from ..core.errors import Unavailable
from .generations import Place
from .matching import Query
from .tail import Tail

MOST_READERS = 16


class Readers:
    """How many readers a process has at once; each takes a descriptor and a look five times a second."""

    def __init__(self, most: int = MOST_READERS) -> None:
        self._most = most
        self._lock = Lock()
        self.count = 0

    def enter(self) -> None:
        """Count one more; Unavailable when there are as many as may be."""
        with self._lock:
            if self.count >= self._most:
                hint = "End one of them, or follow the file itself: tail -f"
                raise Unavailable(f"{self._most} readers are following logs in this process already", hint)
            self.count += 1

    def leave(self) -> None:
        with self._lock:
            self.count -= 1


class LiveEvents:
    """The records of a Tail as events; the id of each is the place behind it, from which to go on."""

    def __init__(
        self, readers: Readers, live: Path, query: Query, *, last: int = 0, after: Place | None = None
    ) -> None:
        readers.enter()
        self._readers: Readers | None = readers
        try:
            self._tail = Tail(live, query, last=last, after=after)
        except BaseException:
            readers.leave()
            raise
        self._greeting = b": following %b\nretry: 2000\n\n" % live.name.encode()
        self._missed = 0

    def read(self) -> bytes | None:
        """What comes next, without waiting; None while nothing is new, empty where nothing matched."""
        greeting, self._greeting = self._greeting, b""
        events = self._tail.read()
        told = greeting + self._gap()
        if events is None:
            return told or None
        return told + b"".join(
            b"id: %b\ndata: %b\n\n" % (str(place).encode(), msgspec.json.encode(record))
            for place, record in events
        )

    def heartbeat(self) -> bytes:
        """A comment, and the place behind what did not match, so that it is not read again."""
        return b": nothing new\nid: %b\n\n" % str(self._tail.place).encode()

    def close(self) -> None:
        """Make room for another reader."""
        readers, self._readers = self._readers, None
        if readers is not None:
            self._tail.close()
            readers.leave()

    def _gap(self) -> bytes:
        missed = self._tail.missed - self._missed
        self._missed = self._tail.missed
        return b'event: gap\ndata: {"archives":%d}\n\n' % missed if missed else b""
