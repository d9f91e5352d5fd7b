"""What is looked at while a scratch server works: whether it may go on, and the room on its disk."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import AtalaiaError
from .model import NotDrillable
from .scratch import Scratch

_WATCH_SECONDS = 0.2
_ROOM = 1.3  # because the scratch has write-ahead log and sort files beside the data
_SPARE_BYTES = 256 << 20


def see_room(place: Path, size_bytes: int, others_bytes: int) -> None:
    """NotDrillable where a database of that size does not fit beside what others are still to write."""
    needed = int(size_bytes * _ROOM) + _SPARE_BYTES + others_bytes
    free = shutil.disk_usage(place).free
    if free < needed:
        raise NotDrillable(
            f"there is no room for it: {place} has {free} bytes left, and it needs about {needed}",
            "Make room, or name a larger disk in BACKUP_DRILL_DIR.",
        )


@contextmanager
def watched(made: Scratch, place: Path, look: Callable[[Scratch], None]) -> Iterator[None]:
    """End what runs in the scratch when `look` raises, or when the disk gets full."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            try:
                look(made)
                if shutil.disk_usage(place).free < _SPARE_BYTES:
                    raise NotDrillable(f"there was no room for it: {place} got full")
            except AtalaiaError as why:
                made.end(why)
                return

    thread = threading.Thread(target=watch, name="atalaia-drill", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
