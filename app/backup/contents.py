"""What stands in the folder of the backups, as one value to decide and to tell from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..core.command import COMMAND
from ..core.errors import NotFound
from .model import Backup, Failure, Running, State, Unreadable
from .plan import History


@dataclass(frozen=True, slots=True)
class Contents:
    """Backups and failures newest first, told by sequence; the run under way.

    `unrecorded` tells when runs failed of which no record could be written. What is last and what is
    due is judged by the backups of `database`, where one is named.
    """

    backups: Sequence[Backup] = ()
    unreadable: Sequence[Unreadable] = ()
    failures: Sequence[Failure] = ()
    running: Running | None = None
    unrecorded: Sequence[datetime] = ()
    database: str = ""

    @property
    def own(self) -> list[Backup]:
        """The backups of `database`."""
        return [one for one in self.backups if self.database in {"", one.source.database}]

    @property
    def last_good(self) -> Backup | None:
        """The newest backup that counts."""
        return next((backup for backup in self.own if backup.state.is_good), None)

    @property
    def failures_since_good(self) -> list[Failure]:
        """Newest first, without runs that were stopped or called off."""
        return [failure for failure in self._since_good if failure.is_trouble]

    @property
    def _since_good(self) -> list[Failure]:
        since = self.last_good.sequence if self.last_good else 0
        own = [one for one in self.failures if one.database in {"", self.database} or not self.database]
        return [failure for failure in own if failure.sequence > since]

    @property
    def history(self) -> History:
        """As the plan wants it."""
        good_at = [backup.started_at for backup in self.own if backup.state.is_good]
        recorded = [failure.failed_at for failure in self.failures_since_good]
        called_off = [failure.failed_at for failure in self._since_good if failure.called_off]
        return History(good_at, sorted([*recorded, *self.unrecorded]), next(iter(called_off), None))

    def about(self, database: str) -> Contents:
        """The same, judged by the backups of one database; others are only listed."""
        return replace(self, database=database)

    @property
    def all(self) -> list[Backup | Unreadable]:
        """Everything that has a manifest."""
        return [*self.backups, *self.unreadable]

    def find(self, backup_id: str) -> Backup | Unreadable | Failure | Running:
        """What has become of one run; NotFound."""
        runs = (self.running, *self.backups, *self.unreadable, *self.failures)
        found = next((run for run in runs if run is not None and _is_called(run, backup_id)), None)
        if found is None:
            raise NotFound(f"there is no backup {backup_id!r}", f"See: {COMMAND} backup list")
        return found

    def best_but(self, backup_id: str) -> Backup | None:
        """The newest good backup but for one."""
        return next((one for one in self.own if one.state.is_good and one.id != backup_id), None)

    @property
    def damaged(self) -> list[Backup | Unreadable]:
        """What is no longer what it was."""
        return [one for one in self.all if one.state is State.DAMAGED]

    @property
    def next_sequence(self) -> int:
        """One more than any run had so far."""
        done = [backup.sequence for backup in self.backups]
        return max([*done, *(failure.sequence for failure in self.failures)], default=0) + 1

    @property
    def failures_total(self) -> int:
        """How many runs have failed since the folder was made."""
        return max((failure.total for failure in self.failures), default=0)

    @property
    def total_bytes(self) -> int:
        """What the backups' files take on the disk."""
        return sum(one.size_bytes for one in self.all)


def _is_called(run: Backup | Unreadable | Failure | Running, backup_id: str) -> bool:
    """Whether that is its id, or that of the run which made it."""
    if run.id == backup_id:
        return True
    return isinstance(run, Backup) and run.physical is not None and run.physical.run == backup_id
