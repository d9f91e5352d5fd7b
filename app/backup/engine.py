"""What makes backups of PostgreSQL: pg_dump and our own pipeline, or pgBackRest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from .contents import Contents
from .model import Backup, OnShare, Running, Verdict
from .restorer import Wish


@dataclass(frozen=True, slots=True)
class Absence:
    """Why nothing is backed up; `is_wanted` when nobody has asked for it."""

    fact: str
    hint: str
    is_wanted: bool = False


class Engine(Protocol):
    """One way to back up one thing: a database, or a whole server.

    All of it may be called from any thread. Unavailable is raised by what cannot be done at all.
    """

    @property
    def absence(self) -> Absence | None:
        """None where it can work."""
        ...

    def contents(self) -> Contents:
        """Everything there is, judged by what this engine makes; cleans up after killed processes."""
        ...

    def backup(self, backup_id: str) -> Backup:
        """One backup; NotFound, or Damaged when its record cannot be believed."""
        ...

    def begin(self, reason: str, type_: str = "") -> Running:
        """Begin to make a backup, of a type where it has types; Conflict while anything runs."""
        ...

    def begin_drill(self, backup: Backup) -> Running:
        """Begin to drill one; Conflict while anything runs, InputRejected for what is no good backup."""
        ...

    def check(self) -> dict[str, Any]:
        """What would keep a backup from being made or being whole."""
        ...

    def retention(self) -> dict[str, Any]:
        """Which backups would go, which stay, and why; changes nothing."""
        ...

    def rotate(self) -> dict[str, Any]:
        """Let those go now."""
        ...

    def backup_before(self, at: datetime) -> Backup:
        """The one from which that point in time can be reached; InputRejected where there is none."""
        ...

    def plan_restore(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        """What restore() would find and do."""
        ...

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        """Bring a backup back."""
        ...

    def files(self) -> Contents:
        """What of it stands in the folder, to be copied elsewhere."""
        ...

    def verify_others(self) -> list[Verdict]:
        """Read again what does not stand in the folder, and say what is found."""
        ...

    def watch(self) -> None:
        """Look after what its backups hang on; called often by the leader."""
        ...

    def trouble(self) -> str:
        """What is wrong beside the backups, empty when nothing is."""
        ...

    def told(self) -> dict[str, Any]:
        """What the status tells of the engine itself."""
        ...

    def go_on(self) -> None:
        """Stopped when the server stops."""
        ...

    def stop(self) -> None:
        """End what runs; nothing begins any more."""
        ...
