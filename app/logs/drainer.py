"""The thread that moves lines from the rings of this process into their files, and those of the dead."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

from ..core.guard import guard
from .neighbours import Neighbours
from .ring import SPOOL

_TICK_SECONDS = 0.005
_LOOK_SECONDS = 0.25
_LOOK_AFTER_SECONDS = 1.0
_LAST_SECONDS = 5.0
_STUCK_SECONDS = 0.1


class Drained(Protocol):
    """What has lines to be moved; a sink."""

    path: Path

    @property
    def has_work(self) -> bool: ...
    @property
    def is_idle(self) -> bool: ...
    def drain(self) -> None: ...
    def look_after(self, dead: set[str]) -> None: ...
    def close(self) -> None: ...


class Drainer:
    """One thread a process: every 5 ms while there is something to move, at once when it is urgent.

    While there is nothing it looks again and again after what others have left or done to the files: each
    second, and more often where somebody may die or something is to be tried again. It begins with the
    first ring() and ends with its last sink.
    """

    def __init__(self) -> None:
        self.sinks: list[Drained] = []
        self._neighbours: dict[Path, Neighbours] = {}
        self.begin_process()
        _drainers.add(self)

    def begin_process(self) -> None:
        """Begin anew in a forked child, where the parent's thread does not exist."""
        self.token = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.awake = False
        """Whether it comes by itself soon, so that it needs no ring()."""
        self._urgent = False
        self._bell = threading.Lock()
        self._bell.acquire()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._next_round: list[threading.Event] = []
        self._looked_at = self._looked_after_at = 0.0
        self._is_stuck = False
        for neighbours in self._neighbours.values():
            neighbours.close()

    def ring(self, *, urgent: bool = False) -> None:
        """Wake it, to come in 5 ms or at once; from any thread, signal handler or finalizer."""
        if not self.sinks:
            return  # Because nobody has lines to be moved.
        self.awake = True
        self._urgent = self._urgent or urgent
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._wake()

    def add(self, sink: Drained) -> None:
        if sink not in self.sinks:
            self.sinks = [*self.sinks, sink]

    def remove(self, sink: Drained) -> None:
        """Let go of a sink; the thread ends with the last one."""
        self.sinks = [other for other in self.sinks if other is not sink]
        thread = self._thread
        if self.sinks:
            self.flush()  # Because a round that has begun may still be at it.
        elif thread is not None and thread is not threading.current_thread():
            self._wake()
            thread.join(_STUCK_SECONDS if self._is_stuck else _LAST_SECONDS)

    def flush(self, seconds: float = _LAST_SECONDS) -> None:
        """Wait until all that was there before has been moved, or could not be; at most so long."""
        if self._thread is None or not self._thread.is_alive():
            self._round()
            return
        event = threading.Event()
        self._next_round.append(event)
        self.ring(urgent=True)
        self._is_stuck = not event.wait(min(seconds, _STUCK_SECONDS) if self._is_stuck else seconds)

    def may_be_waited_for(self) -> bool:
        """Whether this thread can wait for the drainer without holding up an event loop or itself."""
        if threading.current_thread() is self._thread:
            return False
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return True
        return False

    def _wake(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            return  # Because it has been rung already.

    def _start(self) -> None:
        if not self._start_lock.acquire(blocking=False):
            return
        try:
            with guard("logs.drainer"):
                thread = threading.Thread(target=self._run, name="atalaia-logs", daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._start_lock.release()

    def _run(self) -> None:
        while self.sinks:
            self.awake = False
            busy = any(sink.has_work for sink in self.sinks)
            self.awake = busy or self.awake
            rung = self._bell.acquire(timeout=_TICK_SECONDS if busy else self._rest_seconds())
            if rung and not busy and not self._urgent:
                self._bell.acquire(timeout=_TICK_SECONDS)
            self._urgent = False
            if rung or self._next_round or not all(sink.is_idle for sink in self.sinks):
                self._round()
            self._look_around()
        for neighbours in self._neighbours.values():
            neighbours.close()

    def _rest_seconds(self) -> float:
        is_calm = all(sink.is_idle for sink in self.sinks)
        is_alone = not any(neighbours.known for neighbours in self._neighbours.values())
        return _LOOK_AFTER_SECONDS if is_calm and is_alone else _LOOK_SECONDS

    def _round(self) -> None:
        waiting, self._next_round = self._next_round, []
        for sink in self.sinks:
            with guard("logs.drain"):
                sink.drain()
        self._is_stuck = False
        for event in waiting:
            event.set()

    def _look_around(self) -> None:
        """See who has died four times a second, and what has become of the files each second."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        folders = {sink.path.parent for sink in self.sinks}
        for folder in folders - self._neighbours.keys():
            self._neighbours[folder] = Neighbours(folder / SPOOL)
        with guard("logs.neighbours"):
            dead = {folder: self._neighbours[folder].dead(self.token) for folder in folders}
            if now - self._looked_after_at >= _LOOK_AFTER_SECONDS or any(dead.values()):
                self._looked_after_at = now
                for sink in self.sinks:
                    with guard("logs.look"):
                        sink.look_after(dead[sink.path.parent])


_drainers: WeakSet[Drainer] = WeakSet()


def _begin_process() -> None:
    for drainer in list(_drainers):
        drainer.begin_process()


def _end() -> None:
    for drainer in list(_drainers):
        for sink in drainer.sinks:
            with guard("logs.end"):
                sink.close()


os.register_at_fork(after_in_child=_begin_process)
atexit.register(_end)
