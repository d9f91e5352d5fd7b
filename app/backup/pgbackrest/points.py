"""Points in time to which a server can be brought back: from the end of a backup to that of the archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ...core.clock import rfc3339
from ...core.command import COMMAND
from ...core.errors import InputRejected, NotFound
from ..model import Backup, State


@dataclass(frozen=True, slots=True)
class Point:
    """The end of the backup, where nothing else is said; a time; or `latest`, as far as the archive goes."""

    backup: Backup
    at: datetime | None = None
    latest: bool = False
    reach: datetime | None = None

    @property
    def told(self) -> str:
        """In words."""
        if self.at is not None:
            return rfc3339(self.at)
        if not self.latest:
            return f"the end of the backup, {rfc3339(self.backup.finished_at)}"
        known = f", {rfc3339(self.reach)} or a little before" if self.reach else ""
        return f"the end of the archive{known}"

    @property
    def options(self) -> tuple[str, ...]:
        """As pgbackrest restore wants to be told."""
        if self.at is not None:
            target = self.at.isoformat(sep=" ", timespec="microseconds")
            return ("--type=time", f"--target={target}", "--target-action=promote")
        return ("--type=default",) if self.latest else ("--type=immediate", "--target-action=promote")


def choose(backups: Iterable[Backup], at: datetime) -> Backup:
    """The newest good backup that had ended at that time; InputRejected when there was none yet."""
    good = sorted((one for one in backups if one.state.is_good), key=lambda one: one.finished_at)
    before = [one for one in good if one.finished_at <= at]
    if before:
        return before[-1]
    if not good:
        raise NotFound("there is no good backup", f"See: {COMMAND} backup list")
    raise InputRejected(
        f"{rfc3339(at)} is before the end of the first good backup",
        f"The earliest point in time is {rfc3339(good[0].finished_at)}, the end of {good[0].id}.",
    )


def see(point: Point, now: datetime) -> None:
    """InputRejected for what cannot be reached from its backup."""
    backup, at = point.backup, point.at
    if backup.state is State.DAMAGED:
        raise InputRejected(f"{backup.id} is damaged: {backup.damage}", "Name another: backup list")
    if at is None:
        return
    if point.latest:
        raise InputRejected("a point in time and the latest one are asked for", "Say one of them.")
    if at < backup.finished_at:
        raise InputRejected(
            f"{rfc3339(at)} is before the end of {backup.id}, {rfc3339(backup.finished_at)}",
            "Name no backup: the right one is chosen.",
        )
    if at > now:
        raise InputRejected(f"{rfc3339(at)} is still to come", "Name a time that has passed.")
    if point.reach is not None and at > point.reach:
        raise InputRejected(
            f"{rfc3339(at)} is after the end of the archive, {rfc3339(point.reach)}",
            "Take the latest point (--latest). Where the server still runs: SELECT pg_switch_wal() first.",
        )
