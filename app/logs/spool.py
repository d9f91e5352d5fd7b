"""Where the lines of one log are until they are in the file: a ring, or what stands in for it."""

from __future__ import annotations

from .direct import Direct
from .outlet import Outlet
from .ring import Ring, make_ring
from .turn import NOT_TO_BE_HAD


class Spool:
    """Begins with the first line; for one thread at a time, but for what it tells.

    `direct` says why lines are written without a ring, and is empty where they are not.
    """

    def __init__(self, outlet: Outlet, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.store: Ring | Direct | None = None
        self.is_closed = False
        self._outlet = outlet
        self._reset()

    def _reset(self) -> None:
        self.store = None
        self.direct = ""
        self._may_get_ring = True

    @property
    def waiting(self) -> int:
        """How many lines are not in the file yet."""
        store = self.store
        if isinstance(store, Direct):
            return len(store.waiting)
        return store.read(store.tail, store.head).count(b"\n") if store and store.waiting_bytes else 0

    @property
    def waiting_bytes(self) -> int:
        return self.store.waiting_bytes if self.store else 0

    @property
    def needs_ring(self) -> bool:
        """Whether there is none, or none that anybody would find, and lines could go into a new one now."""
        store = self.store
        if isinstance(store, Ring):
            return not store.waiting_bytes and store.is_lost
        return store is None or (self._may_get_ring and not self.is_closed and not store.waiting)

    def begin(self, token: str) -> Ring | Direct:
        """Make a ring of this process, whose `token` is part of its name, or else stand in for it."""
        if isinstance(self.store, Ring):
            self.store.close()
            self.store = None
        ring = None if self.is_closed else self._ring(token)
        if self.is_closed:
            self.direct = "the log is closed"
        self.store = ring or self.store or Direct(self._outlet, self.size_bytes)
        return self.store

    def close(self) -> None:
        """Let go of the ring, with what is in it; later lines are written at once."""
        self.is_closed = True
        if isinstance(self.store, Ring):
            self.store.close()
            self.store = None

    def begin_process(self) -> None:
        """Begin anew in a forked child, and leave its parent what it has."""
        if isinstance(self.store, Ring):
            self.store.abandon()
        self._reset()

    def _ring(self, token: str) -> Ring | None:
        try:
            ring = make_ring(self._outlet.spool, f"{self._outlet.path.stem}.{token}", self.size_bytes)
        except OSError as error:
            self.direct = error.strerror or type(error).__name__
            self._may_get_ring = error.errno not in NOT_TO_BE_HAD
            return None
        self.direct = ""
        return ring
