"""What Atalaia knows of pgBackRest's backups beyond what pgBackRest does: a file for each label."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from ...core.files import private_folder, write_whole
from ..model import Concern, State

_ENDING = ".json"
_LISTING = "info"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one label; `run` is empty for a backup that another made."""

    label: str
    state: State
    sequence: int = 0
    run: str = ""
    reason: str = ""
    damage: str = ""
    rechecked_at: datetime | None = None
    concerns: tuple[Concern, ...] = ()
    client_version: str = ""


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
