"""When a log file is rotated, and what becomes of the old ones: compressed, and at last removed."""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from ..core.clock import Clock, parse_rfc3339
from ..core.guard import guard
from .archives import Archive, archives, next_archive
from .cutting import cut, opened
from .locks import lock_within
from .packed import pack
from .turn import Turn

_AGAIN_SECONDS = 0.02
_HOLD_SECONDS = 0.5
_AFTER_FAILURE_SECONDS = 30.0
_LOOK_SECONDS = 3_600.0
_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT[\d:.]+Z)"')
_FIRST_BYTES = 1 << 16


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 when it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Rotation:
    """Rotates one log file, in a thread, in whichever process finds it due first.

    It is due when it has `max_bytes`, and with `daily` when its first line is of another day in `zone`.
    Archives are kept up to `keep_files`, and for `keep_days` unless that is 0.
    """

    def __init__(
        self,
        live: Path,
        max_bytes: int,
        keep_files: int,
        clock: Clock,
        *,
        keep_days: int = 0,
        daily: bool = False,
        zone: tzinfo = UTC,
    ) -> None:
        self._live = live
        self._max_bytes = max_bytes
        self._keep_files = keep_files
        self._keep_days = keep_days
        self._clock = clock
        self._daily = daily
        self._zone = zone
        self._thread: threading.Thread | None = None
        self._again_at = 0.0
        self._holding_since = 0.0
        self._look_at = datetime.min.replace(tzinfo=UTC)

    def consider(self, size: int) -> None:
        """Rotate soon if a file of this size is full; called after every write."""
        if size >= self._max_bytes and time.monotonic() >= self._again_at:
            self._start()

    def holds_back(self, size: int) -> bool:
        """Whether a file of this size is to be rotated before more is written; for a moment at most."""
        if size < 2 * self._max_bytes:
            self._holding_since = 0.0
            return False
        self.consider(size)
        self._holding_since = self._holding_since or time.monotonic()
        return time.monotonic() - self._holding_since < _HOLD_SECONDS

    def look_after(self) -> None:
        """Rotate and remove what has grown old; called now and then."""
        if (self._daily or self._keep_days) and self._clock.now() >= self._look_at:
            self._start()

    def make_room(self) -> None:
        """Remove the oldest archive, because the disk is full."""
        with guard("logs.make_room"):
            for archive in archives(self._live)[:1]:
                archive.path.unlink(missing_ok=True)

    def settle(self, seconds: float = 5.0) -> None:
        """Wait for a rotation that is under way."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def begin_process(self) -> None:
        """Begin anew in a forked child, where its parent's thread does not exist."""
        self._thread = None

    def run(self) -> None:
        """Cut, compress and remove, unless another process is at it."""
        pause = _AFTER_FAILURE_SECONDS
        turn = Turn(self._live)
        with guard("logs.rotation"), _only_one(self._live.with_name(".rotation.lock")) as only_one:
            with suppress(TimeoutError):
                while only_one and self._step(turn):
                    pass
                self._look_at = self._next_look() if only_one else self._look_at
            pause = 0.0 if only_one else _AGAIN_SECONDS
        turn.close()
        self._again_at = time.monotonic() + pause

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.run, name=f"atalaia-{self._live.name}", daemon=True)
            with guard("logs.rotation"):
                self._thread.start()

    def _step(self, turn: Turn) -> bool:
        """Do what is most urgent; False when nothing is left to do."""
        if self._is_due():
            cut(turn, self._is_due, lambda: next_archive(self._live, self._clock.now()))
            return True
        known = archives(self._live)
        kept = [archive for archive in known[-self._keep_files :] if not self._is_too_old(archive)]
        for old in known:
            if old not in kept:
                old.path.unlink(missing_ok=True)
        for archive in kept:
            if not archive.is_compressed:
                _compress(archive.path)
                return True
            archive.path.with_suffix("").unlink(missing_ok=True)  # Because a kill may have left it.
        return False

    def _is_due(self) -> bool:
        return size_of(self._live) >= self._max_bytes or (self._daily and self._is_of_another_day())

    def _is_of_another_day(self) -> bool:
        try:
            with self._live.open("rb") as file:
                first = _TIME.search(file.read(_FIRST_BYTES))
        except FileNotFoundError:
            return False
        return first is not None and self._day(parse_rfc3339(first[1].decode())) < self._day(
            self._clock.now()
        )

    def _is_too_old(self, archive: Archive) -> bool:
        ended = datetime.strptime(archive.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return 0 < self._keep_days < (self._clock.now() - ended) / timedelta(days=1)

    def _day(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)

    def _next_look(self) -> datetime:
        """The next midnight in the zone, or in an hour if that is sooner."""
        midnight = (self._day(self._clock.now()) + timedelta(days=1)).replace(tzinfo=self._zone)
        return min(midnight.astimezone(UTC), self._clock.now() + timedelta(seconds=_LOOK_SECONDS))


@contextmanager
def _only_one(path: Path) -> Iterator[bool]:
    with opened(path, os.O_CREAT) as descriptor:
        try:
            yield lock_within(descriptor, fcntl.LOCK_EX, 0.0)
        finally:
            # Because a child that was forked meanwhile has the descriptor too, closing would not unlock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _compress(path: Path) -> None:
    part = path.with_name(".gz.part")
    try:
        with path.open("rb") as source, opened(part, os.O_CREAT | os.O_TRUNC) as descriptor:
            with open(descriptor, "wb", closefd=False) as target:
                pack(source, target)
            os.fdatasync(descriptor)
        part.replace(path.with_name(path.name + ".gz"))
        path.unlink()
    finally:
        part.unlink(missing_ok=True)
