"""Which of the processes that have rings beside ours still live; asked often, so that it has to be cheap."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from .ring import token_of


class Neighbours:
    """The processes that have rings in a folder; one ring of each is kept open, to ask for its lock."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._changed_at = -1
        self._descriptors: dict[str, int] = {}

    def dead(self, own: str) -> set[str]:
        """The tokens of those that died and left rings; `own` is ours."""
        try:
            changed_at = self._spool.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._meet(own)
                self._changed_at = changed_at
        except FileNotFoundError:
            return set()
        dead = {token for token, descriptor in self._descriptors.items() if _is_free(descriptor)}
        for token in dead:
            os.close(self._descriptors.pop(token))
        if dead:
            self._changed_at = -1  # Because somebody may die again who takes over what is left.
        return dead

    @property
    def known(self) -> int:
        """How many lived at the last look."""
        return len(self._descriptors)

    def close(self) -> None:
        """Forget them, to meet them again."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors = {}
        self._changed_at = -1

    def _meet(self, own: str) -> None:
        rings = {token_of(path): path for path in self._spool.glob("*.ring")}
        rings.pop(own, None)
        for token in self._descriptors.keys() - rings.keys():
            os.close(self._descriptors.pop(token))
        for token in rings.keys() - self._descriptors.keys():
            with suppress(FileNotFoundError):
                self._descriptors[token] = os.open(rings[token], os.O_RDONLY | os.O_CLOEXEC)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True
