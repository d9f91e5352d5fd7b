"""Locks between processes, which nobody waits for without an end."""

from __future__ import annotations

import fcntl
import time


def lock_within(descriptor: int, kind: int, seconds: float) -> bool:
    """Try to flock a file for so long; False when another process keeps it locked."""
    end = 0.0
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            end = end or now + seconds
            if now >= end:
                return False
            time.sleep(0.0005)
        else:
            return True
