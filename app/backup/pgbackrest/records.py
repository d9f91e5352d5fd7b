"""What Atalaia knows of pgBackRest's backups beyond what pgBackRest does: a file for each label."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from ...core.files import private_folder, write_whole
from ..model import Concern, State
from ..outcome import Drill, Outcome
from .moment import Moment

_ENDING = ".json"
_LISTING = "info"
_NOT_OURS = "it was not made by Atalaia, and nobody knows what its source was then"
_AFTER = {Outcome.PROVEN: State.PROVEN, Outcome.RESTORED: State.RESTORED, Outcome.FAILED: State.CHECKED}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one label; `run` is empty for a backup that another made.

    `without_moment` says why there is nothing to compare it with, where there is no moment.
    """

    label: str
    state: State
    sequence: int = 0
    run: str = ""
    reason: str = ""
    damage: str = ""
    rechecked_at: datetime | None = None
    concerns: tuple[Concern, ...] = ()
    client_version: str = ""
    moment: Moment | None = None
    without_moment: str = _NOT_OURS
    drill: Drill | None = None
    shrunken: tuple[str, ...] = ()

    def judged(self, damage: str, now: datetime) -> Known:
        """The same after its files were read again and that was found wrong, nothing where they are sound."""
        sound = _AFTER.get(self.drill.outcome, State.CHECKED) if self.drill else State.CHECKED
        state = State.DAMAGED if damage else sound
        return replace(self, state=state, damage=damage, rechecked_at=now)

    def drilled(self, drill: Drill) -> Known:
        """The same after that drill; one that could not be tried changes nothing of what is known of it."""
        if drill.outcome is Outcome.NOT_DRILLABLE:
            return replace(self, drill=drill)
        return replace(self, drill=drill, state=_AFTER[drill.outcome])


class Records:
    """The folder of them, for one stanza; whoever writes holds the turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, Known]:
        """All, by label; one that cannot be understood is as if it were not there."""
        found = {}
        for path in self._folder.glob(f"2*{_ENDING}"):
            with suppress(OSError, msgspec.MsgspecError):
                known = msgspec.json.decode(path.read_bytes(), type=Known)
                found[known.label] = known
        return found

    def write(self, known: Known) -> None:
        """Put down what has become known."""
        private_folder(self._folder)
        write_whole(self._folder / f"{known.label}{_ENDING}", msgspec.json.encode(known) + b"\n")

    def forget_others(self, labels: Iterable[str]) -> None:
        """Drop those of backups that have expired."""
        for label in self.read().keys() - set(labels):
            (self._folder / f"{label}{_ENDING}").unlink(missing_ok=True)

    def changed_at(self) -> int:
        """Another number whenever something was put down, by any process."""
        try:
            return self._folder.stat().st_mtime_ns
        except OSError:
            return 0

    def last_listing(self) -> str:
        """The last answer of pgbackrest info; empty where none was kept."""
        try:
            return (self._folder / f"{_LISTING}{_ENDING}").read_text(encoding="utf-8")
        except OSError:
            return ""

    def keep_listing(self, text: str) -> None:
        """Keep that for when pgBackRest does not answer."""
        if text != self.last_listing():
            private_folder(self._folder)
            write_whole(self._folder / f"{_LISTING}{_ENDING}", text.encode())
