"""What every process may know of the second copies: what is being copied, what failed, when it goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from ...core.clock import rfc3339
from ...core.errors import AtalaiaError, Conflict
from ...core.files import private_folder, write_whole
from ..plan import BACKOFF
from ..turn import Turn


@dataclass(frozen=True, slots=True)
class Progress:
    """`copying`: the backup under way, or empty. `failures` in a row, the last of them with fact and hint."""

    copying: str = ""
    percent: int = 0
    failures: int = 0
    failed_at: datetime | None = None
    fact: str = ""
    hint: str = ""

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again after a failure."""
        if self.failed_at is None:
            return None
        return self.failed_at + BACKOFF[min(self.failures, len(BACKOFF)) - 1]

    def may_try(self, now: datetime) -> bool:
        """False while a failure is too young; one from the future was stamped by a wrong clock."""
        at = self.next_try_at
        return at is None or now >= at or at - now > BACKOFF[-1]

    def failed(self, why: AtalaiaError, now: datetime) -> Progress:
        """After one more failure."""
        return Progress("", 0, self.failures + 1, now, why.fact, why.hint)


class Board:
    """Where the progress is put up, and the right to copy: one at a time on this host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / ".offsite.json"

    def turn(self) -> Turn:
        """The right to copy; Conflict while another has it."""
        try:
            return Turn(private_folder(self._folder) / ".offsite.lock", self._path)
        except Conflict:
            raise Conflict(
                "a second copy is being made already", "Wait for its end: backup status."
            ) from None

    def read(self) -> Progress:
        """As of now; of a process that was killed nothing is under way."""
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except (OSError, msgspec.DecodeError):
            return Progress()
        return found if not found.copying or self._is_copying() else replace(found, copying="", percent=0)

    def tell(self, progress: Progress) -> None:
        """Put it up; a disk that takes nothing is no reason to break off a copy."""
        at = {"failed_at": rfc3339(progress.failed_at) if progress.failed_at else None}
        with suppress(OSError):
            write_whole(self._path, json.dumps(asdict(progress) | at).encode())

    def _is_copying(self) -> bool:
        try:
            self.turn().release()
        except Conflict:
            return True
        return False
